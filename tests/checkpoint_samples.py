"""Checkpoints of which the newer can be spoilt."""

import jax.numpy as jnp

from dexjax.runs.storage import checkpoint


def two(tmp_path):
    for step in (1, 2):
        checkpoint.save(tmp_path, step, {"a": jnp.full(4, step)}, {})
    return tmp_path / "0000000002"
