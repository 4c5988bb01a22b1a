"""The contract of the engines: the same state and controls, the same trajectory.

Tight without contact; in contact the distributions over worlds agree. On a box, one
hull: MJX compiles longer the more hulls there are. Warp runs on its CPU device.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ks_2samp

from dexjax.physics.choice import make_engine
from dexjax.tasks.grasp.settle import hold, settle_objects

WORLDS, STEPS = 12, 10
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


@pytest.fixture(scope="module", params=["mjx", "warp"])
def other(request, box_scene):
    """The engine that is compared with MuJoCo C."""
    if request.param == "warp":
        request.getfixturevalue("quick_warp")
    return Runner(make_engine(box_scene, request.param))


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


@pytest.fixture(scope="module")
def above_the_box(box_scene, settled):
    """The hand closer to the box, all at rest."""
    qpos = settled.copy()
    qpos[:, box_scene.root_qpos.start + 2] -= 0.06
    return qpos, np.zeros_like(qpos[:, : box_scene.model.nv])


def push_down(scene, strongest):
    """ctrl (steps, worlds, nu): the wrist pushes down, in every world differently."""
    ctrl = np.tile(hold(scene), (STEPS, WORLDS, 1)).astype(np.float32)
    ctrl[:, :, 2] = -np.linspace(0.5 * strongest, strongest, WORLDS)
    return ctrl


def test_reset_agrees(native, other, in_the_air):
    one, two = native.reset(*in_the_air), other.reset(*in_the_air)
    np.testing.assert_allclose(two.sensordata, one.sensordata, atol=2e-4, rtol=1e-4)
    for field in ("qpos", "qvel", "time", "qacc_warmstart", "object_id"):
        np.testing.assert_array_equal(getattr(two, field), getattr(one, field))


def test_parity_without_contact(box_scene, native, other, in_the_air, ctrl):
    """From the same states and controls, scanned, vmapped and jitted on both."""
    start = native.reset(*in_the_air)
    one, two = native.run(start, ctrl), other.run(start, ctrl)
    np.testing.assert_allclose(two.qpos, one.qpos, atol=2e-4)
    np.testing.assert_allclose(two.qvel, one.qvel, atol=5e-3)
    np.testing.assert_allclose(two.time, one.time, rtol=1e-5)
    for name, where in box_scene.sensors.items():
        # Forces hang on accelerations, which float32 gives less exactly.
        tight = not name.endswith(("_force", "_torque"))
        np.testing.assert_allclose(
            two.sensordata[:, where],
            one.sensordata[:, where],
            atol=5e-3 if tight else 2e-2,
            err_msg=name,
        )
    # It did move.
    assert np.abs(one.qpos - start.qpos).max() > 0.05


def test_a_resting_object_rests_alike(box_scene, native, other, settled):
    """With contact only statistics agree: height, tilt and stillness of the box."""
    still = np.zeros_like(settled[:, : box_scene.model.nv])
    start = native.reset(settled, still)
    ctrl = np.tile(hold(box_scene), (STEPS, WORLDS, 1))
    place = box_scene.object_qpos
    after = other.run(start, ctrl)
    np.testing.assert_allclose(after.qpos[:, place], settled[:, place], atol=1e-3)
    assert np.abs(after.qvel[:, -6:]).max() < 0.05
    palms = [r.run(start, ctrl).qpos[:, box_scene.root_qpos] for r in (native, other)]
    np.testing.assert_allclose(*palms, atol=2e-4)


def in_contact(scene, state):
    """Quantities (worlds,) that contact decides."""
    forces = [w for name, w in scene.sensors.items() if name.endswith("tip_force")]
    force = sum(np.linalg.norm(state.sensordata[:, w], axis=1) for w in forces)
    return {
        "object height": state.qpos[:, scene.object_qpos][:, 2],
        "palm height": state.qpos[:, scene.root_qpos][:, 2],
        "fingertip force": force,
    }


def test_pressing_an_object_gives_the_same_distributions(
    box_scene, native, other, above_the_box
):
    """Two-sample Kolmogorov-Smirnov tests over worlds, none of which may reject."""
    start = native.reset(*above_the_box)
    hard, soft = push_down(box_scene, 1.0), push_down(box_scene, 0.4)
    one = in_contact(box_scene, native.run(start, hard))
    two = in_contact(box_scene, other.run(start, hard))
    for name in one:
        assert ks_2samp(one[name], two[name]).pvalue > 0.05, name
    np.testing.assert_allclose(two["object height"], one["object height"], atol=2e-3)
    # The hand was stopped by the box, 9.4 cm below it were it not there, and the test
    # would have told another push.
    fallen = above_the_box[0][:, box_scene.root_qpos][:, 2] - one["palm height"]
    assert 0.02 < fallen.max() < 0.08
    other_push = in_contact(box_scene, native.run(start, soft))
    assert ks_2samp(one["palm height"], other_push["palm height"]).pvalue < 0.01
