"""Goals are near grasps of what is held, as a slow search finds them."""

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.graph import Places, distances
from dexjax.grasps.sets.palm import TURNS, next_turns
from dexjax.hands import load_hand
from dexjax.objects.geometric import geometric_objects
from dexjax.tasks.inhand.goals import Bank, Grasp, errors


@pytest.fixture(scope="module")
def hand():
    return load_hand("allegro")


@pytest.fixture(scope="module")
def bank(grasp_sets, hand, two_objects):
    return Bank(grasp_sets, hand, two_objects)


def grasps(count, seed):
    rng = np.random.default_rng(seed)
    quat = rng.normal(size=(count, 4))
    quat /= np.linalg.norm(quat, axis=1, keepdims=True)
    parts = rng.normal(0, 0.03, (count, 3)), quat, *rng.normal(size=(2, count, 16))
    return Grasp(*(jnp.asarray(part, jnp.float32) for part in parts))


def test_errors_are_the_distances_of_the_graph():
    one, other = grasps(50, 0), grasps(50, 1)
    expected = distances(
        Places(*map(np.asarray, one[:3])), Places(*map(np.asarray, other[:3]))
    )
    found = errors(one, other)
    np.testing.assert_allclose(found.of_all, expected, rtol=1e-4)
    assert (np.asarray(found.of_object) < np.asarray(found.of_all)).all()


def test_a_start_is_a_grasp_of_the_object(bank, grasp_sets):
    for object_id in (0, 1):
        own = np.flatnonzero(grasp_sets.object == object_id)
        numbers = jnp.arange(len(own))
        start = jax.vmap(bank.start, (None, None, 0))
        model, found = start(jax.random.key(0), object_id, numbers)
        assert set(np.asarray(model).tolist()) == {2 * object_id, 2 * object_id + 1}
        expected = np.sort(grasp_sets.position[own], axis=0)
        np.testing.assert_array_equal(np.sort(found.position, axis=0), expected)


@pytest.mark.parametrize("nearest, farthest", [(0.5, 3.0), (0.5, 0.6), (90.0, 99.0)])
def test_a_goal_is_that_of_a_slow_search(bank, grasp_sets, nearest, farthest):
    """With so many drawn that all of the set are among them."""
    rows = grasp_sets.of(1, 0)
    names = ("position", "quaternion", "joints", "targets")
    own = Grasp(*(jnp.asarray(getattr(grasp_sets, name)[rows]) for name in names))
    for i in range(6):
        here = jax.tree.map(lambda x, i=i: x[i], own)
        found = bank.goal(jax.random.key(i), 2, here, 2000, nearest, farthest)
        apart = errors(own, here)
        of_object, of_all = np.asarray(apart.of_object), np.asarray(apart.of_all)
        inside = (of_object >= nearest) & (of_object <= farthest)
        beyond = of_object > farthest
        if inside.any():
            best = np.where(inside, of_all, np.inf).argmin()
        elif beyond.any():
            best = np.where(beyond, of_object, np.inf).argmin()
        else:
            best = of_object.argmax()
        np.testing.assert_array_equal(found.position, own.position[best])


