"""Stepping on several host devices, in a process of its own: JAX counts them once."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
from jax.sharding import PartitionSpec

from dexjax.physics.engine import Engine, PhysicsState


def run_on(devices: int, script: str, folder: Path) -> None:
    """Runs a program on so many host devices; it must end well.

    Args:
        devices: how many.
        script: the program, which finds the helpers of the tests; Warp wants a file.
        folder: for this file.
    """
    program = folder / "program.py"
    program.write_text(script)
    flag = f"--xla_force_host_platform_device_count={devices}"
    tests = Path(__file__).parent
    variables = {
        "XLA_FLAGS": f"{os.environ['XLA_FLAGS']} {flag}",
        "PYTHONPATH": f"{tests}{os.pathsep}{tests / 'physics'}",
    }
    done = subprocess.run(
        [sys.executable, program],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def stepped(engine: Engine, state: PhysicsState, ctrl: np.ndarray) -> tuple:
    """A step of a batch on one device, and on all by `pmap` and by `shard_map`."""
    devices = len(jax.devices())
    step = jax.vmap(engine.step)
    one = jax.jit(step)(state, ctrl)
    each = len(ctrl) // devices

    def split(x):
        return x.reshape(devices, each, *x.shape[1:])

    def joined(x):
        return np.asarray(x).reshape(len(ctrl), *x.shape[2:])

    apart = jax.pmap(step)(jax.tree.map(split, state), split(ctrl))
    mapped = jax.tree.map(joined, apart)
    mesh = jax.make_mesh(
        (devices,), ("worlds",), axis_types=(jax.sharding.AxisType.Auto,)
    )
    worlds = PartitionSpec("worlds")
    sharded = jax.shard_map(
        step, mesh=mesh, in_specs=worlds, out_specs=worlds, check_vma=False
    )
    return one, mapped, jax.jit(sharded)(state, ctrl)
