"""What PPO learns from: all worlds rolled out for a few steps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.estimation import is_concurrent, target_of, with_estimate
from dexjax.learners.ppo.loss import Batch, Networks, Params, gae
from dexjax.learners.unroll import forget, has_memory
from dexjax.learners.worlds import Worlds, for_ended
from dexjax.networks.scaling import Statistics, scaled, scaling_of
from dexjax.tasks.task import Observations, TaskState


class TrainState(struct.PyTreeNode):
    """Everything that an iteration changes.

    Attributes:
        optimiser: what Adam remembers of both networks.
        estimator: the same of the actor's estimator, see estimation.py.
    """

    params: Params
    statistics: Statistics
    optimiser: optax.OptState
    estimator: Any
    learning_rate: jax.Array
    worlds: TaskState
    carry: Any
    key: jax.Array
    env_steps: jax.Array


class Transition(NamedTuple):
    """One control step; arrays are (steps, worlds, …).

    Attributes:
        final_value: of the last observation of an episode that ended with the step.
    """

    obs: Observations
    action: jax.Array
    log_prob: jax.Array
    mean: jax.Array
    std: jax.Array
    value: jax.Array
    final_value: jax.Array
    reward: jax.Array
    terminated: jax.Array
    done: jax.Array


def seen_by(
    networks: Networks, config: PpoConfig, statistics: Statistics, obs: Observations
) -> Observations:
    """What the networks see of observations (…), scaled."""
    own = {name: obs[name] for name in sorted(seen_names(networks))}
    return scaled(scaling_of(statistics), own, config.observation_clip)


def seen_names(networks: Networks) -> set[str]:
    """Names of what the networks see, and of what is estimated."""
    names = {*networks.actor.sees, *networks.critic.sees, target_of(networks.actor)}
    return names - {""}


class Said(NamedTuple):
    """What the networks say of one step; (worlds, …).

    Attributes:
        obs: what they saw, as it was observed, and what was estimated.
    """

    obs: Observations
    action: jax.Array
    log_prob: jax.Array
    mean: jax.Array
    std: jax.Array
    value: jax.Array


class Told(NamedTuple):
    """What one step of the worlds tells a learner; (worlds, …).

    Attributes:
        obs: what the networks see next, where an episode has ended of the following
            one.
        final: what the critic sees after the step, before that.
    """

    obs: Observations
    final: Observations
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array


def say(
    networks: Networks,
    config: PpoConfig,
    params: Params,
    statistics: Statistics,
    obs: Observations,
    carry: Any,
    key: jax.Array,
) -> tuple[Said, Any]:
    """What the networks say of observations (worlds, …), and the actor's carry."""
    seen = seen_by(networks, config, statistics, obs)
    seen = with_estimate(networks.actor, params.actor, seen)
    said, carry = networks.actor.apply(params.actor, seen, carry)
    action, log_prob = said.sample_and_log_prob(seed=key)
    return Said(
        obs={name: obs.get(name, seen[name]) for name in seen},
        action=action,
        log_prob=log_prob,
        mean=said.mean(),
        std=said.stddev(),
        value=jnp.asarray(networks.critic.apply(params.critic, seen)),
    ), carry


def step_worlds(
    worlds: Worlds, networks: Networks, before: TaskState, action: jax.Array
) -> tuple[TaskState, Told, dict[str, jax.Array]]:
    """A step of all worlds; they, what is told of it, the task's metrics."""
    after = worlds.advance(before, action)
    following = worlds.restart(after)
    told = Told(
        obs={name: following.obs[name] for name in sorted(seen_names(networks))},
        final={name: after.obs[name] for name in networks.critic.sees},
        reward=after.reward,
        terminated=after.terminated,
        truncated=after.truncated,
    )
    return following, told, after.metrics