def test_a_goal_of_fine_rotation_turns_the_object_in_its_place(bank):
    turns = np.radians([10.0, 35.0, 40.0, 30.0, 90.0])
    places = [0.0, 0.0, 0.005, 0.03, 0.0]
    joints = [0.0, 0.4, 0.0, 0.0, 0.0]
    rotated = [[np.cos(t / 2), 0.0, 0.0, np.sin(t / 2)] for t in turns]
    own = copy.copy(bank)
    own.grasps = Grasp(
        jnp.asarray([[p, 0.0, 0.0] for p in places]),
        jnp.asarray(rotated),
        jnp.asarray([[j] * 16 for j in joints]),
        jnp.zeros((5, 16)),
    )
    own._count, own._first = jnp.array([5]), jnp.array([0])
    here = Grasp(jnp.zeros(3), jnp.array([1.0, 0, 0, 0]), jnp.zeros(16), jnp.zeros(16))

    def chosen(grasps):
        own.grasps = grasps
        return own.goal(jax.random.key(0), jnp.array(0), here, 200, 0.0, 9.0, True)

    def turn(goal):
        return np.degrees(2 * np.arccos(goal.quaternion[0]))

    # In its place and turned enough, with the joints bent least.
    every = own.grasps
    assert turn(chosen(every)) == pytest.approx(40, abs=0.1)
    # Where there is none, what lacks least.
    own._count = jnp.array([1])
    assert turn(chosen(every)) == pytest.approx(10, abs=0.1)
    far = jax.tree.map(lambda x: x[np.array([0, 4])], every)
    own._count = jnp.array([2])
    assert turn(chosen(far)) == pytest.approx(10, abs=0.1)
    near = jax.tree.map(lambda x: x[np.array([3, 4])], every)
    assert turn(chosen(near)) == pytest.approx(90, abs=0.1)


def test_another_part_of_a_set_gives_another_goal(bank):
    _, here = bank.start(jax.random.key(0), 0)
    keys = jax.random.split(jax.random.key(1), 32)
    goals = jax.vmap(lambda key: bank.goal(key, 0, here, 4, 0.5, 3.0))(keys)
    assert len(np.unique(np.asarray(goals.position), axis=0)) > 4


def test_the_palm_turns_to_a_turn_nearby_of_the_same_object(bank):
    models = jnp.array([0, 1, 2, 3])
    keys = jax.random.split(jax.random.key(0), 4)
    assert np.asarray(jax.vmap(bank.turned)(keys, models)).tolist() == [1, 0, 3, 2]
    stays = jax.vmap(lambda key, model: bank.turned(key, model, 0.0))(keys, models)
    assert np.asarray(stays).tolist() == [0, 1, 2, 3]


def test_a_palm_that_has_all_turns_turns_by_45_degrees():
    names, pulls = tuple(TURNS), np.array(list(TURNS.values()))
    there = np.ones((2, len(names)), bool)
    there[1, names.index("palm up, thumb up")] = False
    following = next_turns(pulls, there[:, None, :])
    angle = np.degrees(np.arccos(np.clip(pulls @ pulls.T, -1, 1)))
    np.testing.assert_allclose(angle[following[0]], 45.0, atol=1e-6)
    # Every turn can be reached from every other.
    reached = np.linalg.matrix_power(following[0].astype(int), 6) + following[0]
    assert (reached + np.linalg.matrix_power(following[0].astype(int), 5) > 0).all()
    assert not following[1][:, ~there[1]].any() and following[1].any(axis=1).all()


def test_the_palm_does_not_turn_where_there_is_no_grasp(grasp_sets, hand, two_objects):
    bar_up = (grasp_sets.object == 1) & (grasp_sets.turn == 1)
    bank = Bank(grasp_sets.subset(~bar_up), hand, two_objects)
    assert int(bank.turned(jax.random.key(0), jnp.array(2))) == 2
    assert int(bank.turned(jax.random.key(0), jnp.array(0))) == 1


def test_grasps_of_other_hands_objects_and_shapes_are_refused(
    grasp_sets, hand, two_objects
):
    with pytest.raises(DexjaxError, match="are of hand allegro, the task has the shad"):
        Bank(grasp_sets, load_hand("shadow"), two_objects)
    with pytest.raises(DexjaxError, match="no object 'ball', but cube, bar"):
        Bank(grasp_sets, hand, geometric_objects("train", ["ball"]))
    other = dataclasses.replace(two_objects, hulls=1.1 * two_objects.hulls)
    with pytest.raises(DexjaxError, match="of other shapes"):
        Bank(grasp_sets, hand, other)
    cubes = grasp_sets.subset(grasp_sets.object == 0)
    with pytest.raises(DexjaxError, match="no grasp of 'bar'"):
        Bank(cubes, hand, two_objects)
