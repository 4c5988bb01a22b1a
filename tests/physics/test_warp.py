"""Warp on its CPU device, which is one slow thread: few worlds, a small scene.

Parity with the other engines is in test_parity.py.
"""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("mujoco_warp", reason="Warp is not installed")

import warp as wp
from host_devices import run_on
from small_scene import small_scene, starts

from dexjax.errors import DexjaxError
from dexjax.physics import choice
from dexjax.physics.choice import make_engine, resolve_engine
from dexjax.physics.guard import is_broken
from dexjax.physics.warp.engine import WarpEngine

# Kernels that run for seconds need not be fast, only soon there.
wp.config.optimization_level = 0
wp.config.cpu_compiler_flags = "-march=native"

NAMES = ("brick", "bench", "plate")
STEPS = 30


@pytest.fixture(scope="module")
def mixed():
    return make_engine(small_scene(*NAMES), "warp")


@pytest.fixture(scope="module")
def object_id():
    return np.array([2, 0, 1, 1, 0, 2], np.int32)


@pytest.fixture(scope="module")
def qpos(mixed, object_id):
    return starts(mixed.scene, object_id)


@pytest.fixture(scope="module")
def resting(mixed, qpos, object_id):
    """The same worlds with the objects on the table."""
    qpos = qpos.copy()
    qpos[:, 3] = mixed.scene.objects.rest_height[object_id] - 5e-4
    return qpos


@pytest.fixture(scope="module")
def ctrl(object_id):
    """The finger falls on the object and presses with 1 to 3 N."""
    force = -np.linspace(1, 3, len(object_id), dtype=np.float32)
    return np.tile(force[:, None], (STEPS, 1, 1))


def roll(engine, qpos, ctrl, object_id):
    """First and last states of a jitted scan over steps, vmapped over worlds."""

    @jax.jit
    def run(qpos, ctrl, object_id):
        qvel = jnp.zeros((len(qpos), engine.scene.model.nv))
        first = jax.vmap(engine.reset)(qpos, qvel, object_id)

        def step(states, ctrl):
            return jax.vmap(engine.step)(states, ctrl), None

        return first, jax.lax.scan(step, first, ctrl)[0]

    return jax.device_get(run(qpos, ctrl, object_id))


def test_a_mixed_batch_equals_each_object_alone(mixed, qpos, ctrl, object_id):
    """Of one hull and of two: what is padding in a mixed batch does nothing."""
    _, together = roll(mixed, qpos, ctrl, object_id)
    touch = mixed.scene.sensors["finger_touch"]
    for index, name in enumerate(NAMES):
        these = object_id == index
        alone = make_engine(small_scene(name), "warp")
        zero = np.zeros(these.sum(), np.int32)
        _, apart = roll(alone, qpos[these], ctrl[:, these], zero)
        for field in ("qpos", "qvel", "sensordata", "qacc_warmstart"):
            np.testing.assert_allclose(
                getattr(together, field)[these],
                getattr(apart, field),
                atol=1e-4 if field == "qpos" else 2e-2,
                err_msg=f"{name} {field}",
            )
    assert (together.sensordata[:, touch] > 0.3).all()


def test_every_object_rests_at_its_own_height(mixed, qpos, ctrl, object_id):
    _, after = roll(mixed, qpos, 0 * ctrl, object_id)
    height = after.qpos[:, mixed.scene.object_qpos][:, 2]
    wanted = mixed.scene.objects.rest_height[object_id]
    np.testing.assert_allclose(height, wanted, atol=1e-3)
    assert np.ptp(wanted) > 0.02


def test_one_world_without_vmap_equals_its_place_in_a_batch(
    mixed, qpos, ctrl, object_id
):
    _, batch = roll(mixed, qpos, ctrl[:3], object_id)
    state = mixed.reset(qpos[3], np.zeros(mixed.scene.model.nv), object_id[3])
    for u in ctrl[:3, 3]:
        state = mixed.step(state, u)
    np.testing.assert_allclose(state.qpos, batch.qpos[3], atol=1e-6)
    assert state.time.shape == ()
    np.testing.assert_allclose(state.time, 3 * 4 * 0.005, rtol=1e-5)


def test_a_world_may_change_its_object(mixed, qpos, object_id):
    """As resets do inside a compiled training: the integer is data."""
    reset, step = jax.jit(jax.vmap(mixed.reset)), jax.jit(jax.vmap(mixed.step))
    qvel = np.zeros((len(qpos), mixed.scene.model.nv), np.float32)
    push = np.zeros((len(qpos), 1), np.float32)
    turned = object_id[::-1].copy()
    fresh = step(reset(qpos[::-1], qvel, turned), push)
    step(reset(qpos, qvel, object_id), push)
    again = step(reset(qpos[::-1], qvel, turned), push)
    np.testing.assert_array_equal(again.qpos, fresh.qpos)


