"""What PPO learns from one rollout: some passes over it in minibatches."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from dexjax.learners.ppo import estimation
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.estimation import is_concurrent
from dexjax.learners.ppo.loss import (
    Batch,
    Networks,
    Params,
    adapt_learning_rate,
    ppo_loss,
)
from dexjax.learners.ppo.rollout import (
    TrainState,
    Transition,
    make_batch,
    with_images,
)
from dexjax.networks.scaling import updated
from dexjax.tasks.task import Observations


def optimiser(config: PpoConfig) -> optax.GradientTransformation:
    """Adam without its rate, which is adapted from outside."""
    return optax.chain(
        optax.clip_by_global_norm(config.gradient_clip), optax.scale_by_adam(eps=1e-5)
    )


def learn(
    networks: Networks,
    config: PpoConfig,
    state: TrainState,
    trajectory: Transition,
    last_obs: Observations,
    key: jax.Array,
) -> tuple[TrainState, dict[str, jax.Array]]:
    """What is learned from a rollout; the state, and what was measured.

    Args:
        networks: see `Networks`.
        config: choices of the learner.
        state: before the iteration; worlds, carry and key stay what they are.
        trajectory: what happened.
        last_obs: what was observed after the last step.
        key: of the minibatches.
    """
    batch = make_batch(networks, config, state, trajectory, last_obs)
    statistics = state.statistics
    if config.normalise:
        statistics = updated(statistics, trajectory.obs)
    params, optimiser, rate, losses = _update(networks, config, state, batch, key)
    memory = state.estimator
    if is_concurrent(networks.actor):
        actor, memory, loss = estimation.learn(
            networks.actor, params.actor, memory, trajectory.obs, statistics, config
        )
        params, losses = params._replace(actor=actor), losses | {"estimate": loss}
    measured = losses | {"learning_rate": rate, "std": trajectory.std.mean()}
    return state.replace(
        params=params,
        statistics=statistics,
        optimiser=optimiser,
        estimator=memory,
        learning_rate=rate,
        env_steps=state.env_steps + config.worlds * config.steps,
    ), measured


def _columns(batch: Batch, chosen: jax.Array) -> Batch:
    """Some of the columns of a batch."""
    carry = jax.tree.map(lambda x: x[chosen], batch.carry)
    return jax.tree.map(lambda x: x[:, chosen], batch._replace(carry=()))._replace(
        carry=carry
    )


def _without_actor(gradient: Params, acting: jax.Array) -> Params:
    """The gradient, the actor's being zero unless `acting`."""
    actor = jax.tree.map(lambda x: jnp.where(acting, x, 0.0), gradient.actor)
    return gradient._replace(actor=actor)


def _moved(params: dict, updates: dict, rate: jax.Array | float) -> dict:
    return jax.tree.map(lambda p, u: p - rate * u, params, updates)


def _update(
    networks: Networks,
    config: PpoConfig,
    state: TrainState,
    batch: Batch,
    key: jax.Array,
) -> tuple[Params, optax.OptState, jax.Array, dict[str, jax.Array]]:
    adam = optimiser(config)
    columns = batch.done.shape[1]
    acting = state.env_steps >= config.critic_first * config.worlds * config.steps
    loss: Callable = jax.grad(ppo_loss, has_aux=True)

    def minibatch(carry, chosen: jax.Array):
        params, opt_state, rate = carry
        few = _columns(batch, chosen)
        few = few._replace(obs=with_images(config, state.statistics, few.obs))
        gradient, losses = loss(params, networks, config, few)
        gradient = _without_actor(gradient, acting)
        adapted = adapt_learning_rate(
            rate, losses["kl"], config.desired_kl, config.learning_rate_range
        )
        rate = jnp.where(acting, adapted, rate)
        updates, opt_state = adam.update(gradient, opt_state, params)
        params = Params(
            _moved(params.actor, updates.actor, rate),
            _moved(params.critic, updates.critic, config.critic_learning_rate or rate),
        )
        return (params, opt_state, rate), losses

    keys = jax.random.split(key, config.epochs)
    order = jax.vmap(lambda k: jax.random.permutation(k, columns))(keys)
    order = order.reshape(config.epochs * config.minibatches, -1)
    start = (state.params, state.optimiser, state.learning_rate)
    (params, opt_state, rate), losses = jax.lax.scan(minibatch, start, order)
    return params, opt_state, rate, jax.tree.map(jnp.mean, losses)
