"""MJX: many objects in one batch, worlds that break, derivatives.

Parity with the other engines is in test_parity.py.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from host_devices import run_on
from small_scene import enable_x64, small_scene, starts

from dexjax.errors import DexjaxError
from dexjax.physics.choice import make_engine
from dexjax.physics.engine import PhysicsState
from dexjax.physics.guard import is_broken

NAMES = ("brick", "bench", "plate")
STEPS = 30
# Code that runs a few hundred steps need not be fast, only soon there.
fast_compile = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def start_states(engine, qpos, object_id, dtype=np.float32):
    """What `reset` gives but for the sensors, without compiling it."""
    model, worlds = engine.scene.model, len(qpos)
    return PhysicsState(
        qpos=np.asarray(qpos, dtype),
        qvel=np.zeros((worlds, model.nv), dtype),
        act=np.zeros((worlds, model.na), dtype),
        qacc_warmstart=np.zeros((worlds, model.nv), dtype),
        time=np.zeros(worlds, dtype),
        sensordata=np.zeros((worlds, model.nsensordata), dtype),
        object_id=np.asarray(object_id, np.int32),
    )


def runner(engine):
    """A jitted scan of the vmapped step over ctrl (steps, worlds, nu)."""

    def run(states, ctrl):
        def step(states, ctrl):
            return jax.vmap(engine.step)(states, ctrl), None

        return jax.lax.scan(step, states, ctrl)[0]

    compiled = fast_compile(run)
    return lambda states, ctrl: jax.device_get(compiled(states, ctrl))


@pytest.fixture(scope="module")
def mixed():
    return make_engine(small_scene(*NAMES), "mjx")


@pytest.fixture(scope="module")
def run_mixed(mixed):
    return runner(mixed)


@pytest.fixture(scope="module")
def object_id():
    return np.array([2, 0, 1, 1, 0, 2])


@pytest.fixture(scope="module")
def start(mixed, object_id):
    return start_states(mixed, starts(mixed.scene, object_id), object_id)


@pytest.fixture(scope="module")
def ctrl(object_id):
    """The finger falls on the object and presses with 1 to 3 N."""
    force = -np.linspace(1, 3, len(object_id), dtype=np.float32)
    return np.tile(force[:, None], (STEPS, 1, 1))


@pytest.mark.parametrize("name", ["brick", "bench"])
def test_a_mixed_batch_equals_each_object_alone(
    name, mixed, run_mixed, start, ctrl, object_id
):
    """Of one hull and of two: what is padding in a mixed batch does nothing."""
    together = run_mixed(start, ctrl)
    these = object_id == NAMES.index(name)
    alone = make_engine(small_scene(name), "mjx")
    begin = jax.tree.map(lambda x: x[these], start)
    begin = begin._replace(object_id=np.zeros_like(begin.object_id))
    apart = runner(alone)(begin, ctrl[:, these])
    for field in ("qpos", "qvel", "sensordata", "qacc_warmstart"):
        np.testing.assert_allclose(
            getattr(together, field)[these],
            getattr(apart, field),
            atol=1e-4 if field == "qpos" else 2e-2,
            err_msg=field,
        )
    # It was pressed, or there is nothing to compare.
    touch = mixed.scene.sensors["finger_touch"]
    assert (together.sensordata[these, touch] > 0.3).all()


def test_every_object_rests_at_its_own_height(mixed, run_mixed, start, ctrl, object_id):
    after = run_mixed(start, 0 * ctrl)
    height = after.qpos[:, mixed.scene.object_qpos][:, 2]
    wanted = mixed.scene.objects.rest_height[object_id]
    np.testing.assert_allclose(height, wanted, atol=1e-3)
    assert np.ptp(wanted) > 0.02


def test_a_broken_world_leaves_its_neighbours_bit_identical(run_mixed, start, ctrl):
    qpos = start.qpos.copy()
    qpos[3, 2] = np.nan
    broken = start._replace(qpos=qpos)
    sound, after = run_mixed(start, ctrl), run_mixed(broken, ctrl)
    for field in ("qpos", "qvel", "sensordata", "qacc_warmstart", "time"):
        np.testing.assert_array_equal(
            np.delete(getattr(after, field), 3, 0),
            np.delete(getattr(sound, field), 3, 0),
        )
    noticed = jax.vmap(is_broken)(start, after)
    assert noticed.tolist() == [world == 3 for world in range(len(qpos))]


def test_objects_that_differ_in_what_is_compiled_are_refused():
    scene = small_scene("brick", "plate")
    geom = scene.models[1].geom("hull0").id
    scene.models[1].geom_condim[geom] = 3
    with pytest.raises(DexjaxError, match="needs geom_condim alike in all objects"):
        make_engine(scene, "mjx")


@pytest.fixture(scope="module")
def differentiable():
    """One world's step in float64, in which differences can be made small."""
    with enable_x64(True):
        engine = make_engine(small_scene("brick"), "mjx", substeps=2)

        def step(qvel, ctrl, state):
            after = engine.step(state._replace(qvel=qvel), ctrl)
            return jnp.concatenate([after.qpos, after.qvel])

        def derivative(qvel, ctrl, state, dqvel, dctrl):
            return jax.jvp(lambda v, u: step(v, u, state), (qvel, ctrl), (dqvel, dctrl))

        yield engine, fast_compile(derivative)


