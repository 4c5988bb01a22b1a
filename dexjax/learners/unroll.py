"""An actor over steps, with what it remembers."""

from collections.abc import Mapping
from typing import Any

import distrax
import flax.linen as nn
import jax

from dexjax.networks.carry import begun_again


def has_memory(actor: nn.Module) -> bool:
    """Whether an actor remembers anything between steps."""
    return bool(jax.tree.leaves(actor.initial_carry(1)))


def forget(actor: nn.Module, carry: Any, done: jax.Array) -> Any:
    """The carry (worlds, …), at its start where an episode has ended."""
    return begun_again(carry, actor.initial_carry(done.size), done)


def unroll(
    actor: nn.Module,
    params: dict,
    obs: Mapping[str, jax.Array],
    carry: Any,
    done: jax.Array,
) -> distrax.Distribution:
    """What an actor says over the steps of an iteration.

    Args:
        actor: with or without memory.
        params: of it.
        obs: name -> (steps, worlds, …) as it sees them.
        carry: (worlds, …) at the first step.
        done: (steps, worlds) bool, an episode ended with the step.

    Returns:
        Distributions over actions (steps, worlds, actions).
    """
    if not has_memory(actor):
        return actor.apply(params, obs, carry)[0]

    def step(carry: Any, inputs: Any) -> tuple[Any, tuple[jax.Array, jax.Array]]:
        now, ended = inputs
        said, carry = actor.apply(params, now, carry)
        return forget(actor, carry, ended), (said.mean(), said.stddev())

    _, (mean, std) = jax.lax.scan(step, carry, (dict(obs), done))
    return distrax.MultivariateNormalDiag(mean, std)
