"""Batches of worlds: begun, stepped, and begun again where an episode has ended.

An episode ends in one step of two hundred, so what its end needs, a value of its last
observation and a new start, is computed for a few worlds at a time.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from dexjax.learners.placement import WORLDS
from dexjax.tasks.task import Task, TaskState, where

# One in so many worlds may end an episode in a step before all are computed.
_FEW = 16


class Worlds(NamedTuple):
    """A task over a batch.

    Attributes:
        advance: (worlds, actions (worlds, actions)) -> worlds, of which some may have
            ended their episode.
        restart: worlds -> the same, the ended ones at the start of their next episode.
    """

    advance: Callable[[TaskState, jax.Array], TaskState]
    restart: Callable[[TaskState], TaskState]


def batched(task: Task, mesh: Mesh | None = None) -> Worlds:
    """A task over the worlds of a batch.

    Args:
        task: written for one world.
        mesh: of devices that the worlds are spread over; one device by default.
    """

    def advance(worlds: TaskState, actions: jax.Array) -> TaskState:
        return jax.vmap(task.advance)(worlds, actions)

    def restart(worlds: TaskState) -> TaskState:
        return for_ended(jax.vmap(task.restart), worlds.done, worlds, worlds)

    if mesh is None:
        return Worlds(advance, restart)
    # An engine's call to the host cannot be split by the compiler, so the step is
    # split by hand; the compiler spreads all the rest.
    split = PartitionSpec(WORLDS)

    def spread(function: Callable) -> Callable:
        return jax.shard_map(
            function, mesh=mesh, in_specs=split, out_specs=split, check_vma=False
        )

    return Worlds(spread(advance), spread(restart))


def start_worlds(
    task: Task, count: int, task_key: jax.Array, clock_key: jax.Array
) -> TaskState:
    """Fresh worlds (count, …).

    Their clocks are staggered so that every batch holds all phases of an episode.
    """
    worlds = jax.vmap(task.reset)(jax.random.split(task_key, count))
    step = jax.random.randint(clock_key, (count,), 0, task.spec.episode_steps)
    return worlds.replace(step=step)


def for_ended(
    function: Callable[[Any], Any], ended: jax.Array, inputs: Any, otherwise: Any
) -> Any:
    """A function of those worlds alone whose episode has ended.

    Args:
        function: of a batch of any size: rows of `inputs` -> rows like `otherwise`.
        ended: (worlds,) bool.
        inputs: pytree (worlds, …).
        otherwise: pytree (worlds, …), what the other worlds have.

    Returns:
        A pytree (worlds, …).
    """
    few = -(-ended.size // _FEW)

    def for_few() -> Any:
        rows = jnp.flatnonzero(ended, size=few, fill_value=ended.size)
        found = function(jax.tree.map(lambda x: x[rows], inputs))
        return jax.tree.map(
            lambda new, old: old.at[rows].set(new, mode="drop"), found, otherwise
        )

    def for_all() -> Any:
        return jax.vmap(where)(ended, function(inputs), otherwise)

    def for_some() -> Any:
        return jax.lax.cond(ended.sum() <= few, for_few, for_all)

    return jax.lax.cond(ended.any(), for_some, lambda: otherwise)
