"""DAgger on a task small enough to know what a student must learn."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.learners.dagger import DaggerConfig, Student, make_dagger
from dexjax.tasks.task import TaskState

POINTS = 8
CONFIG = DaggerConfig(
    worlds=32,
    steps=8,
    buffer=1024,
    updates=16,
    minibatch=128,
    points=6,
    iterations=60,
    guided=10,
    widths=(32, 32),
)


class Memory(NamedTuple):
    key: jax.Array
    step: jax.Array


class PointTask:
    """Shows a place as a cloud about it; the teacher's action is that place."""

    observation_size = 2 + 3 * POINTS
    action_size = 3
    episode_steps = 5

    def reset(self, key):
        return self._show(key, jnp.zeros((), jnp.int32), jnp.zeros(3))

    def step(self, state, action):
        key = jax.random.split(state.memory.key)[0]
        return self._show(key, state.memory.step + 1, action)

    def _show(self, key, step, action):
        place_key, cloud_key = jax.random.split(key)
        place = jax.random.uniform(place_key, (3,), minval=-1.5, maxval=1.5)
        cloud = place + 0.1 * jax.random.normal(cloud_key, (POINTS, 3))
        obs = jnp.concatenate([jnp.zeros(2), cloud.ravel()])
        zero, no = jnp.zeros(()), jnp.zeros((), bool)
        names = ("held", "reached", "return", "episodes", "broken")
        metrics = {name: zero for name in names} | {"reached": abs(action[0])}
        return TaskState(place, obs, obs, zero, no, no, metrics, Memory(key, step))


def teacher(worlds):
    """The place, even where no action goes."""
    return worlds.physics


@pytest.fixture(scope="module")
def trained():
    learner = make_dagger(PointTask(), teacher, POINTS, CONFIG)
    state, losses = learner.init(jax.random.key(0)), []
    for _ in range(60):
        state, measured = learner.train(state)
        losses.append(float(measured["loss"]))
    return learner, state, losses


def test_the_student_learns_what_the_teacher_would_do(trained):
    learner, state, losses = trained
    assert losses[-1] < 0.1 * losses[0]
    worlds = jax.vmap(PointTask().reset)(jax.random.split(jax.random.key(9), 200))
    said = np.asarray(learner.act(state.policy, worlds.obs))
    # What it imitates is clipped, as the task would clip it.
    wanted = np.clip(worlds.physics, -1, 1)
    assert np.abs(said - wanted).mean() < 0.15
    assert int(state.env_steps) == 60 * 32 * 8


def test_the_teacher_drives_at_first_and_the_student_later():
    """What a world reports is the action that it was given."""
    quick = DaggerConfig(**{**vars(CONFIG), "guided": 1, "updates": 1})
    learner = make_dagger(PointTask(), teacher, POINTS, quick)
    state = learner.init(jax.random.key(0))
    state, measured = learner.train(state)
    driven = float(measured["reached"])
    state, measured = learner.train(state)
    # An untrained student does next to nothing.
    assert driven > 3 * float(measured["reached"])


def test_the_buffer_keeps_the_newest():
    student = Student(PointTask(), POINTS, CONFIG)
    buffer = student.empty_buffer()
    assert buffer.samples.cloud.shape == (1024, 6, 3)
    assert buffer.samples.cloud.dtype == jnp.float16
    assert int(buffer.written) == 0


def test_a_resumed_training_goes_on_with_an_empty_buffer(trained):
    _, state, losses = trained
    again = make_dagger(PointTask(), teacher, POINTS, CONFIG)
    _, measured = again.train(jax.tree.map(jnp.copy, state))
    assert float(measured["loss"]) < 0.2 * losses[0]


def test_a_buffer_of_no_whole_iterations_is_refused():
    odd = DaggerConfig(worlds=32, steps=8, buffer=1000)
    with pytest.raises(
        DexjaxError, match="1000 samples is no multiple of 32 worlds x 8"
    ):
        make_dagger(PointTask(), teacher, POINTS, odd)
