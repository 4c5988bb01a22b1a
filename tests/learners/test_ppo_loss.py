"""The parts of PPO's loss against NumPy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.loss import (
    Batch,
    Networks,
    Params,
    adapt_learning_rate,
    gae,
    ppo_loss,
)
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic


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
    got = gae(reward, value, following, terminated, done, discount, lam)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("value_clip", [False, True])
def test_loss_equals_numpy(value_clip):
    config = dataclasses.replace(PpoConfig(), value_clip=value_clip, bound_scale=0.1)
    networks = Networks(MlpActor(("all",), 3, (8,)), MlpCritic(("all",), (8,)))
    keys = jax.random.split(jax.random.key(1), 8)
    # Five columns of four steps.
    obs = {"all": jax.random.normal(keys[0], (4, 5, 4))}
    actor = networks.actor.init(keys[1], obs)
    actor["params"]["log_std"] = jnp.array([-0.3, -0.9, 0.2])
    actor["params"]["layers"]["Dense_1"]["bias"] = jnp.array([1.5, -0.2, 0.1])
    params = Params(actor, networks.critic.init(keys[1], obs))
    policy, _ = networks.actor.apply(actor, obs)
    value = networks.critic.apply(params.critic, obs)
    batch = Batch(
        obs=obs,
        carry=(),
        done=jnp.zeros((4, 5), bool),
        action=policy.sample(seed=keys[2]),
        log_prob=jax.random.normal(keys[3], (4, 5)) * 0.3 - 2.0,
        mean=policy.mean() + 0.1 * jax.random.normal(keys[4], (4, 5, 3)),
        std=jnp.full((4, 5, 3), 0.6),
        value=value + 0.5 * jax.random.normal(keys[5], (4, 5)),
        advantage=jax.random.normal(keys[6], (4, 5)),
        target=jax.random.normal(keys[7], (4, 5)),
    )
    loss, parts = ppo_loss(params, networks, config, batch)

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
    rate = adapt_learning_rate(jnp.array(3e-4), kl, 0.016, (1e-5, 1e-2))
    np.testing.assert_allclose(rate, expected, rtol=1e-5)


def test_learning_rate_stays_in_its_range():
    assert adapt_learning_rate(1e-5, 1.0, 0.016, (1e-5, 1e-2)) == jnp.float32(1e-5)
    assert adapt_learning_rate(3e-4, 1.0, 0.0, (1e-5, 1e-2)) == 3e-4
