"""Evaluation: intervals, episodes that differ, objects one by one."""

import dataclasses
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.physics.engine import PhysicsState
from dexjax.runs import evaluation
from dexjax.runs.config import PRESETS
from dexjax.runs.evaluation import (
    Episodes,
    drawn,
    evaluate,
    every_object,
    fresh_task,
    measure_objects,
    wilson,
)
from dexjax.scene import make_scene

EPISODES = 4


class World(NamedTuple):
    """As much of a task's state as an evaluation reads."""

    physics: PhysicsState
    obs: jax.Array
    metrics: dict


def stay(obs):
    """The wrist stands still, the fingers are half closed."""
    return jnp.zeros((*obs.shape[:-1], 24))


@pytest.fixture(scope="module")
def task():
    scene = make_scene(load_hand(), load_objects(["mug", "box"]))
    return fresh_task(PRESETS["smoke"], make_engine(scene, "native"), EPISODES)


@pytest.mark.parametrize(("successes", "episodes"), [(0, 9), (3, 7), (251, 256)])
def test_wilson_equals_its_closed_form(successes, episodes):
    z, p, n = 1.959963984540054, successes / episodes, episodes
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = [max(centre - half, 0.0), min(centre + half, 1.0)]
    np.testing.assert_allclose(wilson(successes, episodes), expected, atol=1e-9)


def boxes(count: int) -> Episodes:
    """Episodes of the second object."""
    return Episodes(np.full(count, 1), np.arange(count))


def test_a_hand_that_stays_away_holds_nothing(task):
    found = evaluate(task, stay, boxes(EPISODES), seed=0)
    assert not found.held.any() and not found.reached.any()
    assert (found.holding.object_id == 1).all()
    assert found.recorded.qpos.shape[:2] == (task.episode_steps, evaluation.RECORDED)
    # Recorded from the start: the palm is above the table, the object on it.
    first = found.recorded.qpos[0]
    assert (first[:, 2] > 0.15).all() and (first[:, -5] < 0.15).all()


def test_every_object_is_measured(task):
    rows = measure_objects(task, stay, EPISODES, seed=0)
    assert [row["object"] for row in rows] == ["mug", "box"]
    for row in rows:
        assert row["episodes"] == EPISODES and row["success_held"] == 0
        assert row["contacts"] == {"worlds": 0}


def test_no_two_episodes_start_alike(task):
    every = every_object(task, EPISODES)
    assert len(set(zip(*every, strict=True))) == 2 * EPISODES
    assert (np.bincount(every.object_id) == EPISODES).all()
    found = evaluate(task, stay, every, seed=0)
    places = found.recorded.qpos[0, :, -7:]
    assert len(np.unique(places, axis=0)) == evaluation.RECORDED
    with pytest.raises(DexjaxError, match="5 episodes: choose 1 to 4"):
        every_object(task, EPISODES + 1)
    with pytest.raises(DexjaxError, match="0 episodes"):
        every_object(task, 0)


def test_drawn_episodes_differ_and_are_all_of_a_small_task(task):
    some = drawn(task, 5, seed=0)
    assert len(set(zip(*some, strict=True))) == 5
    assert set(zip(*drawn(task, 99, seed=0), strict=True)) == set(
        zip(*every_object(task, EPISODES), strict=True)
    )
    other = drawn(task, 5, seed=1)
    assert set(zip(*some, strict=True)) != set(zip(*other, strict=True))


def test_other_episodes_need_no_compilation(task):
    evaluate(task, stay, boxes(EPISODES), seed=0)
    compiled = evaluation._run._cache_size()
    others = Episodes(np.zeros(EPISODES, int), np.arange(EPISODES))
    evaluate(task, stay, others, seed=1)
    assert evaluation._run._cache_size() == compiled


class Scripted:
    """A task that holds from even starts and flies through the goal from start 1."""

    config = SimpleNamespace(starts=8)
    objects = (None,)
    episode_steps = 200

    def reset(self, key, object_id, start):
        return self._state(jnp.zeros(()), start)

    def step(self, state, action):
        return self._state(state.physics.time + 1, state.physics.qpos)

    def _state(self, time, start):
        last = time == self.episode_steps
        held = last & (start % 2 == 0)
        metrics = {"held": held, "reached": held | (last & (start == 1))}
        metrics = {name: m.astype(jnp.float32) for name, m in metrics.items()}
        physics = PhysicsState(start, *[time] * 6)
        return World(physics, jnp.zeros(3), metrics)


def test_what_the_episodes_report_is_counted():
    scripted = Scripted()
    found = evaluate(scripted, lambda obs: obs, every_object(scripted, 6), seed=0)
    np.testing.assert_array_equal(found.held, [1, 0, 1, 0, 1, 0])
    np.testing.assert_array_equal(found.reached, [1, 1, 1, 0, 1, 0])
    assert (found.holding.time == 200 - evaluation.SNAPSHOT).all()
    np.testing.assert_array_equal(found.recorded.time[:, 0], np.arange(200))
    summary = found.summary()
    assert summary["success_held"] == 0.5 and summary["episodes"] == 6
    assert summary["success_reached"] == 4 / 6
    assert summary["ci95"] == wilson(3, 6)


def test_reset_takes_object_and_start(task):
    reset = jax.jit(jax.vmap(task.reset, (0, None, 0)))
    keys = jax.random.split(jax.random.key(0), EPISODES)
    worlds = reset(keys, 1, jnp.arange(EPISODES))
    assert (worlds.physics.object_id == 1).all()
    np.testing.assert_array_equal(worlds.physics.qpos, task._starts.qpos[1])


def test_an_episode_that_breaks_off_counts_for_its_own_object(task, monkeypatch):
    """Its world goes on with another object; that one's episodes are not more."""
    found = evaluate(task, stay, every_object(task, EPISODES), seed=0)
    holding = found.holding._replace(object_id=np.ones_like(found.holding.object_id))
    held = np.arange(2 * EPISODES) % 2 == 0
    changed = dataclasses.replace(found, held=held, holding=holding)
    monkeypatch.setattr(evaluation, "evaluate", lambda *_: changed)
    monkeypatch.setattr(evaluation, "contact_depths", lambda *_: {})
    rows = measure_objects(task, stay, EPISODES, seed=0)
    assert [row["episodes"] for row in rows] == [EPISODES, EPISODES]
    # Objects take turns: every other episode is of the mug, and only those were held.
    assert [row["success_held"] for row in rows] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("mug:12@0.08", "mug:12@0.08"),
        ("mug,can", "2 objects"),
        ("core-mug-8570d9a8d24cb0acbebd3c0c0c70fb03@0.06", "core-mug-8570d9a…03@0.06"),
    ],
)
def test_names_in_the_table_keep_their_scale(experiment, name, column):
    assert experiment("evaluate").shown(name) == column
    assert len(column) <= 24
