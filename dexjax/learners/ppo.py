"""Proximal policy optimisation (Schulman et al. 2017), one jitted step per iteration.

`make_ppo(task, config)` returns `init(key)`, `train(state)` and `act(policy, obs)`.
An iteration rolls all worlds out for a few steps and updates actor and critic from
them. Everything that an iteration changes is in `TrainState`, one pytree: saving it
and going on later gives the same run.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from brax.training.acme import running_statistics
from flax import struct
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dexjax.errors import DexjaxError
from dexjax.learners.devices import WORLDS
from dexjax.learners.learner import (
    Learner,
    Policy,
    no_statistics,
    normalise,
    start_worlds,
    summarise,
)
from dexjax.learners.ppo_config import PpoConfig
from dexjax.learners.ppo_loss import Batch, adapt_learning_rate, gae, ppo_loss
from dexjax.networks.actor_critic import ActorCritic
from dexjax.tasks.task import Task, TaskState


@struct.dataclass
class TrainState:
    """Everything that an iteration changes."""

    policy: Policy
    optimiser: optax.OptState
    learning_rate: jax.Array
    worlds: TaskState
    key: jax.Array
    env_steps: jax.Array


class Transition(NamedTuple):
    """One control step; arrays are (steps, worlds, …)."""

    obs: jax.Array
    final_obs: jax.Array
    action: jax.Array
    log_prob: jax.Array
    mean: jax.Array
    value: jax.Array
    reward: jax.Array
    terminated: jax.Array
    done: jax.Array


def make_ppo(task: Task, config: PpoConfig, mesh: Mesh | None = None) -> Learner:
    """Makes the learner of a task.

    Args:
        task: written for one world.
        config: choices of the learner.
        mesh: see `worlds_mesh`; what is learned does not depend on it. One device by
            default.

    Raises:
        DexjaxError: if the samples of an iteration do not divide into minibatches, or
            the worlds over the devices.
    """
    samples = config.worlds * config.steps
    if samples % config.minibatches:
        raise DexjaxError(
            f"{config.worlds} worlds x {config.steps} steps do not divide into "
            f"{config.minibatches} minibatches: choose a divisor of {samples}"
        )
    network = ActorCritic(task.action_size, config.widths, config.initial_std)
    init = partial(_init, task, config, network)

    def step(worlds: TaskState, actions: jax.Array) -> TaskState:
        return jax.vmap(task.step)(worlds, actions)

    act = jax.jit(partial(_act, config, network))
    if mesh is None:
        train = partial(_train, step, config, network)
        return Learner(jax.jit(init), jax.jit(train, donate_argnums=0), act)
    if config.worlds % mesh.size:
        raise DexjaxError(
            f"{config.worlds} worlds do not divide over {mesh.size} devices: choose a "
            f"multiple of {mesh.size}"
        )
    # An engine's call to the host cannot be split by the compiler, so the step is
    # split by hand; the compiler spreads all the rest.
    split, whole = PartitionSpec(WORLDS), NamedSharding(mesh, PartitionSpec())
    sharded = jax.shard_map(
        step, mesh=mesh, in_specs=split, out_specs=split, check_vma=False
    )
    placed = TrainState(*[whole] * 6).replace(worlds=NamedSharding(mesh, split))
    train = jax.jit(
        partial(_train, sharded, config, network),
        in_shardings=(placed,),
        out_shardings=(placed, whole),
        donate_argnums=0,
    )
    return Learner(jax.jit(init, out_shardings=placed), train, act)


def init_policy(network: ActorCritic, observation_size: int, key: jax.Array) -> Policy:
    """A policy before any training."""
    params = network.init(key, jnp.zeros(observation_size))
    return Policy(params, no_statistics(observation_size))


def _init(
    task: Task, config: PpoConfig, network: ActorCritic, key: jax.Array
) -> TrainState:
    key, net_key, task_key, clock_key = jax.random.split(key, 4)
    policy = init_policy(network, task.observation_size, net_key)
    worlds = start_worlds(task, config.worlds, task_key, clock_key)
    return TrainState(
        policy=policy,
        optimiser=_optimiser(config).init(policy.params),
        learning_rate=jnp.asarray(config.learning_rate, jnp.float32),
        worlds=worlds,
        key=key,
        env_steps=jnp.zeros((), jnp.int32),
    )


def _optimiser(config: PpoConfig) -> optax.GradientTransformation:
    """Adam without its rate, which is adapted from outside."""
    return optax.chain(
        optax.clip_by_global_norm(config.gradient_clip), optax.scale_by_adam(eps=1e-5)
    )


def _prepare(config: PpoConfig, policy: Policy, obs: jax.Array) -> jax.Array:
    if config.normalise:
        obs = normalise(obs, policy.statistics)
    return jnp.clip(obs, -config.observation_clip, config.observation_clip)


def _act(
    config: PpoConfig, network: ActorCritic, policy: Policy, obs: jax.Array
) -> jax.Array:
    """The deterministic action (…, actions) for observations (…, observation)."""
    prepared = _prepare(config, policy, obs)
    return network.apply(policy.params, prepared, method="policy").mean()


def _train(
    step: Callable, config: PpoConfig, network: ActorCritic, state: TrainState
) -> tuple[TrainState, dict[str, jax.Array]]:
    """One iteration: roll out, estimate advantages, update."""
    key, rollout_key, update_key = jax.random.split(state.key, 3)
    worlds, trajectory, episode = _rollout(
        step, config, network, state.policy, state.worlds, rollout_key
    )
    batch = _batch(config, network, state.policy, trajectory)
    policy = state.policy
    if config.normalise:
        statistics = running_statistics.update(policy.statistics, trajectory.obs)
        policy = policy.replace(statistics=statistics)
    params, optimiser, rate, losses = _update(config, network, state, batch, update_key)
    metrics = episode | losses | {"learning_rate": rate}
    metrics["std"] = jnp.exp(params["params"]["log_std"]).mean()
    return TrainState(
        policy=policy.replace(params=params),
        optimiser=optimiser,
        learning_rate=rate,
        worlds=worlds,
        key=key,
        env_steps=state.env_steps + config.worlds * config.steps,
    ), metrics


def _rollout(
    step: Callable,
    config: PpoConfig,
    network: ActorCritic,
    policy: Policy,
    worlds: TaskState,
    key: jax.Array,
) -> tuple[TaskState, Transition, dict[str, jax.Array]]:
    def act_and_step(worlds: TaskState, key: jax.Array):
        prepared = _prepare(config, policy, worlds.obs)
        distribution, value = network.apply(policy.params, prepared)
        action, log_prob = distribution.sample_and_log_prob(seed=key)
        after = step(worlds, action)
        transition = Transition(
            obs=worlds.obs,
            final_obs=after.final_obs,
            action=action,
            log_prob=log_prob,
            mean=distribution.mean(),
            value=value,
            reward=config.reward_scale * after.reward,
            terminated=after.terminated,
            done=after.terminated | after.truncated,
        )
        return after, (transition, after.metrics)

    keys = jax.random.split(key, config.steps)
    worlds, (trajectory, metrics) = jax.lax.scan(act_and_step, worlds, keys)
    return worlds, trajectory, summarise(metrics)


def _batch(
    config: PpoConfig, network: ActorCritic, policy: Policy, trajectory: Transition
) -> Batch:
    def critic(obs: jax.Array) -> jax.Array:
        prepared = _prepare(config, policy, obs)
        return network.apply(policy.params, prepared, method="value")

    advantages = gae(
        trajectory.reward,
        trajectory.value,
        _next_values(critic, trajectory),
        trajectory.terminated,
        trajectory.done,
        config.discount,
        config.gae_lambda,
    )
    std = jnp.exp(policy.params["params"]["log_std"])
    batch = Batch(
        obs=_prepare(config, policy, trajectory.obs),
        action=trajectory.action,
        log_prob=trajectory.log_prob,
        mean=trajectory.mean,
        std=jnp.broadcast_to(std, trajectory.mean.shape),
        value=trajectory.value,
        advantage=(advantages - advantages.mean()) / (advantages.std() + 1e-8),
        target=advantages + trajectory.value,
    )
    samples = config.worlds * config.steps
    return jax.tree.map(lambda x: x.reshape(samples, *x.shape[2:]), batch)


def _next_values(critic: Callable, trajectory: Transition) -> jax.Array:
    """Values (steps, worlds) of the observations that followed.

    Where an episode goes on, that is the value of the next step. The critic is asked
    only after the last step and where an episode ended, as one step in 200 does.
    """
    done, final_obs = trajectory.done.ravel(), trajectory.final_obs
    last = critic(final_obs[-1])
    following = jnp.concatenate([trajectory.value[1:], last[None]]).ravel()
    final_obs = final_obs.reshape(done.size, -1)
    few = -(-done.size // 16)

    def ask_few() -> jax.Array:
        ended = jnp.flatnonzero(done, size=few, fill_value=done.size)
        return following.at[ended].set(critic(final_obs[ended]), mode="drop")

    def ask_all() -> jax.Array:
        return jnp.where(done, critic(final_obs), following)

    values = jax.lax.cond(done.sum() <= few, ask_few, ask_all)
    return values.reshape(trajectory.value.shape)


def _without_actor(gradient: dict, acting: jax.Array) -> dict:
    """The gradient, that of everything but the critic being zero unless `acting`."""
    parts = {
        name: part
        if name == "critic"
        else jax.tree.map(lambda x: jnp.where(acting, x, 0.0), part)
        for name, part in gradient["params"].items()
    }
    return {"params": parts}


def _update(
    config: PpoConfig,
    network: ActorCritic,
    state: TrainState,
    batch: Batch,
    key: jax.Array,
) -> tuple[dict, optax.OptState, jax.Array, dict[str, jax.Array]]:
    optimiser = _optimiser(config)
    samples = config.worlds * config.steps
    acting = state.env_steps >= config.critic_first * samples

    def minibatch(carry, indices):
        params, opt_state, rate = carry
        part = jax.tree.map(lambda x: x[indices], batch)
        gradient, losses = jax.grad(ppo_loss, has_aux=True)(
            params, network, config, part
        )
        gradient = _without_actor(gradient, acting)
        adapted = adapt_learning_rate(
            rate, losses["kl"], config.desired_kl, config.learning_rate_range
        )
        rate = jnp.where(acting, adapted, rate)
        updates, opt_state = optimiser.update(gradient, opt_state, params)
        params = jax.tree.map(lambda p, u: p - rate * u, params, updates)
        return (params, opt_state, rate), losses

    keys = jax.random.split(key, config.epochs)
    order = jax.vmap(lambda k: jax.random.permutation(k, samples))(keys)
    order = order.reshape(config.epochs * config.minibatches, -1)
    carry = (state.policy.params, state.optimiser, state.learning_rate)
    (params, opt_state, rate), losses = jax.lax.scan(minibatch, carry, order)
    return params, opt_state, rate, jax.tree.map(jnp.mean, losses)
