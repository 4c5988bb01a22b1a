"""Grasps found by energy, and tried out in simulation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax import rotations
from dexjax.grasps.energy import Pose, grasp_energy, rest_table
from dexjax.grasps.solid import make_solid, signed_distance
from dexjax.grasps.synthesis import Annealing, _start, make_synthesis
from dexjax.grasps.validation import (
    GRAVITY,
    _rotation_error,
    _turn_to_down,
    closing_targets,
    make_trial,
)
from dexjax.hands import load_hand
from dexjax.objects import load_object
from dexjax.physics.native import NativeEngine
from dexjax.scene import make_scene

COUNT = 16


@pytest.fixture(scope="module")
def hand():
    return load_hand()


@pytest.fixture(scope="module")
def box():
    return load_object("box@0.06")


@pytest.fixture(scope="module")
def place(box):
    return make_solid(box, 0), rest_table(box.rest_quat[0], box.rest_height[0])


@pytest.fixture(scope="module")
def found(hand, box, place):
    find = jax.vmap(make_synthesis(hand, Annealing(steps=400)), (0, None, None, None))
    keys = jax.random.split(jax.random.key(0), COUNT)
    return jax.jit(find)(keys, place[0], jnp.asarray(box.points[0]), place[1])


def test_hands_start_outside_palm_towards_the_object(hand, box, place):
    solid, table = place
    points = jnp.asarray(box.points[0])
    keys = jax.random.split(jax.random.key(1), 64)
    poses = jax.vmap(_start, (None, 0, None, None))(hand, keys, points, table)
    centre = poses.translation + rotations.rotate(
        poses.rotation, jnp.asarray(hand.palm_center)
    )
    gap, _ = signed_distance(solid, centre)
    assert (gap > -1e-3).all() and (gap < 0.07).all()
    # In the start pose the palm looks down.
    looks = rotations.rotate(
        rotations.conjugate(jnp.asarray(hand.start_quat)), -table.up
    )
    looks = rotations.rotate(poses.rotation, looks)
    to_object = -centre / jnp.linalg.norm(centre, axis=1, keepdims=True)
    assert np.median((looks * to_object).sum(-1)) > 0.8
    # From above or the side, never from below, and from all around.
    assert (looks @ table.up < 1e-3).all()
    assert np.abs(np.asarray(looks).mean(axis=0))[:2].max() < 0.3


def test_the_energy_falls(hand, box, place, found):
    solid, table = place
    points = jnp.asarray(box.points[0])
    keys = jax.random.split(jax.random.key(0), COUNT)
    starts = jax.vmap(_start, (None, 0, None, None))(hand, keys, points, table)
    contacts = jnp.array([30, 70, 100, 160])
    terms = jax.vmap(grasp_energy(hand), (0, None, None, None))
    before = terms(starts, contacts, solid, table)
    assert np.median(found.terms["distance"]) < 0.3 * np.median(before["distance"])
    assert np.median(found.terms["penetration"]) < 0.005
    assert np.median(found.terms["table"]) < 0.003
    assert (np.asarray(found.energy) > 0).all()
    np.testing.assert_allclose(
        np.linalg.norm(found.pose.rotation, axis=1), 1.0, rtol=1e-5
    )
    assert found.joints.shape == (COUNT, len(hand.joints))


@pytest.mark.parametrize("direction", GRAVITY.tolist())
def test_gravity_pulls_along_each_direction(direction):
    turn = _turn_to_down(jnp.asarray(direction))
    np.testing.assert_allclose(np.linalg.norm(turn), 1.0, rtol=1e-6)
    down = rotations.rotate(turn, jnp.asarray(direction))
    np.testing.assert_allclose(down, [0, 0, -1], atol=1e-6)


def test_rotation_error_is_the_turn_still_to_make():
    start = rotations.from_axis_angle(jnp.array([0.6, 0.0, 0.8]), 0.7)
    turn = rotations.from_axis_angle(jnp.array([0.0, 1.0, 0.0]), 0.05)
    error = _rotation_error(rotations.multiply(turn, start), -start)
    np.testing.assert_allclose(error, [0.0, 0.05, 0.0], atol=1e-4)


def test_a_grasp_holds_and_an_absent_one_does_not(hand, box, place, found):
    engine = NativeEngine(make_scene(hand, box))
    targets = jax.jit(jax.vmap(closing_targets(hand, 1.0), (0, None)))
    pressing = targets(found.pose, place[0])
    open_hand = found.pose.actuated
    # Pressing closes: towards smaller distances, so not all joints alike.
    assert (np.abs(pressing - open_hand).max(axis=1) > 0.02).all()
    trial = jax.jit(jax.vmap(make_trial(engine)))
    ids = jnp.zeros(COUNT, jnp.int32)
    pose, joints = found.pose, found.joints
    held = trial(pose.translation, pose.rotation, joints, pressing, ids)
    assert held.held.shape == (COUNT, 6)
    away = Pose(pose.translation + 0.5, pose.rotation, pose.actuated)
    dropped = trial(away.translation, away.rotation, joints, pressing, ids)
    assert not dropped.held.any() and (dropped.slip > 1.0).all()
    assert held.held.any()
    np.testing.assert_array_equal(held.held, held.slip <= 0.03)
