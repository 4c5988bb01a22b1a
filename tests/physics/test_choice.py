"""Engines as the environment has them: what is imported, JAX's variables."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_scene import enable_x64

from dexjax.physics.choice import ENGINES, make_engine


def program(text, **variables):
    """A Python process."""
    return subprocess.run(
        [sys.executable, "-c", text],
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )


def test_engines_are_imported_when_used():
    text = (
        "import sys, dexjax.physics.choice, dexjax.tasks.grasp.settle\n"
        "print([n for n in ('mujoco.mjx', 'mujoco_warp', 'warp') if n in sys.modules])"
    )
    assert program(text).stdout == "[]\n"


@pytest.mark.parametrize("name, platform", [("auto", "cuda"), ("native", "nonsense")])
def test_a_platform_that_is_not_there_is_one_line(name, platform):
    text = f"""
from dexjax.errors import DexjaxError
from dexjax.physics.choice import resolve_engine
try:
    resolve_engine({name!r})
except DexjaxError as error:
    print(error)
"""
    if platform == jax.default_backend():
        pytest.skip(f"{platform} is there")
    said = program(text, JAX_PLATFORMS=platform).stdout
    assert said == (
        f"JAX_PLATFORMS={platform} names what JAX does not find here: leave it unset, "
        "or set it to cpu\n"
    )


@pytest.mark.parametrize("name", [n for n in ENGINES if n != "auto"])
def test_states_are_float32_under_x64(name, box_scene):
    """Traced, not compiled: types are all that may be wrong."""
    if name == "warp":
        pytest.importorskip("mujoco_warp", reason="Warp is not installed")
    model = box_scene.model
    with enable_x64(True):
        engine = make_engine(box_scene, name)
        given = model.qpos0, np.zeros(model.nv), 0
        start = jax.eval_shape(engine.reset, *given)
        after = jax.eval_shape(engine.step, start, jnp.zeros(model.nu))
    for state in (start, after):
        assert {x.dtype for x in state[:-1]} == {jnp.dtype(jnp.float32)}
        assert state.object_id.dtype == jnp.int32
    shapes = jax.tree.map(lambda x: x.shape, start)
    assert shapes == jax.tree.map(lambda x: x.shape, after)


def test_native_steps_alike_under_x64(box_scene):
    model = box_scene.model
    engine = make_engine(box_scene, "native")
    qvel = np.random.default_rng(0).normal(size=model.nv)

    def stepped():
        start = engine.reset(model.qpos0, qvel, 0)
        return engine.step(start, jnp.zeros(model.nu))

    usual = stepped()
    with enable_x64(True):
        wide = stepped()
    for one, other in zip(wide, usual, strict=True):
        np.testing.assert_array_equal(one, other)
