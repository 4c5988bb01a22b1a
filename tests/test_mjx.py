"""MJX against the native engine: the same state and controls, the same trajectory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_native import controls, roll

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.engine import make_engine
from dexjax.physics.settle import settle_objects
from dexjax.scene import make_scene


@pytest.fixture(scope="module")
def engines(mug_scene):
    return make_engine(mug_scene, "native"), make_engine(mug_scene, "mjx")


def test_parity_without_contact(mug_scene, engines):
    qpos = settle_objects(mug_scene, 6)[0]
    qpos[:, 2] += 0.4
    qpos[:, mug_scene.object_qpos.start + 2] += 1.0
    # Straight fingers that only spread: nothing touches anything.
    ctrl = 0.1 * controls(mug_scene)
    native, mjx = (roll(engine, qpos, ctrl) for engine in engines)
    np.testing.assert_allclose(mjx.qpos, native.qpos, atol=2e-4)
    np.testing.assert_allclose(mjx.qvel, native.qvel, atol=5e-3)
    for name in ("palm_pos", "fftip_linvel", "thtip_quat", "object_pos", "MFJ2_pos"):
        where = mug_scene.sensors[name]
        np.testing.assert_allclose(
            mjx.sensordata[:, where], native.sensordata[:, where], atol=5e-3
        )
    np.testing.assert_array_equal(mjx.time, native.time)


def test_a_resting_object_stays_on_the_table_in_both(mug_scene, engines):
    qpos = settle_objects(mug_scene, 6)[0]
    hold = np.zeros((10, 6, mug_scene.model.nu), np.float32)
    place = mug_scene.object_qpos
    for engine in engines:
        after = roll(engine, qpos, hold).qpos
        np.testing.assert_allclose(after[:, place], qpos[:, place], atol=2e-3)


def test_an_object_set_is_refused():
    scene = make_scene(load_hand(), load_objects(["mug", "box"]))
    with pytest.raises(DexjaxError, match="'mjx' holds one object"):
        make_engine(scene, "mjx")


def test_reset_agrees_with_native(mug_scene, engines):
    qpos = jnp.asarray(settle_objects(mug_scene, 1)[0, 0])
    qvel = jnp.zeros(mug_scene.model.nv).at[3].set(0.5)
    native, mjx = (jax.jit(engine.reset)(qpos, qvel, 0) for engine in engines)
    for name in ("palm_pos", "palm_angvel", "object_quat", "lftip_pos", "THJ1_pos"):
        where = mug_scene.sensors[name]
        np.testing.assert_allclose(
            mjx.sensordata[where], native.sensordata[where], atol=1e-5
        )
