"""Proximal policy optimisation (Schulman et al. 2017), one jitted step per iteration.

`make_ppo(task, config)` returns `init(key)`, `train(state)` and `act(policy, obs)`.
An iteration rolls all worlds out for a few steps and updates actor and critic from
them. Everything that an iteration changes is in `TrainState`, one pytree: saving it
and going on later gives the same run.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import distrax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from brax.training.acme import running_statistics, specs
from flax import struct
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dexjax.errors import DexjaxError
from dexjax.networks.actor_critic import ActorCritic
from dexjax.tasks.task import Task, TaskState


@dataclasses.dataclass(frozen=True)
class PpoConfig:
    """Choices of the learner; the defaults are the paper's (ResDex, Table 6).

    Attributes:
        worlds: parallel copies of the task.
        steps: control steps of each world per iteration.
        epochs: passes over the data of an iteration.
        minibatches: updates per pass.
        discount: gamma.
        gae_lambda: lambda of generalised advantage estimation.
        clip: of the probability ratio.
        value_clip: clip value changes alike.
        value_scale: weight of the value loss.
        learning_rate: of Adam at the start.
        learning_rate_range: bounds of the adaptive rate.
        desired_kl: KL divergence per update that the rate is adapted to; 0 keeps the
            rate.
        gradient_clip: largest global gradient norm.
        bound_scale: weight of the penalty on action means beyond +-1.1.
        initial_std: of the policy at the start.
        widths: hidden layers of actor and critic.
        normalise: subtract and divide observations by running statistics.
        observation_clip: largest magnitude of an observation afterwards.
        reward_scale: of all rewards, for the learner only.
    """

    worlds: int = 4096
    steps: int = 8
    epochs: int = 5
    minibatches: int = 4
    discount: float = 0.96
    gae_lambda: float = 0.95
    clip: float = 0.2
    value_clip: bool = False
    value_scale: float = 2.0
    learning_rate: float = 3e-4
    learning_rate_range: tuple[float, float] = (1e-5, 1e-2)
    desired_kl: float = 0.016
    gradient_clip: float = 1.0
    bound_scale: float = 0.0
    initial_std: float = 0.8
    widths: tuple[int, ...] = (1024, 1024, 512, 512)
    normalise: bool = False
    observation_clip: float = 5.0
    reward_scale: float = 1.0


@struct.dataclass
class Policy:
    """What acting needs: network parameters and observation statistics."""

    params: dict
    statistics: running_statistics.RunningStatisticsState


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
    reward: jax.Array
    terminated: jax.Array
    done: jax.Array


class Batch(NamedTuple):
    """Samples of an update; arrays are (samples, …)."""

    obs: jax.Array
    action: jax.Array
    log_prob: jax.Array
    mean: jax.Array
    std: jax.Array
    value: jax.Array
    advantage: jax.Array
    target: jax.Array


class Ppo(NamedTuple):
    """The learner's jitted functions."""

    init: Callable[[jax.Array], TrainState]
    train: Callable[[TrainState], tuple[TrainState, dict[str, jax.Array]]]
    act: Callable[[Policy, jax.Array], jax.Array]


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
    params: dict, network: ActorCritic, config: PpoConfig, batch: Batch
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Clipped surrogate, clipped value loss and bound penalty, with their parts."""
    policy, value = network.apply(params, batch.obs)
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
    return loss, parts


WORLDS = "worlds"  # axis of a mesh that the worlds are spread over


def worlds_mesh(devices: int) -> Mesh:
    """A mesh of devices to spread the worlds over.

    Raises:
        DexjaxError: if there are not that many.
    """
    present = jax.devices()
    if not 1 <= devices <= len(present):
        raise DexjaxError(
            f"{devices} devices: choose 1 to {len(present)}, as many as JAX has here"
        )
    return Mesh(np.array(present[:devices]), (WORLDS,))


def make_ppo(task: Task, config: PpoConfig, mesh: Mesh | None = None) -> Ppo:
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
        return Ppo(jax.jit(init), jax.jit(train, donate_argnums=0), act)
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
    return Ppo(jax.jit(init, out_shardings=placed), train, act)


def init_policy(network: ActorCritic, observation_size: int, key: jax.Array) -> Policy:
    """A policy before any training."""
    params = network.init(key, jnp.zeros(observation_size))
    spec = specs.Array((observation_size,), jnp.dtype("float32"))
    # Arrays of a fixed type, as a checkpoint gives them back: else a training compiles
    # once more when it is resumed.
    statistics = running_statistics.init_state(spec, std_eps=jnp.zeros(()))
    return Policy(params, statistics)


def _init(
    task: Task, config: PpoConfig, network: ActorCritic, key: jax.Array
) -> TrainState:
    key, net_key, task_key, clock_key = jax.random.split(key, 4)
    policy = init_policy(network, task.observation_size, net_key)
    worlds = jax.vmap(task.reset)(jax.random.split(task_key, config.worlds))
    # Clocks are staggered so that every batch holds all phases of an episode.
    steps = jax.random.randint(clock_key, (config.worlds,), 0, task.episode_steps)
    worlds = worlds.replace(memory=worlds.memory._replace(step=steps))
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
        obs = running_statistics.normalize(obs, policy.statistics)
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
        distribution = network.apply(policy.params, prepared, method="policy")
        action, log_prob = distribution.sample_and_log_prob(seed=key)
        after = step(worlds, action)
        transition = Transition(
            obs=worlds.obs,
            final_obs=after.final_obs,
            action=action,
            log_prob=log_prob,
            reward=config.reward_scale * after.reward,
            terminated=after.terminated,
            done=after.terminated | after.truncated,
        )
        return after, (transition, after.metrics)

    keys = jax.random.split(key, config.steps)
    worlds, (trajectory, metrics) = jax.lax.scan(act_and_step, worlds, keys)
    return worlds, trajectory, _summarise(metrics)


EPISODE_METRICS = ("held", "reached", "return")
COUNTS = ("episodes", "broken")


def _summarise(metrics: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Means over steps; sums of counts and of what an episode's end reports."""
    sums = {name: metrics[name].sum() for name in (*EPISODE_METRICS, *COUNTS)}
    means = {n: x.mean() for n, x in metrics.items() if n not in sums}
    return means | sums


