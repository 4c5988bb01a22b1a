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

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dexjax.learners.dagger_config import DaggerConfig
from dexjax.learners.learner import Learner, summarise
from dexjax.learners.worlds import batched, start_worlds
from dexjax.networks.carry import begun_again
from dexjax.networks.scaling import (
    Statistics,
    no_statistics,
    scaled,
    scaling_of,
    updated,
)
from dexjax.networks.student import VisionActor
from dexjax.policies.policy import Policy
from dexjax.policies.student import StudentPolicy
from dexjax.spec import PolicySpec
from dexjax.tasks.task import Observations, Task, TaskState


class Samples(NamedTuple):
    """What is learned from; arrays have the leading dimension (samples,).

    Attributes:
        vectors: name -> (…, features) as the task observes them.
        cloud: (…, points, 3) half precision.
        action: (…, actions) what the teacher would have done.
    """

    vectors: Observations
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


class DaggerState(struct.PyTreeNode):
    """Everything that an iteration changes."""

    params: dict
    statistics: Statistics
    optimiser: optax.OptState
    buffer: Buffer
    worlds: TaskState
    teacher: Any
    key: jax.Array
    env_steps: jax.Array


def make_dagger(
    task: Task,
    teacher: Policy,
    network: VisionActor,
    config: DaggerConfig,
    env_steps: int,
) -> Learner:
    """Makes the learner of a student.

    Args:
        task: observes what student and teacher see.
        teacher: says what the student should have done.
        network: the student's.
        config: choices of the learner.
        env_steps: of the whole training, over which the learning rate falls.

    Raises:
        DexjaxError: if the buffer does not hold a whole number of iterations.
    """
    config.check_fit()
    student = _Student(task, teacher, network, config, env_steps)
    return Learner(
        jax.jit(student.init),
        jax.jit(student.train, donate_argnums=0),
        student.policy,
    )


