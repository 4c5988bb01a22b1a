"""DAgger (Ross et al. 2011): a student drives, a teacher says what it should have done.

ResDex, section 3.4, with three changes that make it work with hundreds of worlds. The
released code learns from the last eight steps of all worlds alone: with few worlds
these are a few objects in a few phases, learned five times over, then forgotten. Here a
buffer holds what many iterations have seen. The teacher drives some of the worlds at
first, so that there is something to be seen beyond a student's first failures. And what
is imitated is the action as the task clips it; the mean of a policy may lie far beyond.

A student learns from a few points of every cloud, another choice each time, and acts on
all of them: a quarter of the points costs a quarter of the time.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from brax.training.acme import running_statistics
from flax import struct

from dexjax.errors import DexjaxError
from dexjax.learners.learner import (
    Learner,
    Policy,
    no_statistics,
    normalise,
    start_worlds,
    summarise,
)
from dexjax.networks.student import VisionActor
from dexjax.tasks.task import Task, TaskState


@dataclasses.dataclass(frozen=True)
class DaggerConfig:
    """Choices of the learner.

    Attributes:
        worlds: parallel copies of the task.
        steps: control steps of each world per iteration.
        buffer: samples that are kept; a multiple of worlds x steps.
        updates: gradient steps per iteration.
        minibatch: samples of each.
        points: of a cloud that are learned from.
        learning_rate: of Adam at the start; falls to a twentieth along a cosine.
        iterations: over which the rate falls.
        guided: iterations over which the teacher drives fewer and fewer worlds.
        widths: hidden layers of the student behind the cloud's features.
        observation_clip: largest normalised observation.
    """

    worlds: int = 512
    steps: int = 16
    buffer: int = 262_144
    updates: int = 16
    minibatch: int = 512
    points: int = 128
    learning_rate: float = 1e-3
    iterations: int = 1000
    guided: int = 50
    widths: tuple[int, ...] = (256, 256, 128)
    observation_clip: float = 5.0


class Samples(NamedTuple):
    """What is learned from; arrays have the leading dimension (samples,).

    Attributes:
        head: (…, head) what the hand feels, as the task gives it.
        cloud: (…, points, 3) half precision.
        action: (…, actions) what the teacher would have done.
    """

    head: jax.Array
    cloud: jax.Array
    action: jax.Array


class Buffer(NamedTuple):
    """The newest samples.

    Attributes:
        samples: with room for all.
        written: () int32, how many ever were: the next one's place, but for the turns.
    """

    samples: Samples
    written: jax.Array


@struct.dataclass
class DaggerState:
    """Everything that an iteration changes, but the buffer."""

    policy: Policy
    optimiser: optax.OptState
    worlds: TaskState
    key: jax.Array
    env_steps: jax.Array


Label = Callable[[TaskState], jax.Array]


def make_dagger(task: Task, label: Label, points: int, config: DaggerConfig) -> Learner:
    """Makes the learner of a student.

    The buffer is the learner's own and no part of its state, which a checkpoint holds:
    a training that is resumed fills it again.

    Args:
        task: its observations end with a cloud.
        label: worlds (worlds, …) -> what the teacher would do, (worlds, actions).
        points: of that cloud.
        config: choices of the learner.

    Raises:
        DexjaxError: if the buffer does not hold a whole number of iterations.
    """
    if config.buffer % (config.worlds * config.steps):
        raise DexjaxError(
            f"a buffer of {config.buffer} samples is no multiple of {config.worlds} "
            f"worlds x {config.steps} steps"
        )
    student = Student(task, points, config)
    train = jax.jit(_make_train(task, label, student, config), donate_argnums=(0, 1))
    kept: list[Buffer] = []

    def train_and_keep(state: DaggerState):
        buffer = kept.pop() if kept else student.empty_buffer()
        state, buffer, measured = train(state, buffer)
        kept.append(buffer)
        return state, measured

    return Learner(jax.jit(student.init), train_and_keep, jax.jit(student.act))


class Student:
    """The student's network with its sizes: pure functions of a policy."""

    def __init__(self, task: Task, points: int, config: DaggerConfig):
        """Makes the network for a task; see `make_dagger`."""
        self.config, self.points, self.task = config, points, task
        self.head = task.observation_size - 3 * points
        self.network = VisionActor(task.action_size, config.widths)
        rate = optax.cosine_decay_schedule(
            config.learning_rate, config.iterations * config.updates, alpha=0.05
        )
        self.optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    def init(self, key: jax.Array) -> DaggerState:
        """A training's start."""
        key, net_key, task_key, clock_key = jax.random.split(key, 4)
        worlds = start_worlds(self.task, self.config.worlds, task_key, clock_key)
        policy = self.init_policy(net_key)
        zero = jnp.zeros((), jnp.int32)
        return DaggerState(
            policy, self.optimiser.init(policy.params), worlds, key, zero
        )

    def init_policy(self, key: jax.Array) -> Policy:
        """A policy before any training."""
        params = self.network.init(key, jnp.zeros(self.head), jnp.zeros((1, 3)))
        return Policy(params, no_statistics(self.head))

    def empty_buffer(self) -> Buffer:
        """A buffer without samples."""
        size, config = self.config.buffer, self.config
        blank = Samples(
            jnp.zeros((size, self.head)),
            jnp.zeros((size, config.points, 3), jnp.float16),
            jnp.zeros((size, self.task.action_size)),
        )
        return Buffer(blank, jnp.zeros((), jnp.int32))

    def split(self, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Observations (…, observation) -> (…, head), (…, points, 3)."""
        head, flat = obs[..., : self.head], obs[..., self.head :]
        return head, flat.reshape(*flat.shape[:-1], self.points, 3)

    def mean(self, policy: Policy, head: jax.Array, cloud: jax.Array) -> jax.Array:
        """Actions (…, actions) for (…, head) and clouds (…, any number, 3)."""
        clip = self.config.observation_clip
        head = normalise(head, policy.statistics)
        return self.network.apply(policy.params, jnp.clip(head, -clip, clip), cloud)

    def act(self, policy: Policy, obs: jax.Array) -> jax.Array:
        """Actions (…, actions) for observations (…, observation)."""
        return self.mean(policy, *self.split(obs))

    def loss(self, params: dict, policy: Policy, samples: Samples) -> jax.Array:
        """Mean squared difference () from the teacher's actions."""
        cloud = samples.cloud.astype(jnp.float32)
        mean = self.mean(policy.replace(params=params), samples.head, cloud)
        return jnp.square(mean - samples.action).mean()


def _make_train(task: Task, label: Label, student: Student, config: DaggerConfig):
    fresh = config.worlds * config.steps

    def rollout(state: DaggerState, key: jax.Array):
        guide_key, key = jax.random.split(key)
        guided = max(config.guided, 1) * fresh
        share = jnp.maximum(1.0 - state.env_steps / guided, 0.0)
        by_teacher = jax.random.uniform(guide_key, (config.worlds, 1)) < share

        def step(worlds: TaskState, key: jax.Array):
            head, cloud = student.split(worlds.obs)
            chosen = jax.random.randint(
                key, (config.worlds, config.points), 0, student.points
            )
            cloud = jnp.take_along_axis(cloud, chosen[..., None], axis=1)
            wanted = jnp.clip(label(worlds), -1.0, 1.0)
            own = student.mean(state.policy, head, cloud)
            worlds = jax.vmap(task.step)(worlds, jnp.where(by_teacher, wanted, own))
            # Nobody asks for the last view of an episode: it need not be computed.
            worlds = worlds.replace(final_obs=worlds.obs)
            sample = Samples(head, cloud.astype(jnp.float16), wanted)
            return worlds, (sample, worlds.metrics)

        keys = jax.random.split(key, config.steps)
        worlds, (samples, metrics) = jax.lax.scan(step, state.worlds, keys)
        flat = jax.tree.map(lambda x: x.reshape(fresh, *x.shape[2:]), samples)
        return worlds, flat, summarise(metrics)

    def update(policy: Policy, moments, buffer: Buffer, key: jax.Array):
        filled = jnp.minimum(buffer.written, config.buffer)

        def minibatch(carry, key: jax.Array):
            params, moments = carry
            rows = jax.random.randint(key, (config.minibatch,), 0, filled)
            samples = jax.tree.map(lambda x: x[rows], buffer.samples)
            value, gradient = jax.value_and_grad(student.loss)(params, policy, samples)
            updates, moments = student.optimiser.update(gradient, moments, params)
            return (optax.apply_updates(params, updates), moments), value

        keys = jax.random.split(key, config.updates)
        return jax.lax.scan(minibatch, (policy.params, moments), keys)

    def store(buffer: Buffer, samples: Samples) -> Buffer:
        place = buffer.written % config.buffer
        kept = jax.tree.map(
            lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new, place, 0),
            *(buffer.samples, samples),
        )
        return Buffer(kept, buffer.written + fresh)

    def train(state: DaggerState, buffer: Buffer):
        key, rollout_key, update_key = jax.random.split(state.key, 3)
        worlds, samples, metrics = rollout(state, rollout_key)
        buffer = store(buffer, samples)
        statistics = running_statistics.update(state.policy.statistics, samples.head)
        policy = state.policy.replace(statistics=statistics)
        (params, moments), losses = update(policy, state.optimiser, buffer, update_key)
        state = DaggerState(
            policy.replace(params=params),
            moments,
            worlds,
            key,
            state.env_steps + fresh,
        )
        return state, buffer, metrics | {"loss": losses.mean()}

    return train
