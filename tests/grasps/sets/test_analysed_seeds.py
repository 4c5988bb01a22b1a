"""Seeds by grasp analysis: fingertips get to their points, and some seeds hold."""

import itertools

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.analysed_seeds import DEEP_M, analysed_seeds
from dexjax.grasps.sets.growth import LEAD_RAD
from dexjax.grasps.sets.palm import finger_of_actuators, palm_pose
from dexjax.grasps.sets.reach import (
    make_reach,
    nearest_fingers,
    tip_positions,
    tip_radii,
)
from dexjax.grasps.sets.search import Search
from dexjax.grasps.sets.trial import make_trial, touches
from dexjax.hands import load_hand


@pytest.fixture(scope="module")
def search(palm_engine):
    return Search(palm_engine, 16, 5, "analysis", batch=128)


def test_tips_get_to_points_that_they_can_get_to(palm_engine):
    """By the kinematics of MuJoCo C."""
    hand, scene = load_hand("allegro"), palm_engine.scene
    low, high = hand.joint_range[hand.actuated_index].T
    rng = np.random.default_rng(0)
    there = rng.uniform(low, high, (16, len(low))).astype(np.float32)
    points = np.asarray(jax.vmap(tip_positions(hand))(jnp.asarray(there)))
    start = np.tile(hand.poses["open"], (16, 1)).astype(np.float32)
    used = np.tile([True, True, False, True], (16, 1))
    reach = make_reach(hand, finger_of_actuators(scene))
    found, away = (np.asarray(array) for array in reach(start, points, used))
    assert (found >= low - 1e-6).all() and (found <= high + 1e-6).all()
    np.testing.assert_allclose(found[:, 8:12], start[:, 8:12])
    assert (away < 0.003).mean() > 0.7
    centre, upright = palm_pose(scene)
    into = np.zeros(9)
    mujoco.mju_quat2Mat(into, upright)
    data = mujoco.MjData(scene.model)
    for joints, wanted, error in zip(found, points, away, strict=True):
        data.qpos[scene.finger_qpos] = joints
        mujoco.mj_kinematics(scene.model, data)
        tips = np.array([data.site(tip).xpos for tip in hand.fingertips])
        tips = (tips - centre) @ into.reshape(3, 3)
        missed = np.linalg.norm(tips - wanted, axis=1)[used[0]].max()
        assert missed == pytest.approx(error, abs=1e-5)


def test_tips_are_balls():
    hand = load_hand("shadow")
    actuated = jnp.asarray(hand.poses["grasp"][hand.actuated_index])
    assert jax.jit(tip_positions(hand))(actuated).shape == (5, 3)
    assert tip_radii(load_hand("allegro")) == pytest.approx([0.012] * 4)
    assert (tip_radii(hand) > 0.003).all()


def test_each_point_gets_the_finger_that_makes_ways_short():
    rng = np.random.default_rng(1)
    tips, points = rng.normal(size=(20, 4, 3)), rng.normal(size=(20, 3, 3))
    there = np.tile([True, True, False], (20, 1))
    finger, way = nearest_fingers(tips, points, there)
    for row in range(20):
        ways = np.linalg.norm(points[row, :2, None] - tips[row], axis=-1)
        pairs = itertools.permutations(range(4), 2)
        least = min(ways[0, a] + ways[1, b] for a, b in pairs)
        assert way[row] == pytest.approx(least / 2)
        assert len(set(finger[row])) == 3


def test_seeds_begin_free_and_some_hold(palm_engine):
    scene, count = palm_engine.scene, 64
    seeds = analysed_seeds(scene)
    model = np.arange(count) % 4
    grasps, targets = seeds(model, np.random.default_rng(0))
    assert 8 < len(targets) <= count
    assert set(grasps.model) == {0, 1, 2, 3}
    every = np.ones(len(targets), bool)
    _, depth = touches(scene, grasps.model, grasps.qpos, every)
    assert depth.max() <= DEEP_M
    joints = grasps.qpos[:, scene.finger_qpos]
    assert np.abs(targets - joints).max() <= LEAD_RAD + 1e-6
    rows = np.resize(np.arange(len(targets)), count)
    tried = make_trial(palm_engine, ramp=5)(grasps.subset(rows), targets[rows])
    assert tried.valid[: len(targets)].mean() > 0.2
    again, same = seeds(model, np.random.default_rng(0))
    np.testing.assert_array_equal(again.qpos, grasps.qpos)
    np.testing.assert_array_equal(same, targets)


def test_a_search_that_goes_on_finds_the_same(palm_engine, search):
    once = search.start()
    for _ in range(2):
        once = search.step(once)
    other = Search(palm_engine, 16, 5, "analysis", batch=128)
    again = other.step(search.step(search.start()))
    np.testing.assert_array_equal(again.grasps.qpos, once.grasps.qpos)
    assert again.counts == once.counts
    assert 0 < again.counts["seeds_valid"] <= again.counts["seeds"] <= 64


def test_what_is_full_hangs_together_and_little_of_it_is_sown(search):
    found = search.start()
    for _ in range(40):
        found = search.step(found)
        sizes = np.bincount(found.grasps.model, minlength=4)
        full = (sizes == 16)[found.grasps.model]
        assert (sizes <= 16).all() and found.linked[full].all()
        if not search.missing(found).any():
            break
    assert not search.missing(found).any()


def test_another_seeding_is_refused(palm_engine):
    with pytest.raises(DexjaxError, match=r"seeding 'rrt': choose from \['random'"):
        Search(palm_engine, 16, 0, "rrt")