def _batch(
    config: PpoConfig, network: ActorCritic, policy: Policy, trajectory: Transition
) -> Batch:
    obs = _prepare(config, policy, trajectory.obs)
    final_obs = _prepare(config, policy, trajectory.final_obs)
    distribution, values = network.apply(policy.params, obs)
    next_values = network.apply(policy.params, final_obs, method="value")
    advantages = gae(
        trajectory.reward,
        values,
        next_values,
        trajectory.terminated,
        trajectory.done,
        config.discount,
        config.gae_lambda,
    )
    spread = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    batch = Batch(
        obs=obs,
        action=trajectory.action,
        log_prob=trajectory.log_prob,
        mean=distribution.mean(),
        std=distribution.stddev(),
        value=values,
        advantage=spread,
        target=advantages + values,
    )
    samples = config.worlds * config.steps
    return jax.tree.map(lambda x: x.reshape(samples, *x.shape[2:]), batch)


def _update(
    config: PpoConfig,
    network: ActorCritic,
    state: TrainState,
    batch: Batch,
    key: jax.Array,
) -> tuple[dict, optax.OptState, jax.Array, dict[str, jax.Array]]:
    optimiser = _optimiser(config)
    samples = config.worlds * config.steps

    def minibatch(carry, indices):
        params, opt_state, rate = carry
        part = jax.tree.map(lambda x: x[indices], batch)
        gradient, losses = jax.grad(ppo_loss, has_aux=True)(
            params, network, config, part
        )
        rate = adapt_learning_rate(
            rate, losses["kl"], config.desired_kl, config.learning_rate_range
        )
        updates, opt_state = optimiser.update(gradient, opt_state, params)
        params = jax.tree.map(lambda p, u: p - rate * u, params, updates)
        return (params, opt_state, rate), losses

    keys = jax.random.split(key, config.epochs)
    order = jax.vmap(lambda k: jax.random.permutation(k, samples))(keys)
    order = order.reshape(config.epochs * config.minibatches, -1)
    carry = (state.policy.params, state.optimiser, state.learning_rate)
    (params, opt_state, rate), losses = jax.lax.scan(minibatch, carry, order)
    return params, opt_state, rate, jax.tree.map(jnp.mean, losses)