@pytest.mark.parametrize("pressed", [False, True])
def test_forward_derivatives_equal_finite_differences(differentiable, pressed):
    """d(state) / d(ctrl, qvel) along random directions, without and with contact.

    Both are of the same smooth piece: contacts neither begin nor end within the
    difference. Free flight is nearly linear, so only rounding is left; in contact the
    solver ends after 6 iterations, not converged to the last digit.
    """
    engine, derivative = differentiable
    rng = np.random.default_rng(0)
    with enable_x64(True):
        qpos = starts(engine.scene, [0]).astype(float)
        rest = engine.scene.objects.rest_height[0]
        qpos[:, 3] = rest - 5e-4 if pressed else rest + 0.2
        # The finger's lowest point, 1 cm below it, is 0.5 mm inside the object.
        qpos[:, 0] = 2 * rest + 0.01 - 1e-3 - 0.15 if pressed else 0.3
        state = jax.tree.map(
            lambda x: jnp.asarray(x[0]), start_states(engine, qpos, [0], float)
        )
        qvel = jnp.asarray(0.01 * rng.normal(size=engine.scene.model.nv))
        ctrl = jnp.array([-2.0])
        largest = 0.0
        for _ in range(4):
            dqvel = jnp.asarray(rng.normal(size=qvel.shape))
            dctrl = jnp.asarray(rng.normal(size=ctrl.shape))
            _, exact = derivative(qvel, ctrl, state, dqvel, dctrl)
            h = 1e-6
            ahead = derivative(qvel + h * dqvel, ctrl + h * dctrl, state, dqvel, dctrl)
            behind = derivative(qvel - h * dqvel, ctrl - h * dctrl, state, dqvel, dctrl)
            measured = (ahead[0] - behind[0]) / (2 * h)
            tolerance = 1e-3 if pressed else 1e-6
            np.testing.assert_allclose(exact, measured, rtol=tolerance, atol=tolerance)
            largest = max(largest, float(jnp.abs(exact).max()))
        # Contact takes up most of a push: the two cases are different ones.
        assert largest > 0.01


def test_pmap_and_shard_map_over_two_host_devices_equal_one(tmp_path):
    """Without contacts, which are what takes long to compile."""
    script = """
import jax, mujoco, numpy as np
from host_devices import stepped
from small_scene import small_scene, starts
from test_mjx import start_states
from dexjax.physics.choice import make_engine
scene = small_scene("brick")
scene.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
engine = make_engine(scene, "mjx", substeps=1)
ids = np.zeros(4, np.int32)
state = start_states(engine, starts(scene, ids), ids)
one, mapped, sharded = stepped(engine, state, np.full((4, 1), -2, np.float32))
for a, b, c in zip(one, mapped, sharded):
    np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_array_equal(a, c)
assert len(jax.devices()) == 2 and np.abs(one.qvel).max() > 0.01
"""
    run_on(2, script, tmp_path)
