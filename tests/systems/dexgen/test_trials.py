"""Trials count what happens, and disturbances are what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.systems.dexgen.trials import (
    DISTURBANCES,
    Acting,
    Counts,
    disturbed,
    make_recording,
    make_trial,
    rates,
    simple,
)
from dexjax.tasks.inhand import InhandConfig, InhandTask


@pytest.fixture(scope="module")
def task(palm_engine, grasp_sets):
    return InhandTask(palm_engine, InhandConfig(turn_every=0), grasp_sets)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_actions_are_disturbed_as_the_name_says(name):
    actions = jnp.full((400, 16), 0.5)
    found = np.asarray(disturbed(jax.random.key(0), actions, DISTURBANCES[name]))
    low, high, added = DISTURBANCES[name]
    assert found.min() >= max(0.5 * low - added, -1) - 1e-6
    assert found.max() <= min(0.5 * high + added, 1) + 1e-6
    if added <= 0.75:
        mean = np.clip(0.5 * (low + high) / 2, -1, 1)
        assert found.mean() == pytest.approx(mean, abs=0.03 + 0.13 * (added > 0))


def test_rates_are_counts_by_time():
    one, none = np.ones(4), np.zeros(4)
    found = rates(Counts(6 * one, one, 3 * one, 2 * one, one), steps=600)
    assert found["goals_per_min"] == 6 and found["drops_per_min"] == 1
    assert found["hold_s"] == 60 and found["first_goal"] == 0.5
    assert found["success"] == 0.6
    # All worlds are alike.
    assert found["goals_per_min_ci95"] == [6, 6]
    assert found["trials"] == 8
    held = rates(Counts(none, none, none, none, none), steps=600)
    assert held["hold_s"] == 240 and held["success"] == 0


def test_the_interval_is_that_of_scipy():
    from scipy.stats import bootstrap

    goals = np.random.default_rng(0).poisson(5, 200).astype(float)
    zero = np.zeros(200)
    found = rates(Counts(goals, zero, zero, zero, zero), steps=600)
    expected = bootstrap((goals,), np.mean, rng=0).confidence_interval
    np.testing.assert_allclose(found["goals_per_min_ci95"], expected, rtol=0.03)


def test_setting_the_targets_reaches_what_doing_nothing_does_not(task):
    found = {}
    for kind in ("nothing", "replay"):
        trial = make_trial(Acting(task, simple(kind, task), worlds=32, steps=60))
        found[kind] = trial(jax.random.key(0), DISTURBANCES["none"], 0.0, 0)
    assert found["nothing"].goals.sum() == 0 and found["nothing"].drops.sum() <= 1
    assert found["replay"].goals.sum() >= 16
    assert (found["replay"].first_goals <= found["replay"].firsts).all()
    assert found["replay"].first_goals.sum() >= 8


def test_who_goes_straight_arrives_with_all_joints_at_once(task):
    obs = {"goal": jnp.zeros((2, 62)).at[:, 22:38].set(jnp.linspace(-0.4, 0.2, 16))}
    obs["goal"] = obs["goal"].at[1].multiply(0.1)
    action, _ = simple("straight", task).act(obs, ())
    way = np.asarray(obs["goal"][:, 22:38])
    np.testing.assert_allclose(0.2 * action[0], way[0] / 4, atol=1e-6)
    np.testing.assert_allclose(0.2 * action[1], way[1], atol=1e-6)
    replayed, _ = simple("replay", task).act(obs, ())
    np.testing.assert_allclose(replayed, np.clip(way / 0.2, -1, 1), atol=1e-6)


def test_a_recording_is_of_what_a_trial_counts(task):
    acting = Acting(task, simple("random", task), worlds=8, steps=50)
    asked = (jax.random.key(3), DISTURBANCES["none"], 0.0, 0)
    counts, recorded = make_trial(acting)(*asked), make_recording(acting)(*asked)
    assert counts.drops.sum() > 0
    np.testing.assert_array_equal(recorded.dropped.sum(axis=0), counts.drops)
    # After a drop the object is in the hand again.
    place = task.sight._place
    away = np.linalg.norm(np.diff(recorded.physics.qpos[..., place], axis=0), axis=-1)
    assert away[recorded.dropped[:-1]].min() > away[~recorded.dropped[:-1]].mean()
