"""PPO against NumPy, and on problems whose optimum is known."""

import dataclasses
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.learners import ppo
from dexjax.learners.ppo_config import PpoConfig
from dexjax.networks.actor_critic import ActorCritic
from dexjax.tasks.task import TaskState

SMALL = PpoConfig(
    worlds=64,
    steps=8,
    epochs=4,
    minibatches=4,
    widths=(32, 32),
    normalise=True,
    learning_rate_range=(1e-5, 3e-3),
    discount=0.9,
)


class Clock(NamedTuple):
    key: jax.Array
    step: jax.Array


class FollowTask:
    """Reward 1 - (action - observation)^2; the best action is the observation."""

    observation_size = 1
    action_size = 1
    episode_steps = 10

    def reset(self, key):
        key, draw = jax.random.split(key)
        return self._state(Clock(key, jnp.zeros((), jnp.int32)), draw, jnp.zeros(()))

    def step(self, state, action):
        key, draw = jax.random.split(state.memory.key)
        reward = 1.0 - jnp.square(action - state.obs).sum()
        step = state.memory.step + 1
        ended = step >= self.episode_steps
        clock = Clock(key, jnp.where(ended, 0, step))
        return self._state(clock, draw, reward, ended)

    def _state(self, clock, draw, reward, ended=False):
        obs = jax.random.uniform(draw, (1,), minval=-0.8, maxval=0.8)
        no, zero = jnp.zeros((), bool), jnp.zeros(())
        names = ("held", "reached", "return", "episodes", "broken")
        return TaskState(
            physics=None,
            obs=obs,
            final_obs=obs,
            reward=reward,
            terminated=no,
            truncated=no | ended,
            metrics=dict.fromkeys(names, zero) | {"reward/total": reward},
            memory=clock,
        )


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5])
def test_next_values_equal_asking_the_critic_everywhere(share):
    rng = np.random.default_rng(0)
    steps, worlds = 9, 20
    obs = rng.normal(size=(steps + 1, worlds, 3)).astype(np.float32)
    done = rng.random((steps, worlds)) < share
    done.flat[0] |= share > 0
    ended = rng.normal(size=(steps, worlds, 3)).astype(np.float32)
    final_obs = np.where(done[..., None], ended, obs[1:])
    fields = dict.fromkeys(ppo.Transition._fields)
    fields |= {"value": obs[:-1].sum(-1), "final_obs": final_obs, "done": done}
    trajectory = ppo.Transition(**jax.tree.map(jnp.asarray, fields))
    got = jax.jit(ppo._next_values, static_argnums=0)(lambda x: x.sum(-1), trajectory)
    np.testing.assert_allclose(got, final_obs.sum(-1), rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def learner():
    return ppo.make_ppo(FollowTask(), SMALL)


def _trained(learner, seed: int, iterations: int):
    state = learner.init(jax.random.key(seed))
    for _ in range(iterations):
        state, metrics = learner.train(state)
    return state, metrics


def test_it_finds_a_known_optimum_and_its_bootstrapped_value(learner):
    state, metrics = _trained(learner, seed=0, iterations=150)
    obs = jnp.linspace(-0.7, 0.7, 15)[:, None]
    action = learner.act(state.policy, obs)
    np.testing.assert_allclose(action, obs, atol=0.12)
    # Every step pays 1 - std^2, through time-outs: the value is that of no end at all.
    pay = float(metrics["reward/total"])
    network = ActorCritic(1, SMALL.widths, SMALL.initial_std)
    prepared = ppo._prepare(SMALL, state.policy, obs)
    value = network.apply(state.policy.params, prepared, method="value")
    np.testing.assert_allclose(value.mean(), pay / (1 - SMALL.discount), rtol=0.1)


def test_same_seed_same_result_and_another_seed_another(learner):
    first, again, other = (_trained(learner, seed, 3)[0] for seed in (0, 0, 1))
    for a, b in zip(
        jax.tree.leaves(first.policy), jax.tree.leaves(again.policy), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    kernel = lambda s: s.policy.params["params"]["actor"]["Dense_0"]["kernel"]  # noqa: E731
    assert not np.array_equal(kernel(first), kernel(other))


def test_the_critic_may_learn_alone_at_first():
    config = dataclasses.replace(SMALL, critic_first=2)
    learner = ppo.make_ppo(FollowTask(), config)
    state = learner.init(jax.random.key(0))
    seen = [jax.device_get(state.policy.params["params"])]
    rates = []
    for _ in range(3):
        state, measured = learner.train(state)
        seen.append(jax.device_get(state.policy.params["params"]))
        rates.append(float(measured["learning_rate"]))
    for part in ("actor", "log_std"):
        for before, alike in ((0, True), (1, True), (2, False)):
            one, two = (jax.tree.leaves(seen[i][part]) for i in (before, before + 1))
            same = all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
            assert same == alike
    for one, two in itertools.pairwise(seen):
        leaves = zip(*map(jax.tree.leaves, (one["critic"], two["critic"])), strict=True)
        assert not any(np.array_equal(a, b) for a, b in leaves)
    # Nothing to adapt the rate to as long as the policy stays.
    assert rates[0] == rates[1] == pytest.approx(config.learning_rate)


def test_uneven_minibatches_are_refused():
    with pytest.raises(DexjaxError, match="64 worlds x 8 steps.*7 minibatches"):
        ppo.make_ppo(FollowTask(), dataclasses.replace(SMALL, minibatches=7))
