"""Success and contacts, object by object."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.evaluation import objects
from dexjax.evaluation.episodes import RECORDED, evaluate
from dexjax.evaluation.interval import wilson
from dexjax.evaluation.objects import by_category, measure_objects, pooled
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.scene import make_scene
from dexjax.spec import PolicySpec
from dexjax.tasks.grasp import Episode, GraspConfig, GraspTask

EPISODES = 4


class Stay:
    """The wrist stands still, the fingers are half closed."""

    def __init__(self, task):
        self.spec = PolicySpec.of(task.spec, ("object_position",))

    def init(self, batch):
        return ()

    def act(self, obs, carry, key=None):
        return jnp.zeros((len(obs["object_position"]), 24)), carry

    def __hash__(self):
        return hash(self.spec)

    def __eq__(self, other):
        return self.spec == other.spec


jax.tree_util.register_static(Stay)


@pytest.fixture(scope="module")
def task():
    scene = make_scene(load_hand(), load_objects(["mug", "box"]))
    config = GraspConfig(starts=1, episode_steps=40)
    return GraspTask(make_engine(scene, "native"), config).fresh(EPISODES, 0)


@pytest.fixture(scope="module")
def measured(task):
    return measure_objects(task, Stay(task), EPISODES, seed=0)


def test_a_hand_that_stays_away_holds_nothing(task):
    boxes = Episode(np.full(EPISODES, 1), np.arange(EPISODES))
    found = evaluate(task, Stay(task), boxes, seed=0)
    assert not found.succeeded.any() and not found.outcomes["reached"].any()
    assert (found.holding.object_id == 1).all()
    assert found.recorded.qpos.shape[:2] == (task.spec.episode_steps, RECORDED)
    # Recorded from the start: the palm is above the table, the object on it.
    first = found.recorded.qpos[0]
    assert (first[:, 2] > 0.15).all() and (first[:, -5] < 0.15).all()


def test_every_object_is_measured(task, measured):
    rows, found = measured
    assert [row["object"] for row in rows] == ["mug", "box"]
    for row in rows:
        assert row["episodes"] == EPISODES and row["success_held"] == 0
        assert row["success_reached"] == 0 and row["ci95"] == wilson(0, EPISODES)
        assert row["contacts"] == {"worlds": 0}
    # No two episodes start alike.
    places = found.recorded.qpos[0, :, -7:]
    assert len(np.unique(places, axis=0)) == RECORDED


def test_an_episode_that_breaks_off_counts_for_its_own_object(
    task, measured, monkeypatch
):
    """Its world goes on with another object; that one's episodes are not more."""
    _, found = measured
    holding = found.holding._replace(object_id=np.ones_like(found.holding.object_id))
    held = np.arange(2 * EPISODES) < EPISODES
    changed = dataclasses.replace(
        found, outcomes=found.outcomes | {"held": held}, holding=holding
    )
    worlds = []
    monkeypatch.setattr(objects, "evaluate", lambda *_: changed)
    monkeypatch.setattr(
        objects, "contact_depths", lambda _, x: worlds.append(len(x.qpos)) or {}
    )
    rows, _ = measure_objects(task, Stay(task), EPISODES, seed=0)
    assert [row["episodes"] for row in rows] == [EPISODES, EPISODES]
    assert [row["success_held"] for row in rows] == [1.0, 0.0]
    # Contacts are those of the held ones.
    assert worlds == [EPISODES, 0]


def row(name, category, held, count, distance=None):
    return {
        "object": name,
        "category": category,
        "success_held": held,
        "success_reached": 1.0,
        "episodes": count,
        "pose_distance": distance,
    }


ROWS = [
    row("mug@0.06", "mug", 0.25, 4, 2.0),
    row("can", "can", 0.5, 10),
    row("mug@0.08", "mug", 0.75, 12, 4.0),
]


def test_objects_are_pooled_by_their_episodes():
    found = pooled(ROWS, "all")
    assert found["episodes"] == 26 and found["objects"] == 3
    assert found["success_held"] == pytest.approx((1 + 5 + 9) / 26)
    assert found["success_reached"] == 1.0
    assert found["ci95"] == wilson(15, 26) and found["pose_distance"] == 3.0


def test_categories_are_pooled_alone():
    found = by_category(ROWS)
    assert [(own["object"], own["episodes"]) for own in found] == [
        ("can", 10),
        ("mug", 16),
    ]
    assert found[1]["success_held"] == 10 / 16
    assert found[0]["pose_distance"] is None
