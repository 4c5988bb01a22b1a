"""Whether a training fits into memory, before anything is allocated."""

import os

import jax
import jax.numpy as jnp

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner
from dexjax.learners.ppo_config import PpoConfig
from dexjax.tasks.task import Task

# Of what an iteration rolls out there is the trajectory, the samples made of it, and
# what XLA holds between its operations.
_COPIES = 3


def check_memory(
    learner: Learner, task: Task, config: PpoConfig, devices: int = 1
) -> None:
    """Refuses more worlds than the devices can hold.

    Args:
        learner: the learner.
        task: what it trains on.
        config: of the learner.
        devices: that the worlds are spread over.

    Raises:
        DexjaxError: if they need more memory than there is.
    """
    needed, there = _needed(learner, task, config), _available(devices)
    if needed > there:
        raise DexjaxError(
            f"{config.worlds:,} worlds of {config.steps} steps need about "
            f"{needed / 1e9:.0f} GB, there are {there / 1e9:.0f} GB: choose fewer "
            "(--ppo.worlds)"
        )


def _needed(learner: Learner, task: Task, config: PpoConfig) -> int:
    """Bytes of the training's state, twice, and of a rollout."""
    state = jax.eval_shape(learner.init, jax.random.key(0))
    sample = 2 * task.observation_size + 3 * task.action_size + 4
    rollout = config.worlds * config.steps * sample * jnp.float32(0).nbytes
    return 2 * _bytes(state) + _COPIES * rollout


def _bytes(tree) -> int:
    arrays = [x for x in jax.tree.leaves(tree) if hasattr(x.dtype, "itemsize")]
    return sum(x.size * x.dtype.itemsize for x in arrays)


def _available(devices: int) -> int:
    """Bytes that the devices together have free, or that this machine has at all."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return devices * (statistics["bytes_limit"] - statistics["bytes_in_use"])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
