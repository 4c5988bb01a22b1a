"""How the episodes of a policy are sorted by what happened in them."""

from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct


@pytest.fixture
def failures(experiment):
    return experiment("failures", "benchmarks")


# Height of the object in the middle of the episode and at its end; whether it is held.
STORIES = {
    "held": (0.2, 0.2, 1.0),
    "never_lifted": (0.01, 0.0, 0.0),
    "dropped": (0.15, 0.03, 0.0),
    "off_goal": (0.1, 0.1, 0.0),
}


class Physics(NamedTuple):
    """Positions alone."""

    qpos: jax.Array


class Episode(NamedTuple):
    """What is fixed of an episode."""

    object_id: np.ndarray
    start: np.ndarray


class World(NamedTuple):
    """What `outcomes` looks at."""

    physics: Physics
    obs: jax.Array
    metrics: dict


class Objects(SimpleNamespace):
    """As many as have a mass."""

    def __len__(self):
        return len(self.mass)


class Scripted:
    """A task with one story for each object, which lies 5 cm above the table."""

    engine = SimpleNamespace(scene=SimpleNamespace(object_qpos=slice(1, 8)))
    spec = SimpleNamespace(episode_steps=20, success="held")

    objects = Objects(
        mass=np.array([0.125, 0.25, 0.375, 0.5]),
        friction=np.array([0.9, 0.5, 0.7, 0.6]),
        categories=("mug", "knife", "mug", "knife"),
    )

    def episodes(self, each):
        return Episode(np.arange(4), np.zeros(4, int))

    def reset(self, key, episode):
        return self._state(episode.object_id, jnp.zeros((), int))

    def step(self, world, action):
        return self._state(world.obs[0], world.obs[1] + 1)

    def _state(self, story, time):
        middle, end, held = jnp.asarray(list(STORIES.values()))[story]
        last = time >= self.spec.episode_steps - 1
        rise = jnp.where(time == 0, 0.0, jnp.where(last, end, middle))
        qpos = jnp.zeros(8).at[3].set(0.05 + rise)
        metrics = {"held": held * (time == self.spec.episode_steps)}
        return World(Physics(qpos), jnp.array([story, time]), metrics)


@struct.dataclass
class Idle:
    """A policy that counts its steps and does nothing."""

    def init(self, batch):
        return jnp.zeros(batch)

    def act(self, obs, carry, key):
        return jnp.zeros((len(carry), 1)), carry + 1


def test_every_episode_has_the_outcome_of_its_story(failures):
    found = failures.outcomes(Scripted(), Idle(), seed=0)
    assert tuple(found) == tuple(STORIES)
    np.testing.assert_array_equal(np.stack(list(found.values())), np.eye(4, dtype=bool))


def test_rows_are_shares_of_groups_and_the_worst_category_comes_first(failures):
    task = Scripted()
    rows = failures.rows(task, failures.outcomes(task, Idle(), 0))
    by_name = {row["objects"]: row for row in rows}
    assert by_name["all"]["episodes"] == 4 and by_name["all"]["dropped"] == 0.25
    assert by_name["mass 0.12 to 0.12 kg"]["held"] == 1.0
    assert by_name["friction 0.50 to 0.50"]["never_lifted"] == 1.0
    assert [row["objects"] for row in rows[-2:]] == ["knife", "mug"]
    assert by_name["mug"]["held"] == 0.5 and by_name["mug"]["dropped"] == 0.5
    assert by_name["knife"]["median_mass_kg"] == 0.375
    for row in rows:
        assert sum(row[outcome] for outcome in failures.OUTCOMES) == 1.0
