"""Whether a training fits into memory, before anything is allocated."""

import os

import jax

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner
from dexjax.spec import TaskSpec

# Of what an iteration rolls out there is the trajectory, the samples made of it, and
# what XLA holds between its operations.
_COPIES = 3


def check_memory(
    learner: Learner,
    spec: TaskSpec,
    worlds: int,
    steps: int,
    devices: int = 1,
    option: str = "--ppo.worlds",
) -> None:
    """Refuses more worlds than the devices can hold.

    Args:
        learner: the learner; what it keeps, such as a buffer, is part of its state.
        spec: of the task that it trains on.
        worlds: that it trains in.
        steps: of each per iteration.
        devices: that the worlds are spread over.
        option: by which fewer can be asked for.

    Raises:
        DexjaxError: if they need more memory than there is.
    """
    state = jax.eval_shape(learner.init, jax.random.key(0))
    needed = 2 * _bytes(state) + _COPIES * worlds * steps * _sample(spec)
    there = _available(devices)
    if needed > there:
        raise DexjaxError(
            f"{worlds:,} worlds of {steps} steps need about {needed / 1e9:.0f} GB, "
            f"there are {there / 1e9:.0f} GB: choose fewer ({option}), about "
            f"{int(worlds * there / needed):,} would fit"
        )


def _sample(spec: TaskSpec) -> int:
    """Bytes of a control step of one world: observations, actions, values."""
    observed = jax.eval_shape(
        lambda: [jax.numpy.zeros(own.shape, own.dtype) for own in spec.observations]
    )
    return _bytes(observed) + 4 * (3 * spec.actions + 4)


def _bytes(tree) -> int:
    arrays = [x for x in jax.tree.leaves(tree) if hasattr(x.dtype, "itemsize")]
    return sum(x.size * x.dtype.itemsize for x in arrays)


def _available(devices: int) -> int:
    """Bytes that the devices together have free, or that this machine has at all."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return devices * (statistics["bytes_limit"] - statistics["bytes_in_use"])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
