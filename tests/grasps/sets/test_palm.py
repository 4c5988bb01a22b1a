"""How the palm is turned."""

import numpy as np
import pytest

from dexjax.grasps.sets.palm import (
    GRAVITY,
    TURNS,
    drawn_physics,
    near_turns,
    palm_pose,
    palm_scene,
)
from dexjax.hands import load_hand
from dexjax.objects.geometric import geometric_objects


def test_turns_are_all_sides_and_half_of_the_way_between_two():
    pulls = np.array(list(TURNS.values()))
    assert len(pulls) == 6 + 12
    np.testing.assert_allclose(np.linalg.norm(pulls, axis=1), 1.0)
    angle = np.degrees(np.arccos(np.clip(pulls @ pulls.T, -1, 1)))
    np.fill_diagonal(angle, 360)
    np.testing.assert_allclose(angle.min(axis=1), 45.0, atol=1e-6)
    # Whatever holds one way has the opposite way, too.
    np.testing.assert_allclose(angle.max(axis=1, where=angle < 360, initial=0), 180.0)


@pytest.mark.parametrize("turn", ["palm down", "fingers up, thumb down"])
def test_gravity_pulls_where_the_name_says(turn):
    scene = palm_scene(
        load_hand("allegro"), geometric_objects("train", ["cube"]), [turn]
    )
    model = scene.models[0]
    assert np.linalg.norm(model.opt.gravity) == pytest.approx(GRAVITY)
    # The fingers are along +x of the palm, the thumb's side is -y of it.
    where = {"palm": 2, "fingers": 0, "thumb": 1}
    sign = {"palm": 1, "fingers": 1, "thumb": -1}
    for word in turn.split(", "):
        part, way = word.split()
        pull = sign[part] * model.opt.gravity[where[part]]
        assert (pull < 0) == (way == "up")
    centre, quat = palm_pose(scene)
    assert np.isfinite(centre).all() and abs(np.linalg.norm(quat) - 1) < 1e-9


def test_near_turns_are_those_of_45_degrees_of_the_same_object_and_physics():
    objects = geometric_objects("train", ["cube", "bar"])
    physics = drawn_physics(2, 0.1, seed=0)
    scene = palm_scene(load_hand("allegro"), objects, tuple(TURNS), physics)
    near = near_turns(scene)
    assert near.shape == (2 * 2 * 18, 4)
    own = np.arange(len(near))[:, None]
    assert (near // 18 == own // 18).all()
    pulls = np.array([model.opt.gravity for model in scene.models]) / GRAVITY
    cosine = np.einsum("nd,nkd->nk", pulls, pulls[near])
    np.testing.assert_allclose(cosine, np.sqrt(0.5), atol=1e-6)
    # A face has four of them, an edge two.
    counts = [len(set(row)) for row in near[:18]]
    assert counts == [4] * 6 + [2] * 12


def test_a_turn_without_near_ones_names_itself():
    scene = palm_scene(
        load_hand("allegro"),
        geometric_objects("train", ["cube"]),
        ("palm up", "palm down"),
    )
    assert near_turns(scene).tolist() == [[0], [1]]
