"""Observations against MuJoCo C quantities, in the order that ResDex documents."""

import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.spec import CAMERA, POLICY, PRIVILEGED
from dexjax.tasks.grasp.observations import (
    OBSERVATIONS,
    Situation,
    describe,
    observe,
    observed_names,
    sense,
)

FINGERS = ("ff", "mf", "rf", "lf", "th")
GOAL = np.array([0.0, 0.0, 0.2])
CLOUD = np.random.default_rng(2).normal(size=(512, 3)).astype(np.float32)
EVERY = (
    "proprioception",
    "previous_action",
    "object_position",
    "object_state",
    "object_code",
    "surface",
    "relative",
    "object_centre",
    "points",
    "seen_points",
    "depth",
)
IMAGES = (2, 8, 8)


@pytest.fixture(scope="module")
def world(box_scene):
    """A moving hand in the air whose fingers push against their servos."""
    data = mujoco.MjData(box_scene.model)
    rng = np.random.default_rng(0)
    data.qpos[box_scene.root_qpos][:3] = [0.05, -0.02, 0.4]
    data.qpos[box_scene.root_qpos][3:] = Rotation.random(rng=rng).as_quat(
        scalar_first=True
    )
    low, high = box_scene.hand.joint_range.T
    data.qpos[box_scene.finger_qpos] = rng.uniform(low, high)
    data.qpos[box_scene.object_qpos][:3] = [0.1, 0.2, 0.3]
    data.qpos[box_scene.object_qpos][3:] = Rotation.random(rng=rng).as_quat(
        scalar_first=True
    )
    data.qvel[:] = rng.normal(size=box_scene.model.nv)
    data.ctrl[:] = rng.uniform(*box_scene.model.actuator_ctrlrange.T)
    mujoco.mj_forward(box_scene.model, data)
    mujoco.mj_rnePostConstraint(box_scene.model, data)
    return data


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(1)
    return {
        "previous_action": rng.uniform(-1, 1, 24).astype(np.float32),
        "goal": GOAL,
        "code": rng.normal(size=64).astype(np.float32),
        "centre": np.array([0.1, 0.2, 0.35]),
    }


@pytest.fixture(scope="module")
def seen(box_scene, world, inputs):
    """Everything that can be observed, name -> array."""
    sensordata = jnp.asarray(world.sensordata, jnp.float32)
    sensed = sense(box_scene.hand, box_scene.sensors, sensordata)
    arrays = {name: jnp.asarray(x) for name, x in inputs.items()}
    # Each kind of points is asked for under its own name.
    shift = {"surface": 0.0, "points": 1.0, "seen_points": 2.0}
    now = Situation(
        sensed,
        cloud=lambda name: jnp.asarray(CLOUD) + shift[name],
        depth=lambda: jnp.ones(IMAGES, jnp.uint8),
        **arrays,
    )
    found = observe(box_scene.hand, EVERY, now)
    return {name: np.asarray(x) for name, x in found.items()}


def close(got, expected, atol=2e-5):
    np.testing.assert_allclose(got, np.ravel(expected), atol=atol, rtol=1e-4)


def velocity(scene, data, site):
    """(linear, angular) velocity of a site, world axes."""
    result = np.zeros(6)
    kind = mujoco.mjtObj.mjOBJ_SITE
    mujoco.mj_objectVelocity(scene.model, data, kind, data.site(site).id, result, 0)
    return result[3:], result[:3]


def orientation(data, site):
    return Rotation.from_matrix(data.site(site).xmat.reshape(3, 3))


def test_what_is_described_is_what_is_seen(box_scene, seen):
    visible = set(EVERY) - {"object_state"}
    told = describe(box_scene.hand, EVERY, 24, "0123", visible, IMAGES)
    assert {own.name: own.shape for own in told} == {
        name: x.shape for name, x in seen.items()
    }
    for own in told:
        who = {"object_state": PRIVILEGED, "depth": CAMERA}
        assert own.seen_by == who.get(own.name, POLICY)
        told_by_hand = {"proprioception", "previous_action", "depth"}
        assert own.of_object == (own.name not in told_by_hand)
        assert own.source == ("encoder 0123" if own.name == "object_code" else "")
    assert all(
        own.source == "" for own in describe(box_scene.hand, EVERY, 24, "", visible)
    )