def test_a_broken_world_leaves_its_neighbours_and_later_steps_alone(
    mixed, qpos, ctrl, object_id
):
    first, sound = roll(mixed, qpos, ctrl, object_id)
    poisoned = qpos.copy()
    poisoned[3, 2] = np.nan
    _, after = roll(mixed, poisoned, ctrl, object_id)
    _, healed = roll(mixed, qpos, ctrl, object_id)
    for field in ("qpos", "qvel", "sensordata", "qacc_warmstart", "time"):
        ours, theirs = getattr(after, field), getattr(sound, field)
        np.testing.assert_array_equal(np.delete(ours, 3, 0), np.delete(theirs, 3, 0))
        np.testing.assert_array_equal(getattr(healed, field), theirs)
    noticed = jax.vmap(is_broken)(first, after)
    assert noticed.tolist() == [world == 3 for world in range(len(qpos))]


def test_many_resets_are_done_in_parts(mixed, qpos, object_id, monkeypatch):
    qvel = np.zeros((len(qpos), mixed.scene.model.nv), np.float32)
    whole = jax.vmap(mixed.reset)(qpos, qvel, object_id)
    monkeypatch.setattr("dexjax.physics.warp.engine._RESET_WORLDS", 4)
    parts = jax.vmap(mixed.reset)(qpos, qvel, object_id)
    np.testing.assert_array_equal(parts.sensordata, whole.sensordata)


def test_too_little_room_for_constraints_is_reported(resting, ctrl, object_id, capfd):
    """Only worlds that need more break; the rest go on."""
    engine = WarpEngine(small_scene(*NAMES), constraints=8)
    away = resting.copy()
    away[1, 3] += 0.5  # a world without contact
    first, after = roll(engine, away, ctrl[:1], object_id)
    broken = jax.vmap(is_broken)(first, after)
    assert broken.tolist() == [world != 1 for world in range(len(away))]
    said = capfd.readouterr().out
    assert "engine 'warp': constraints=8 is too small, a world that needs" in said
    needed = max(int(line.split()[-3]) for line in said.splitlines() if "needs" in line)
    enough = WarpEngine(small_scene(*NAMES), constraints=needed)
    first, after = roll(enough, away, ctrl[:1], object_id)
    assert not jax.vmap(is_broken)(first, after).any()
    assert "too small" not in capfd.readouterr().out


def test_too_little_room_for_contacts_is_reported(resting, ctrl, object_id, capfd):
    engine = WarpEngine(small_scene(*NAMES), contacts=1)
    first, after = roll(engine, resting, ctrl[:1], object_id)
    assert jax.vmap(is_broken)(first, after).all()
    said = capfd.readouterr().out
    assert "contacts=1 is too small, all 6 worlds are reset" in said


def test_too_many_worlds_for_memory(mixed, qpos, object_id, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("Failed to allocate 1 bytes on device 'cpu'")

    monkeypatch.setattr("mujoco_warp.make_data", refuse)
    with pytest.raises(jax.errors.JaxRuntimeError, match="no memory for 2 worlds"):
        qvel = jnp.zeros((2, mixed.scene.model.nv))
        jax.block_until_ready(jax.vmap(mixed.reset)(qpos[:2], qvel, object_id[:2]))


def test_auto_takes_warp_on_an_nvidia_gpu_alone(monkeypatch):
    assert resolve_engine("auto") == "native"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(choice, "_on_nvidia", lambda: True)
    assert resolve_engine("auto") == "warp"
    monkeypatch.setattr(choice, "_warp_installed", lambda: False)
    assert resolve_engine("auto") == "mjx"
    monkeypatch.setattr(choice, "_warp_installed", lambda: True)
    monkeypatch.setattr(choice, "_on_nvidia", lambda: False)
    assert resolve_engine("auto") == "mjx"


def test_devices_that_warp_does_not_know_are_refused(monkeypatch):
    scene = small_scene("brick")
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    with pytest.raises(DexjaxError, match="runs on NVIDIA GPUs, JAX runs on tpu"):
        make_engine(scene, "warp")
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(wp, "is_cuda_available", lambda: False)
    with pytest.raises(DexjaxError, match="finds no NVIDIA driver"):
        make_engine(scene, "warp")


def test_without_warp_one_line_says_so(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "mujoco_warp" else find(name),
    )
    with pytest.raises(DexjaxError, match="not installed: pip install 'dexjax"):
        make_engine(small_scene("brick"), "warp")


def test_four_host_devices_equal_one(tmp_path):
    """`pmap` and `shard_map`: their callbacks arrive on several threads."""
    script = """
import jax, numpy as np, warp as wp
wp.config.optimization_level = 0
wp.config.cpu_compiler_flags = "-march=native"
from host_devices import stepped
from small_scene import small_scene, starts
from dexjax.physics.choice import make_engine
engine = make_engine(small_scene("brick", "plate"), "warp")
ids = np.arange(8, dtype=np.int32) % 2
qvel = np.zeros((8, engine.scene.model.nv), np.float32)
state = jax.jit(jax.vmap(engine.reset))(starts(engine.scene, ids), qvel, ids)
ctrl = np.full((8, 1), -2, np.float32)
for a, b, c in zip(*stepped(engine, state, ctrl)):
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)
assert len(jax.devices()) == 4
"""
    run_on(4, script, tmp_path)
