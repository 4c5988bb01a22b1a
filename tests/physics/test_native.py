"""The native engine against MuJoCo C itself, batched in every way JAX knows."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from host_devices import run_on

from dexjax.errors import DexjaxError
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine, resolve_engine
from dexjax.physics.guard import is_broken
from dexjax.scene import check_equal_sizes, make_scene
from dexjax.tasks.grasp.settle import START_HEIGHT, settle_objects

WORLDS, STEPS = 6, 10


@pytest.fixture(scope="module")
def engine(mug_scene):
    return make_engine(mug_scene, "native")


@pytest.fixture(scope="module")
def starts(mug_scene):
    return settle_objects(mug_scene, WORLDS)[0]


def controls(scene, seed=0):
    rng = np.random.default_rng(seed)
    low, high = scene.model.actuator_ctrlrange.T
    shape = (STEPS, WORLDS, scene.model.nu)
    return rng.uniform(low, high, shape).astype(np.float32)


def roll(engine, qpos, ctrl):
    """Final states of a jitted scan over steps, vmapped over worlds."""

    @jax.jit
    def run(qpos, ctrl):
        qvel = jnp.zeros((len(qpos), engine.scene.model.nv))
        ids = jnp.zeros(len(qpos), jnp.int32)
        state = jax.vmap(engine.reset)(qpos, qvel, ids)
        return jax.lax.scan(
            lambda s, u: (jax.vmap(engine.step)(s, u), None), state, ctrl
        )[0]

    return run(jnp.asarray(qpos), jnp.asarray(ctrl))


def test_it_equals_stepping_mujoco_by_hand(engine, starts):
    model, ctrl = engine.scene.model, controls(engine.scene)
    state = roll(engine, starts, ctrl)
    for world in range(WORLDS):
        data = mujoco.MjData(model)
        data.qpos[:] = starts[world]
        for step in range(STEPS):
            data.ctrl[:] = ctrl[step, world]
            for _ in range(engine.substeps):
                mujoco.mj_step(model, data)
        # The state crosses the seam in float32 between control steps.
        np.testing.assert_allclose(state.qpos[world], data.qpos, atol=2e-4)
        np.testing.assert_allclose(state.qvel[world], data.qvel, atol=2e-2)
        np.testing.assert_allclose(state.time[world], data.time, rtol=1e-5)


def test_sensors_after_a_step_lag_one_substep(engine, starts):
    model, ctrl = engine.scene.model, controls(engine.scene)[:1]
    state = roll(engine, starts, ctrl)
    data = mujoco.MjData(model)
    data.qpos[:], data.ctrl[:] = starts[0], ctrl[0, 0]
    mujoco.mj_step(model, data, engine.substeps - 1)
    mujoco.mj_forward(model, data)
    where = engine.scene.sensors
    for name in ("palm_pos", "object_quat", "FFJ2_vel", "thtip_pos"):
        np.testing.assert_allclose(
            state.sensordata[0, where[name]], data.sensor(name).data, atol=1e-4
        )


def test_warm_start_is_the_last_acceleration(engine, starts):
    model, ctrl = engine.scene.model, controls(engine.scene)[:1]
    data = mujoco.MjData(model)
    data.qpos[:], data.ctrl[:] = starts[0], ctrl[0, 0]
    mujoco.mj_step(model, data, engine.substeps)
    warm = roll(engine, starts, ctrl).qacc_warmstart[0]
    np.testing.assert_allclose(warm, data.qacc_warmstart, rtol=1e-2, atol=0.5)


def test_reset_senses_the_given_instant(engine, starts):
    state = engine.reset(jnp.asarray(starts[0]), jnp.zeros(engine.scene.model.nv), 0)
    height = state.sensordata[engine.scene.sensors["palm_pos"]][2]
    np.testing.assert_allclose(height, START_HEIGHT, atol=1e-4)
    assert state.time == 0


def test_one_world_equals_its_place_in_a_batch(engine, starts):
    ctrl = controls(engine.scene)
    batch = roll(engine, starts, ctrl)
    alone = roll(engine, starts[2:3], ctrl[:, 2:3])
    np.testing.assert_array_equal(batch.qpos[2], alone.qpos[0])


def test_a_broken_world_leaves_its_neighbours_bit_identical(engine, starts):
    ctrl = controls(engine.scene)
    sound = roll(engine, starts, ctrl)
    poisoned = starts.copy()
    poisoned[3, 2] = np.nan
    state = roll(engine, poisoned, ctrl)
    others = [i for i in range(WORLDS) if i != 3]
    for field in ("qpos", "qvel", "sensordata", "qacc_warmstart"):
        np.testing.assert_array_equal(
            np.asarray(getattr(state, field))[others],
            np.asarray(getattr(sound, field))[others],
        )
    before = jax.vmap(engine.reset)(
        jnp.asarray(poisoned),
        jnp.zeros((WORLDS, engine.scene.model.nv)),
        jnp.zeros(WORLDS, jnp.int32),
    )
    broken = jax.vmap(is_broken)(before, state)
    assert broken.tolist() == [i == 3 for i in range(WORLDS)]


def test_a_diverging_world_is_noticed(engine, starts):
    before = engine.reset(jnp.asarray(starts[0]), jnp.zeros(engine.scene.model.nv), 0)
    before = before._replace(qvel=before.qvel.at[0].set(1e12))
    assert is_broken(before, engine.step(before, jnp.zeros(engine.scene.model.nu)))


def test_objects_are_chosen_by_world():
    from dexjax.hands import load_hand

    scene = make_scene(load_hand(), load_objects(["mug", "box"]))
    engine = make_engine(scene, "native")
    starts = settle_objects(scene, 1)
    heights = starts[:, 0, scene.object_qpos][:, 2]
    state = jax.vmap(engine.reset)(
        jnp.asarray(starts[[1, 0], 0]),
        jnp.zeros((2, scene.model.nv)),
        jnp.array([1, 0]),
    )
    hold = jnp.zeros((2, scene.model.nu))
    for _ in range(20):
        state = jax.vmap(engine.step)(state, hold)
    # Each rests at its own height only if it has its own shape.
    rest = state.qpos[:, scene.object_qpos][:, 2]
    np.testing.assert_allclose(rest, heights[[1, 0]], atol=1e-3)


def test_models_of_unequal_size_are_refused(mug_scene):
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(size=[0.1, 0, 0])
    with pytest.raises(DexjaxError, match="unequal size"):
        check_equal_sizes([mug_scene.model, spec.compile()], ["mug", "ball"])


def test_auto_is_native_on_a_cpu_and_unknown_names_are_refused():
    assert resolve_engine("auto") == "native"
    with pytest.raises(DexjaxError, match="engine 'bullet': choose from auto"):
        resolve_engine("bullet")


def test_pmap_and_shard_map_over_four_host_devices_equal_one(tmp_path):
    script = """
import jax, jax.numpy as jnp, numpy as np
from host_devices import stepped
from dexjax.hands import load_hand
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.tasks.grasp.settle import settle_objects
from dexjax.scene import make_scene
scene = make_scene(load_hand(), load_object("mug"))
engine = make_engine(scene, "native")
qpos = jnp.asarray(settle_objects(scene, 8)[0])
zeros = jnp.zeros((8, scene.model.nv)), jnp.zeros(8, jnp.int32)
state = jax.jit(jax.vmap(engine.reset))(qpos, *zeros)
ctrl = np.random.default_rng(0).uniform(-.3, .3, (8, scene.model.nu))
for a, b, c in zip(*stepped(engine, state, ctrl.astype("float32"))):
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)
assert len(jax.devices()) == 4
"""
    run_on(4, script, tmp_path)