@pytest.mark.parametrize(
    ("kind", "features"),
    [("geometry-unaware", 150), ("full", 227), ("surface", 227 + 26 + 18)],
)
@pytest.mark.parametrize("relative", [False, True])
def test_the_paper_counts_as_many_features(seen, kind, features, relative):
    names = observed_names(kind, relative)
    assert sum(seen[name].size for name in names) == features + 18 * relative


def test_what_is_named_twice_is_observed_once():
    names = observed_names("full", True, ("relative", "surface", "object_code"))
    assert names == (*OBSERVATIONS["full"], "relative", "surface")


def test_surface_ends_with_the_way_from_the_palm_to_the_nearest_point(world, seen):
    palm = world.site("palm_center").xpos
    nearest = CLOUD[np.linalg.norm(CLOUD - palm, axis=1).argmin()]
    close(seen["surface"][-3:], 10.0 * (nearest - palm), atol=1e-4)


@pytest.mark.parametrize(("name", "shift"), [("points", 1.0), ("seen_points", 2.0)])
def test_points_are_seen_from_the_palm(world, seen, name, shift):
    expected = 10.0 * (CLOUD + shift - world.site("palm_center").xpos)
    np.testing.assert_allclose(seen[name], expected, atol=1e-4)


def test_the_centre_of_mass_is_seen_from_the_palm(world, seen, inputs):
    expected = 10.0 * (inputs["centre"] - world.site("palm_center").xpos)
    np.testing.assert_allclose(seen["object_centre"], expected, atol=1e-4)


def test_joint_positions_are_scaled_to_their_limits(box_scene, world, seen):
    expected = []
    for joint in box_scene.hand.joints:
        low, high = box_scene.model.joint(joint).range
        expected.append(2 * (world.joint(joint).qpos[0] - low) / (high - low) - 1)
    close(seen["proprioception"][0:22], expected)
    assert np.abs(expected).max() > 0.8


def test_fingertips(box_scene, world, seen):
    tips = seen["proprioception"][22:87].reshape(5, 13)
    for finger, tip in zip(FINGERS, tips, strict=True):
        site = finger + "tip"
        close(tip[:3], world.site(site).xpos)
        turn = Rotation.from_quat(tip[3:7], scalar_first=True)
        assert (turn.inv() * orientation(world, site)).magnitude() < 1e-5
        linear, angular = velocity(box_scene, world, site)
        close(tip[7:10], linear)
        close(tip[10:13], angular)


def test_fingertip_wrenches_times_ten(box_scene, world, seen):
    model = box_scene.model
    wrenches = seen["proprioception"][87:117].reshape(5, 6)
    for finger, wrench in zip(FINGERS, wrenches, strict=True):
        site = world.site(finger + "tip")
        body = model.body(finger + "distal")
        # What the body's joint transmits, about the hand's centre of mass.
        torque, force = np.split(world.cfrc_int[body.id], 2)
        lever = site.xpos - world.subtree_com[model.body_rootid[body.id]]
        to_site = orientation(world, finger + "tip").inv()
        close(wrench[:3], 10 * to_site.apply(force), atol=2e-3)
        close(wrench[3:], 10 * to_site.apply(torque - np.cross(lever, force)), 2e-3)
    assert np.abs(wrenches).max() > 1


def test_palm(world, seen):
    close(seen["proprioception"][117:120], world.site("palm_center").xpos)
    root = Rotation.from_quat(world.joint("root").qpos[3:], scalar_first=True)
    close(seen["proprioception"][120:123], root.as_euler("xyz"))


def test_action_object_and_goal(world, seen, inputs):
    close(seen["previous_action"], inputs["previous_action"])
    place = world.joint("object")
    close(seen["object_position"], place.qpos[:3])
    state = seen["object_state"]
    close(state[:3], GOAL - place.qpos[:3])
    close(state[3:7], place.qpos[3:])
    close(state[7:10], place.qvel[:3])
    # A free joint's angular velocity is in the body's frame.
    turn = Rotation.from_quat(place.qpos[3:], scalar_first=True)
    close(state[10:13], 0.2 * turn.apply(place.qvel[3:]))
    close(seen["object_code"], 0.1 * inputs["code"])


def test_relative_terms(world, seen):
    here = world.joint("object").qpos[:3]
    close(seen["relative"][:3], here - world.site("palm_center").xpos)
    tips = [here - world.site(finger + "tip").xpos for finger in FINGERS]
    close(seen["relative"][3:], tips)
