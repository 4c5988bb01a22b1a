"""MJX against the native engine: the same state and controls, the same trajectory.

On a box, which is one hull: compile time grows with the hulls.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.physics.guard import is_broken
from dexjax.physics.settle import hold, settle_objects
from dexjax.scene import make_scene

WORLDS, STEPS = 6, 10
# Code that runs a few hundred steps need not be fast, only soon there.
fast_compile = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


class Runner:
    """An engine's reset and a scan of its step, vmapped, jitted once for all tests."""

    def __init__(self, engine):
        def scanned(states, ctrl):
            def step(states, ctrl):
                return jax.vmap(engine.step)(states, ctrl), None

            return jax.lax.scan(step, states, ctrl)[0]

        ids = jnp.zeros(WORLDS, jnp.int32)
        reset = fast_compile(jax.vmap(engine.reset))
        run = fast_compile(scanned)
        self.reset = lambda qpos, qvel: jax.device_get(reset(qpos, qvel, ids))
        self.run = lambda states, ctrl: jax.device_get(run(states, ctrl))


@pytest.fixture(scope="module")
def native(box_scene):
    return Runner(make_engine(box_scene, "native"))


@pytest.fixture(scope="module")
def mjx(box_scene):
    return Runner(make_engine(box_scene, "mjx"))


@pytest.fixture(scope="module")
def settled(box_scene):
    return settle_objects(box_scene, WORLDS)[0]


@pytest.fixture(scope="module")
def in_the_air(box_scene, settled):
    """States (qpos, qvel) in which nothing touches anything, all of it moving."""
    qpos = settled.copy()
    qpos[:, box_scene.root_qpos.start + 2] += 0.4
    qpos[:, box_scene.object_qpos.start + 2] += 1.0
    rng = np.random.default_rng(0)
    qvel = 0.3 * rng.normal(size=(WORLDS, box_scene.model.nv)).astype(np.float32)
    return qpos, qvel


@pytest.fixture(scope="module")
def ctrl(box_scene):
    """Moderate controls (steps, worlds, nu): fingers move and do not meet."""
    rng = np.random.default_rng(1)
    low, high = box_scene.model.actuator_ctrlrange.T
    shape = (STEPS, WORLDS, box_scene.model.nu)
    return (hold(box_scene) + 0.1 * rng.uniform(low, high, shape)).astype(np.float32)


def test_reset_agrees(native, mjx, in_the_air):
    one, other = native.reset(*in_the_air), mjx.reset(*in_the_air)
    np.testing.assert_allclose(other.sensordata, one.sensordata, atol=2e-4, rtol=1e-4)
    for field in ("qpos", "qvel", "time", "qacc_warmstart", "object_id"):
        np.testing.assert_array_equal(getattr(other, field), getattr(one, field))


def test_parity_without_contact(box_scene, native, mjx, in_the_air, ctrl):
    """From the same states and controls, scanned, vmapped and jitted on both."""
    start = native.reset(*in_the_air)
    one, other = native.run(start, ctrl), mjx.run(start, ctrl)
    np.testing.assert_allclose(other.qpos, one.qpos, atol=2e-4)
    np.testing.assert_allclose(other.qvel, one.qvel, atol=5e-3)
    np.testing.assert_allclose(other.time, one.time, rtol=1e-5)
    for name, where in box_scene.sensors.items():
        # Forces hang on accelerations, which float32 gives less exactly.
        tight = not name.endswith(("_force", "_torque"))
        np.testing.assert_allclose(
            other.sensordata[:, where],
            one.sensordata[:, where],
            atol=5e-3 if tight else 2e-2,
            err_msg=name,
        )
    # It did move.
    assert np.abs(one.qpos - start.qpos).max() > 0.05


def test_a_resting_object_rests_alike(box_scene, native, mjx, settled):
    """With contact only statistics agree: height, tilt and stillness of the box."""
    still = np.zeros_like(settled[:, : box_scene.model.nv])
    start = native.reset(settled, still)
    ctrl = np.tile(hold(box_scene), (STEPS, WORLDS, 1))
    place = box_scene.object_qpos
    for runner in (native, mjx):
        after = runner.run(start, ctrl)
        np.testing.assert_allclose(after.qpos[:, place], settled[:, place], atol=1e-3)
        assert np.abs(after.qvel[:, -6:]).max() < 0.05
    palms = [r.run(start, ctrl).qpos[:, box_scene.root_qpos] for r in (native, mjx)]
    np.testing.assert_allclose(*palms, atol=2e-4)


def test_a_pressed_object_is_pressed_alike(box_scene, native, mjx, settled):
    """The hand pushes down on the box: contact forces differ little on average."""
    qpos = settled.copy()
    qpos[:, box_scene.root_qpos.start + 2] -= 0.06
    down = hold(box_scene)
    down[2] = -1.0
    ctrl = np.tile(down, (STEPS, WORLDS, 1)).astype(np.float32)
    start = native.reset(qpos, np.zeros_like(qpos[:, : box_scene.model.nv]))
    height = box_scene.root_qpos.start + 2
    fallen = [
        (qpos[:, height] - r.run(start, ctrl).qpos[:, height]).mean()
        for r in (native, mjx)
    ]
    # 9.4 cm were it not for the box.
    assert 0.05 < fallen[0] < 0.08
    np.testing.assert_allclose(*fallen, atol=3e-3)


def test_a_broken_world_leaves_its_neighbours_bit_identical(mjx, in_the_air, ctrl):
    start = mjx.reset(*in_the_air)
    qpos = start.qpos.copy()
    qpos[3, 2] = np.nan
    broken = start._replace(qpos=qpos)
    sound, after = mjx.run(start, ctrl), mjx.run(broken, ctrl)
    for field in ("qpos", "qvel", "sensordata", "qacc_warmstart", "time"):
        np.testing.assert_array_equal(
            np.delete(getattr(after, field), 3, 0),
            np.delete(getattr(sound, field), 3, 0),
        )
    noticed = jax.vmap(is_broken)(start, after)
    assert noticed.tolist() == [world == 3 for world in range(WORLDS)]


def test_an_object_set_is_refused():
    scene = make_scene(load_hand(), load_objects(["mug", "box"]))
    with pytest.raises(DexjaxError, match="'mjx' holds one object"):
        make_engine(scene, "mjx")
