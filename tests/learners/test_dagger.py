"""DAgger on a task small enough to know what a student must learn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Toy

from dexjax.errors import DexjaxError
from dexjax.learners.dagger import make_dagger
from dexjax.learners.dagger_config import DaggerConfig
from dexjax.networks.student import VisionActor
from dexjax.physics.choice import make_engine
from dexjax.policies.student import StudentPolicy
from dexjax.spec import PRIVILEGED, Observation, PolicySpec
from dexjax.tasks.grasp import GraspConfig, GraspTask

POINTS = 8
CONFIG = DaggerConfig(
    worlds=32, steps=8, buffer=1024, updates=16, minibatch=128, points=6, guided=10
)
ITERATIONS = 60
ENV_STEPS = ITERATIONS * 32 * 8
STUDENT = VisionActor(("felt",), "cloud", 3, (32, 32))


class Points(Toy):
    """Shows a place as a cloud about it, and to a teacher as it is."""

    def __init__(self):
        super().__init__(
            (
                Observation("felt", (2,)),
                Observation("cloud", (POINTS, 3)),
                Observation("place", (3,), seen_by=PRIVILEGED),
            ),
            actions=3,
            steps=5,
        )

    def draw(self, key):
        place_key, cloud_key = jax.random.split(key)
        place = jax.random.uniform(place_key, (3,), minval=-1.5, maxval=1.5)
        return place, place + 0.1 * jax.random.normal(cloud_key, (POINTS, 3))

    def see(self, hidden, step):
        place, cloud = hidden
        return {"felt": jnp.zeros(2), "cloud": cloud, "place": place}

    def pay(self, hidden, action, step):
        return jnp.abs(action[0])

    def change(self, hidden, action, key):
        return self.draw(key)


class Teacher:
    """Says the place, even where no action goes; counts an episode's steps."""

    spec = PolicySpec.of(Points().spec, ("place",))

    def init(self, batch):
        return jnp.zeros(batch, jnp.int32)

    def act(self, obs, carry, key=None):
        return obs["place"], carry + 1


def dagger(**changes):
    config = dataclasses.replace(CONFIG, **changes)
    return make_dagger(Points(), Teacher(), STUDENT, config, ENV_STEPS)


@pytest.fixture(scope="module")
def learner():
    return dagger()


@pytest.fixture(scope="module")
def trained(learner):
    state, losses = learner.init(jax.random.key(0)), []
    for _ in range(ITERATIONS):
        state, measured = learner.train(state)
        losses.append(float(measured["loss"]))
    return jax.device_get(state), losses


def test_the_student_learns_what_the_teacher_would_do(learner, trained):
    state, losses = trained
    assert losses[-1] < 0.1 * losses[0]
    worlds = jax.vmap(Points().reset)(jax.random.split(jax.random.key(9), 200))
    policy = learner.policy(state)
    assert isinstance(policy, StudentPolicy)
    # It needs nothing that only its teacher may see.
    assert [own.name for own in policy.spec.observations] == ["felt", "cloud"]
    seen = {name: worlds.obs[name] for name in ("felt", "cloud")}
    said, _ = policy.act(seen, policy.init(200))
    # What it imitates is clipped, as the task would clip it.
    wanted = np.clip(worlds.obs["place"], -1, 1)
    assert np.abs(said - wanted).mean() < 0.15
    assert int(state.env_steps) == ENV_STEPS


def test_the_teacher_drives_at_first_and_the_student_later():
    """What a world pays is the action that it was given."""
    learner = dagger(guided=1, updates=1)
    state = learner.init(jax.random.key(0))
    state, measured = learner.train(state)
    driven = float(measured["paid"])
    # A place is anywhere in 1.5 each way, and an action ends at 1.
    assert driven == pytest.approx(2 / 3, abs=0.1)
    state, measured = learner.train(state)
    # An untrained student does next to nothing.
    assert driven > 3 * float(measured["paid"])


def test_a_teachers_memory_begins_again_with_every_episode(trained):
    state, _ = trained
    np.testing.assert_array_equal(state.teacher, state.worlds.step)
    assert len(set(state.teacher.tolist())) > 2


def test_the_buffer_keeps_the_newest():
    learner = dagger(updates=1)
    state = learner.init(jax.random.key(0))
    assert state.buffer.samples.cloud.shape == (1024, 6, 3)
    assert state.buffer.samples.cloud.dtype == jnp.float16
    assert int(state.buffer.written) == 0
    rows = [np.asarray(state.buffer.samples.action)]
    for _ in range(6):
        state, _ = learner.train(state)
        rows.append(np.asarray(state.buffer.samples.action))
    assert int(state.buffer.written) == 6 * 256
    for i, (before, after) in enumerate(zip(rows[:-1], rows[1:], strict=True)):
        changed = (before != after).any(axis=1)
        turn = np.arange(1024) // 256 == i % 4
        np.testing.assert_array_equal(changed, turn)
    # What is kept belongs together.
    samples = jax.device_get(state.buffer.samples)
    middle = samples.cloud.astype(np.float32).mean(axis=1)
    assert np.abs(middle.clip(-1, 1) - samples.action).max() < 0.3


def test_a_resumed_training_goes_on_as_if_it_had_not_stopped(learner, trained):
    """All that it has seen is in its state."""
    state, losses = trained
    ends = []
    for own in (learner, dagger()):
        now, measured = own.train(jax.tree.map(jnp.copy, state))
        assert float(measured["loss"]) < 0.2 * losses[0]
        ends.append(jax.device_get((now.params, now.buffer, measured)))
    for one, two in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_buffer_of_no_whole_iterations_is_refused():
    line = "1000 samples is no multiple of 32 worlds x 8"
    with pytest.raises(DexjaxError, match=line):
        dagger(buffer=1000)


def test_student_and_teacher_each_see_their_own_of_a_grasp(box_scene):
    hidden = ("object_position", "object_state", "object_code", "surface", "relative")
    config = GraspConfig("points", privileged=hidden, reward="stage2", starts=2)
    task = GraspTask(make_engine(box_scene, "native"), config)
    seen = []

    class Watcher:
        spec = PolicySpec.of(task.spec, hidden)

        def init(self, batch):
            return ()

        def act(self, obs, carry, key=None):
            seen.append({name: obs[name].shape for name in hidden})
            return jnp.zeros((4, 24)), carry

    small = DaggerConfig(
        worlds=4, steps=4, buffer=64, updates=2, minibatch=8, points=16
    )
    network = VisionActor(("proprioception", "previous_action"), "points", 24, (16,))
    learner = make_dagger(task, Watcher(), network, small, 100)
    state, measured = learner.train(learner.init(jax.random.key(0)))
    sizes = dict(zip(hidden, (3, 13, 64, 44, 18), strict=True))
    assert seen == [{name: (4, size) for name, size in sizes.items()}]
    assert np.isfinite(float(measured["loss"])) and int(state.env_steps) == 16
    assert set(state.buffer.samples.vectors) == {"proprioception", "previous_action"}
    own = learner.policy(state).spec.observations
    assert [each.name for each in own] == [
        "proprioception",
        "previous_action",
        "points",
    ]
