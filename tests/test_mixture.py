"""The task that a hyper-policy acts in."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.learners.mixture import MixtureTask


class Recorded(NamedTuple):
    obs: jax.Array
    action: jax.Array


class Recorder:
    """A task that keeps the action of its last step."""

    observation_size = 3
    action_size = 2
    episode_steps = 7

    def reset(self, key):
        return Recorded(jax.random.normal(key, (3,)), jnp.zeros(2))

    def step(self, state, action):
        return Recorded(state.obs, action)


def bases(obs):
    return jnp.stack([obs[:2], -obs[:2], jnp.ones(2)])


def test_actions_of_the_mixture():
    task = MixtureTask(Recorder(), bases)
    assert (task.action_size, task.experts) == (5, 3)
    assert (task.observation_size, task.episode_steps) == (3, 7)
    keys = jax.random.split(jax.random.key(0), 4)
    state = jax.vmap(task.reset)(keys)
    # Weights are counted from the first base policy.
    actions = jnp.array([[0.1, -3.0, -1.0, 4.0, 3.0]] * 4)
    done = jax.jit(jax.vmap(task.step))(state, actions).action
    # The residual is clipped, the weights are made a unit vector.
    expected = np.array([0.1, -1.0]) - 0.8 * np.asarray(state.obs)[:, :2] + 0.6
    np.testing.assert_allclose(done, expected, rtol=1e-5)


def test_nothing_said_means_the_first_base_policy():
    task = MixtureTask(Recorder(), bases)
    obs = jnp.array([0.3, 0.6, 0.0])
    np.testing.assert_allclose(task.act(obs, jnp.zeros(5)), obs[:2], rtol=1e-6)


def test_without_a_residual_there_are_weights_alone():
    task = MixtureTask(Recorder(), bases, residual=False)
    assert task.action_size == 3
    obs = jnp.array([0.3, 0.6, 0.0])
    action = task.act(obs, jnp.array([-1.0, 0.0, 2.0]))
    np.testing.assert_allclose(action, [1.0, 1.0], rtol=1e-6)


def test_softmax_shares():
    task = MixtureTask(Recorder(), bases, "softmax")
    obs = jnp.array([0.3, 0.6, 0.0])
    action = task.act(obs, jnp.array([0.0, 0.0, 50.0, 0.0, 0.0]))
    np.testing.assert_allclose(action, obs[:2], atol=1e-6)


def test_an_unknown_normalisation_is_refused():
    with pytest.raises(DexjaxError, match="'max': choose from norm, softmax"):
        MixtureTask(Recorder(), bases, "max")
