"""Observations against MuJoCo C quantities, at the indices that ResDex documents."""

import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.tasks.observations import geometry_unaware_part, observe, sense

FINGERS = ("ff", "mf", "rf", "lf", "th")
GOAL = np.array([0.0, 0.0, 0.2])
CLOUD = np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32)


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
    }


@pytest.fixture(scope="module")
def see(box_scene, world, inputs):
    sensordata = jnp.asarray(world.sensordata, jnp.float32)
    sensed = sense(box_scene.hand, box_scene.sensors, sensordata)

    def see(kind="full", relative=False):
        arrays = {name: jnp.asarray(x) for name, x in inputs.items()}
        return np.asarray(
            observe(
                box_scene.hand,
                sensed,
                kind=kind,
                relative=relative,
                cloud=jnp.asarray(CLOUD) if kind == "surface" else None,
                **arrays,
            )
        )

    return see


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


def test_sizes(see):
    assert see("geometry-unaware").shape == (123 + 24 + 3,)
    assert see("full").shape == (227,)
    assert see("geometry-unaware", relative=True).shape == (150 + 18,)
    assert see("full", relative=True).shape == (227 + 18,)
    assert see("surface").shape == (227 + 26 + 18,)
    assert see("surface", relative=True).shape == (227 + 26 + 18 + 18,)


def test_geometry_unaware_is_the_beginning_of_full(see):
    np.testing.assert_array_equal(see("geometry-unaware"), see("full")[:150])


def test_surface_is_full_and_the_way_to_the_nearest_points(world, see):
    seen = see("surface")
    np.testing.assert_array_equal(seen[:227], see("full"))
    palm = world.site("palm_center").xpos
    nearest = CLOUD[np.linalg.norm(CLOUD - palm, axis=1).argmin()]
    close(seen[-3:], 10.0 * (nearest - palm), atol=1e-4)


def test_joint_positions_are_scaled_to_their_limits(box_scene, world, see):
    expected = []
    for joint in box_scene.hand.joints:
        low, high = box_scene.model.joint(joint).range
        expected.append(2 * (world.joint(joint).qpos[0] - low) / (high - low) - 1)
    close(see()[0:22], expected)
    assert np.abs(expected).max() > 0.8


def test_fingertips(box_scene, world, see):
    tips = see()[22:87].reshape(5, 13)
    for finger, tip in zip(FINGERS, tips, strict=True):
        site = finger + "tip"
        close(tip[:3], world.site(site).xpos)
        seen = Rotation.from_quat(tip[3:7], scalar_first=True)
        assert (seen.inv() * orientation(world, site)).magnitude() < 1e-5
        linear, angular = velocity(box_scene, world, site)
        close(tip[7:10], linear)
        close(tip[10:13], angular)


def test_fingertip_wrenches_times_ten(box_scene, world, see):
    model = box_scene.model
    wrenches = see()[87:117].reshape(5, 6)
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


def test_palm(world, see):
    close(see()[117:120], world.site("palm_center").xpos)
    root = Rotation.from_quat(world.joint("root").qpos[3:], scalar_first=True)
    close(see()[120:123], root.as_euler("xyz"))


def test_action_object_and_goal(world, see, inputs):
    close(see()[123:147], inputs["previous_action"])
    place = world.joint("object")
    close(see()[147:150], place.qpos[:3])
    close(see()[150:153], GOAL - place.qpos[:3])
    close(see()[153:157], place.qpos[3:])
    close(see()[157:160], place.qvel[:3])
    # A free joint's angular velocity is in the body's frame.
    turn = Rotation.from_quat(place.qpos[3:], scalar_first=True)
    close(see()[160:163], 0.2 * turn.apply(place.qvel[3:]))
    close(see()[163:227], 0.1 * inputs["code"])


@pytest.mark.parametrize(
    ("kind", "start"),
    [("geometry-unaware", 150), ("full", 227), ("surface", 271)],
)
def test_relative_terms_come_last(world, see, kind, start):
    here = world.joint("object").qpos[:3]
    seen = see(kind, relative=True)
    np.testing.assert_array_equal(seen[:start], see(kind))
    close(seen[start : start + 3], here - world.site("palm_center").xpos)
    tips = [here - world.site(finger + "tip").xpos for finger in FINGERS]
    close(seen[start + 3 :], tips)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("kind", ["full", "surface"])
def test_the_geometry_unaware_part(box_scene, see, kind, relative):
    full, base = see(kind, relative), see("geometry-unaware", relative)
    part = geometry_unaware_part(box_scene.hand, np.stack([full, 2 * full]), relative)
    np.testing.assert_array_equal(part, np.stack([base, 2 * base]))