class _Student:
    """The parts of an iteration: pure functions of the learner's state."""

    def __init__(
        self,
        task: Task,
        teacher: Policy,
        network: VisionActor,
        config: DaggerConfig,
        env_steps: int,
    ):
        self.task, self.teacher = task, teacher
        self.network, self.config = network, config
        self.worlds = batched(task)
        self.spec = PolicySpec.of(task.spec, (*network.sees, network.cloud))
        self.fresh = config.worlds * config.steps
        updates = max(env_steps // self.fresh, 1) * config.updates
        rate = optax.cosine_decay_schedule(config.learning_rate, updates, alpha=0.05)
        self.optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    def init(self, key: jax.Array) -> DaggerState:
        key, net_key, task_key, clock_key = jax.random.split(key, 4)
        config = self.config
        worlds = start_worlds(self.task, config.worlds, task_key, clock_key)
        one_world = jax.tree.map(lambda x: x[0], worlds.obs)
        params = dict(self.network.init(net_key, one_world))
        vectors = {name: worlds.obs[name][0] for name in self.network.sees}
        return DaggerState(
            params=params,
            statistics=no_statistics({name: x.shape for name, x in vectors.items()}),
            optimiser=self.optimiser.init(params),
            buffer=self._empty_buffer(vectors),
            worlds=worlds,
            teacher=self.teacher.init(config.worlds),
            key=key,
            env_steps=jnp.zeros((), jnp.int32),
        )

    def policy(self, state: DaggerState) -> StudentPolicy:
        return StudentPolicy(
            state.params,
            scaling_of(state.statistics),
            self.network,
            self.config.observation_clip,
            self.spec,
        )

    def train(self, state: DaggerState) -> tuple[DaggerState, dict[str, jax.Array]]:
        key, rollout_key, update_key = jax.random.split(state.key, 3)
        (worlds, teacher), samples, metrics = self._roll_out(state, rollout_key)
        state = state.replace(
            statistics=updated(state.statistics, samples.vectors),
            buffer=self._store(state.buffer, samples),
            worlds=worlds,
            teacher=teacher,
            key=key,
            env_steps=state.env_steps + self.fresh,
        )
        (params, moments), losses = self._update(state, update_key)
        state = state.replace(params=params, optimiser=moments)
        return state, summarise(metrics, self.task.spec) | {"loss": losses.mean()}

    def _empty_buffer(self, vectors: Observations) -> Buffer:
        size, config = self.config.buffer, self.config
        blank = Samples(
            {name: jnp.zeros((size, *x.shape)) for name, x in vectors.items()},
            jnp.zeros((size, config.points, 3), jnp.float16),
            jnp.zeros((size, self.task.spec.actions)),
        )
        return Buffer(blank, jnp.zeros((), jnp.int32))

    def _mean(
        self, params: dict, statistics: Statistics, vectors: Observations, cloud: Any
    ) -> jax.Array:
        """Actions (…, actions) for vectors and clouds (…, any number, 3)."""
        clip = self.config.observation_clip
        prepared = scaled(scaling_of(statistics), vectors, clip)
        return jnp.asarray(
            self.network.apply(params, prepared | {self.network.cloud: cloud})
        )

    def _roll_out(self, state: DaggerState, key: jax.Array):
        config, network = self.config, self.network
        guide_key, key = jax.random.split(key)
        guided = max(config.guided, 1) * self.fresh
        share = jnp.maximum(1.0 - state.env_steps / guided, 0.0)
        by_teacher = jax.random.uniform(guide_key, (config.worlds, 1)) < share

        def step(now: tuple[TaskState, Any], key: jax.Array):
            worlds, memory = now
            vectors = {name: worlds.obs[name] for name in network.sees}
            cloud = _some_points(worlds.obs[network.cloud], config.points, key)
            said, memory = self.teacher.act(worlds.obs, memory)
            wanted = jnp.clip(said, -1.0, 1.0)
            own = self._mean(state.params, state.statistics, vectors, cloud)
            after = self.worlds.advance(worlds, jnp.where(by_teacher, wanted, own))
            memory = begun_again(memory, self.teacher.init(config.worlds), after.done)
            sample = Samples(vectors, cloud.astype(jnp.float16), wanted)
            return (self.worlds.restart(after), memory), (sample, after.metrics)

        keys = jax.random.split(key, config.steps)
        start = state.worlds, state.teacher
        now, (samples, metrics) = jax.lax.scan(step, start, keys)
        flat = jax.tree.map(lambda x: x.reshape(self.fresh, *x.shape[2:]), samples)
        return now, flat, metrics

    def _store(self, buffer: Buffer, samples: Samples) -> Buffer:
        put = partial(
            jax.lax.dynamic_update_slice_in_dim,
            start_index=buffer.written % self.config.buffer,
            axis=0,
        )
        kept = jax.tree.map(put, buffer.samples, samples)
        return Buffer(kept, buffer.written + self.fresh)

    def _update(self, state: DaggerState, key: jax.Array):
        filled = jnp.minimum(state.buffer.written, self.config.buffer)

        def loss(params: dict, samples: Samples) -> jax.Array:
            cloud = samples.cloud.astype(jnp.float32)
            mean = self._mean(params, state.statistics, samples.vectors, cloud)
            return jnp.square(mean - samples.action).mean()

        def minibatch(carry, key: jax.Array):
            params, moments = carry
            rows = jax.random.randint(key, (self.config.minibatch,), 0, filled)
            samples = jax.tree.map(lambda x: x[rows], state.buffer.samples)
            value, gradient = jax.value_and_grad(loss)(params, samples)
            updates, moments = self.optimiser.update(gradient, moments, params)
            return (optax.apply_updates(params, updates), moments), value

        keys = jax.random.split(key, self.config.updates)
        return jax.lax.scan(minibatch, (state.params, state.optimiser), keys)


def _some_points(cloud: jax.Array, count: int, key: jax.Array) -> jax.Array:
    """Clouds (worlds, P, 3) of fewer points, drawn for each."""
    chosen = jax.random.randint(key, (len(cloud), count), 0, cloud.shape[1])
    return jnp.take_along_axis(cloud, chosen[..., None], axis=1)