def happened(
    networks: Networks,
    config: PpoConfig,
    params: Params,
    statistics: Statistics,
    said: Said,
    told: Told,
) -> Transition:
    """What a learner keeps of one step."""
    scaling = scaling_of(statistics)
    own = [name for name in networks.critic.sees if name in scaling.mean]
    scaling = scaling._replace(mean={name: scaling.mean[name] for name in own})

    def value(obs: Observations) -> jax.Array:
        seen = scaled(scaling, obs, config.observation_clip)
        return jnp.asarray(networks.critic.apply(params.critic, seen))

    nothing = jnp.zeros_like(told.reward)
    return Transition(
        **said._asdict(),
        final_value=for_ended(value, told.truncated, told.final, nothing),
        reward=config.reward_scale * told.reward,
        terminated=told.terminated,
        done=told.terminated | told.truncated,
    )


def roll_out(
    worlds: Worlds,
    networks: Networks,
    config: PpoConfig,
    state: TrainState,
    key: jax.Array,
) -> tuple[TaskState, Any, Transition, dict[str, jax.Array]]:
    """Steps all worlds; they, the actor's carry, what happened, the task's metrics."""
    known = networks, config, state.params, state.statistics

    def act_and_step(now: tuple[TaskState, Any], key: jax.Array):
        before, carry = now
        said, carry = say(*known, before.obs, carry, key)
        after, told, metrics = step_worlds(worlds, networks, before, said.action)
        transition = happened(*known, said, told)
        carry = forget(networks.actor, carry, transition.done)
        return (after, carry), (transition, metrics)

    keys = jax.random.split(key, config.steps)
    start = state.worlds, state.carry
    (after, carry), (trajectory, metrics) = jax.lax.scan(act_and_step, start, keys)
    return after, carry, trajectory, metrics


def make_batch(
    networks: Networks,
    config: PpoConfig,
    state: TrainState,
    trajectory: Transition,
    last_obs: Observations,
) -> Batch:
    """The samples of an iteration.

    Args:
        networks: see `Networks`.
        config: choices of the learner.
        state: before the iteration.
        trajectory: what happened.
        last_obs: what was observed after the last step.
    """
    last = seen_by(networks, config, state.statistics, last_obs)
    last_value = jnp.asarray(networks.critic.apply(state.params.critic, last))
    following = jnp.concatenate([trajectory.value[1:], last_value[None]])
    next_values = jnp.where(trajectory.done, trajectory.final_value, following)
    advantages = gae(
        trajectory.reward,
        trajectory.value,
        next_values,
        trajectory.terminated,
        trajectory.done,
        config.discount,
        config.gae_lambda,
    )
    batch = Batch(
        obs=_prepared(networks, config, state.statistics, trajectory.obs),
        carry=state.carry,
        done=trajectory.done,
        action=trajectory.action,
        log_prob=trajectory.log_prob,
        mean=trajectory.mean,
        std=trajectory.std,
        value=trajectory.value,
        advantage=(advantages - advantages.mean()) / (advantages.std() + 1e-8),
        target=advantages + trajectory.value,
    )
    if has_memory(networks.actor):
        return batch
    return jax.tree.map(lambda x: x.reshape(1, -1, *x.shape[2:]), batch)


def _prepared(
    networks: Networks, config: PpoConfig, statistics: Statistics, obs: Observations
) -> Observations:
    """Observations of an iteration, scaled but for images, which would fill the memory.

    Where an estimate stands for the images they are left out.
    """
    scaling = scaling_of(statistics)
    images = {name for name, mean in scaling.mean.items() if mean.ndim > 1}
    vectors = {name: x for name, x in scaling.mean.items() if name not in images}
    seen = scaled(scaling._replace(mean=vectors), obs, config.observation_clip)
    if is_concurrent(networks.actor):
        return {name: x for name, x in seen.items() if name not in images}
    return seen


def with_images(
    config: PpoConfig, statistics: Statistics, obs: Observations
) -> Observations:
    """The observations of a minibatch, its images scaled as well."""
    scaling = scaling_of(statistics)
    images = {n: mean for n, mean in scaling.mean.items() if mean.ndim > 1}
    return scaled(scaling._replace(mean=images), obs, config.observation_clip)
