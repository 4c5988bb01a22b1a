"""PPO against NumPy, and on problems whose optimum is known."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.learners import ppo
from dexjax.networks.actor_critic import ActorCritic
from dexjax.tasks.task import TaskState

SMALL = ppo.PpoConfig(
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


def test_gae_equals_a_loop_over_episodes():
    rng = np.random.default_rng(0)
    shape = (12, 5)
    reward, value, following = rng.normal(size=(3, *shape)).astype(np.float32)
    terminated = rng.random(shape) < 0.2
    done = terminated | (rng.random(shape) < 0.2)
    discount, lam = 0.96, 0.95
    expected = np.zeros(shape)
    for world in range(shape[1]):
        advantage = 0.0
        for t in reversed(range(shape[0])):
            future = 0.0 if terminated[t, world] else following[t, world]
            delta = reward[t, world] + discount * future - value[t, world]
            carried = 0.0 if done[t, world] else advantage
            advantage = delta + discount * lam * carried
            expected[t, world] = advantage
    got = ppo.gae(reward, value, following, terminated, done, discount, lam)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("value_clip", [False, True])
def test_loss_equals_numpy(value_clip):
    config = dataclasses.replace(SMALL, value_clip=value_clip, bound_scale=0.1)
    network = ActorCritic(3, (8,), 0.5)
    keys = jax.random.split(jax.random.key(1), 8)
    obs = jax.random.normal(keys[0], (20, 4))
    params = network.init(keys[1], obs)
    params["params"]["log_std"] = jnp.array([-0.3, -0.9, 0.2])
    params["params"]["actor"]["Dense_1"]["bias"] = jnp.array([1.5, -0.2, 0.1])
    policy, value = network.apply(params, obs)
    batch = ppo.Batch(
        obs=obs,
        action=policy.sample(seed=keys[2]),
        log_prob=jax.random.normal(keys[3], (20,)) * 0.3 - 2.0,
        mean=policy.mean() + 0.1 * jax.random.normal(keys[4], (20, 3)),
        std=jnp.full((20, 3), 0.6),
        value=value + 0.5 * jax.random.normal(keys[5], (20,)),
        advantage=jax.random.normal(keys[6], (20,)),
        target=jax.random.normal(keys[7], (20,)),
    )
    loss, parts = ppo.ppo_loss(params, network, config, batch)

    b = jax.tree.map(lambda x: np.asarray(x, np.float64), batch)
    mean, std = np.asarray(policy.mean(), float), np.exp([-0.3, -0.9, 0.2])
    log_prob = -0.5 * (((b.action - mean) / std) ** 2 + np.log(2 * np.pi)) - np.log(std)
    ratio = np.exp(log_prob.sum(-1) - b.log_prob)
    clipped = np.clip(ratio, 0.8, 1.2)
    surrogate = -np.minimum(ratio * b.advantage, clipped * b.advantage).mean()
    new_value = np.asarray(value, float)
    error = (new_value - b.target) ** 2
    if value_clip:
        limited = b.value + np.clip(new_value - b.value, -0.2, 0.2)
        error = np.maximum(error, (limited - b.target) ** 2)
    bound = (np.maximum(np.abs(mean) - 1.1, 0) ** 2).sum(-1).mean()
    kl = np.log(std / b.std) + (b.std**2 + (b.mean - mean) ** 2) / (2 * std**2) - 0.5
    assert bound > 0
    np.testing.assert_allclose(parts["surrogate"], surrogate, rtol=1e-4)
    np.testing.assert_allclose(parts["value"], error.mean(), rtol=1e-4)
    np.testing.assert_allclose(parts["kl"], kl.sum(-1).mean(), rtol=1e-4)
    np.testing.assert_allclose(
        parts["clip_share"], (np.abs(ratio - 1) > 0.2).mean(), rtol=1e-6
    )
    total = surrogate + 2.0 * error.mean() + 0.1 * bound
    np.testing.assert_allclose(loss, total, rtol=1e-4)


@pytest.mark.parametrize(
    ("kl", "expected"), [(0.04, 2e-4), (0.016, 3e-4), (0.004, 4.5e-4)]
)
def test_learning_rate_follows_the_kl(kl, expected):
    rate = ppo.adapt_learning_rate(jnp.array(3e-4), kl, 0.016, (1e-5, 1e-2))
    np.testing.assert_allclose(rate, expected, rtol=1e-5)


def test_learning_rate_stays_in_its_range():
    assert ppo.adapt_learning_rate(1e-5, 1.0, 0.016, (1e-5, 1e-2)) == jnp.float32(1e-5)
    assert ppo.adapt_learning_rate(3e-4, 1.0, 0.0, (1e-5, 1e-2)) == 3e-4


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


def test_uneven_minibatches_are_refused():
    with pytest.raises(DexjaxError, match="64 worlds x 8 steps.*7 minibatches"):
        ppo.make_ppo(FollowTask(), dataclasses.replace(SMALL, minibatches=7))
