"""What PPO minimises: advantages, clipped losses and the step size's rule."""

from typing import Any, NamedTuple

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.estimation import (
    estimation_loss,
    is_concurrent,
    target_of,
)
from dexjax.learners.unroll import unroll


class Networks(NamedTuple):
    """What PPO trains, given to it.

    Attributes:
        actor: see networks/actor.py.
        critic: see networks/critic.py.
    """

    actor: nn.Module
    critic: nn.Module


class Params(NamedTuple):
    """Parameters of both networks."""

    actor: dict
    critic: dict


class Batch(NamedTuple):
    """Samples of an update; arrays are (steps, columns, …).

    A column is a world with all of its steps where the actor has a memory; otherwise
    every sample is a column of one step.

    Attributes:
        carry: (columns, …) of the actor at the first step.
        done: bool, an episode ended with the step.
    """

    obs: dict[str, jax.Array]
    carry: Any
    done: jax.Array
    action: jax.Array
    log_prob: jax.Array
    mean: jax.Array
    std: jax.Array
    value: jax.Array
    advantage: jax.Array
    target: jax.Array


def gae(
    rewards: jax.Array,
    values: jax.Array,
    next_values: jax.Array,
    terminated: jax.Array,
    done: jax.Array,
    discount: float,
    gae_lambda: float,
) -> jax.Array:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16).

    Time-outs are bootstrapped: `next_values` are of the observation before the reset,
    and count unless the episode terminated.

    Args:
        rewards: (steps, worlds).
        values: (steps, worlds) of the observations acted on.
        next_values: (steps, worlds) of the observations that followed.
        terminated: (steps, worlds) bool, no future reward.
        done: (steps, worlds) bool, the next step belongs to another episode.
        discount: gamma.
        gae_lambda: lambda.

    Returns:
        advantages (steps, worlds).
    """
    deltas = rewards + discount * jnp.where(terminated, 0.0, next_values) - values

    def backward(following, step):
        delta, ended = step
        carried = jnp.where(ended, 0.0, following)
        advantage = delta + discount * gae_lambda * carried
        return advantage, advantage

    start = jnp.zeros_like(rewards[0])
    return jax.lax.scan(backward, start, (deltas, done), reverse=True)[1]


def adapt_learning_rate(
    rate: jax.Array, kl: jax.Array, desired_kl: float, bounds: tuple[float, float]
) -> jax.Array:
    """Divides the rate by 1.5 above twice the desired KL, multiplies below half."""
    if desired_kl == 0:
        return rate
    rate = jnp.where(kl > 2.0 * desired_kl, rate / 1.5, rate)
    rate = jnp.where(kl < 0.5 * desired_kl, rate * 1.5, rate)
    return jnp.clip(rate, *bounds)


def ppo_loss(
    params: Params, networks: Networks, config: PpoConfig, batch: Batch
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Clipped surrogate, clipped value loss and bound penalty, with their parts."""
    policy = unroll(networks.actor, params.actor, batch.obs, batch.carry, batch.done)
    value = jnp.asarray(networks.critic.apply(params.critic, batch.obs))
    ratio = jnp.exp(policy.log_prob(batch.action) - batch.log_prob)
    advantage = batch.advantage
    clipped = jnp.clip(ratio, 1.0 - config.clip, 1.0 + config.clip)
    surrogate = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
    error = jnp.square(value - batch.target)
    if config.value_clip:
        change = jnp.clip(value - batch.value, -config.clip, config.clip)
        error = jnp.maximum(error, jnp.square(batch.value + change - batch.target))
    beyond = jnp.square(jnp.maximum(jnp.abs(policy.mean()) - 1.1, 0.0))
    bound = beyond.sum(-1).mean()
    value_loss = error.mean()
    loss = surrogate + config.value_scale * value_loss + config.bound_scale * bound
    old = distrax.MultivariateNormalDiag(batch.mean, batch.std)
    parts = {
        "surrogate": surrogate,
        "value": value_loss,
        "kl": old.kl_divergence(policy).mean(),
        "clip_share": (jnp.abs(ratio - 1.0) > config.clip).mean(),
    }
    if target_of(networks.actor) and not is_concurrent(networks.actor):
        parts["estimate"] = estimation_loss(networks.actor, params.actor, batch.obs)
        loss += config.estimate_scale * parts["estimate"]
    return loss, parts
