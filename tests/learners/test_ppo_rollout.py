"""What PPO learns from, against asking the critic everywhere and a loop in NumPy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Follow

from dexjax.learners.ppo import learner as ppo
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import make_batch, roll_out
from dexjax.learners.worlds import batched
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic

CONFIG = PpoConfig(worlds=48, steps=12, minibatches=4, discount=0.9, reward_scale=0.5)
NETWORKS = Networks(MlpActor(("place",), 1, (8,)), MlpCritic(("place", "noise"), (8,)))


# Clocks of the worlds, by how many of them come to 40 in the 12 steps: none, one or two
# in every step, a third in one step each, all at once. More than a sixteenth are many.
CLOCKS = {
    "none": np.zeros(48),
    "few": np.arange(48) % 40,
    "many": 30 + np.arange(48) % 3,
    "all": np.full(48, 33),
}


@functools.cache
def programs(limit):
    """A training's state; functions of it: an iteration, and the same once more.

    The second takes the same actions and says what `advance` observed.
    """
    task = Follow(40, limit)

    @jax.jit
    def collect(state):
        after, _, trajectory, _ = roll_out(
            batched(task), NETWORKS, CONFIG, state, jax.random.key(4)
        )
        batch = make_batch(NETWORKS, CONFIG, state, trajectory, after.obs)
        return after.obs, trajectory, batch

    def again(worlds, action):
        last = jax.vmap(task.advance)(worlds, action)
        following = jax.vmap(task.restart)(last)
        kept = jax.tree.map(
            lambda a, b: jax.vmap(jnp.where)(last.done, a, b), following, last
        )
        return kept, (last.obs, last.terminated, last.truncated)

    state = ppo.make_ppo(task, NETWORKS, CONFIG).init(jax.random.key(3))
    repeat = jax.jit(lambda worlds, action: jax.lax.scan(again, worlds, action))
    return state, collect, repeat


def collected(clocks, limit):
    """State, trajectory and batch of an iteration; what followed every step."""
    state, collect, repeat = programs(limit)
    step = jnp.asarray(CLOCKS[clocks], jnp.int32)
    state = state.replace(worlds=state.worlds.replace(step=step))
    last_obs, trajectory, batch = collect(state)
    end, followed = repeat(state.worlds, trajectory.action)
    for one, two in zip(*map(jax.tree.leaves, (end.obs, last_obs)), strict=True):
        np.testing.assert_array_equal(one, two)
    return state, trajectory, batch, jax.device_get(followed)


def critic(state, obs, clip):
    """Dense layers in NumPy, (…); the statistics are those of a start."""
    x = np.concatenate([obs["place"], obs["noise"]], axis=-1).clip(-clip, clip)
    layers = jax.device_get(state.params.critic["params"]["layers"])
    x = x @ layers["Dense_0"]["kernel"] + layers["Dense_0"]["bias"]
    x = np.where(x > 0, x, np.expm1(x))
    return (x @ layers["Dense_1"]["kernel"] + layers["Dense_1"]["bias"])[..., 0]


@pytest.mark.parametrize("clocks", CLOCKS)
@pytest.mark.parametrize("limit", [np.inf, 0.9])
def test_advantages_are_those_of_asking_everywhere(clocks, limit):
    state, trajectory, batch, followed = collected(clocks, limit)
    obs, terminated, truncated = followed
    assert terminated.any() == (limit < np.inf)
    assert truncated.any() == (clocks != "none")
    assert not (terminated & truncated).any()
    value = critic(state, jax.device_get(trajectory.obs), CONFIG.observation_clip)
    np.testing.assert_allclose(trajectory.value, value, atol=1e-5)
    following = critic(state, obs, CONFIG.observation_clip)
    reward, done = np.asarray(trajectory.reward), terminated | truncated
    np.testing.assert_array_equal(trajectory.done, done)
    places = np.asarray(trajectory.obs["place"])
    paid = 1 - (np.asarray(trajectory.action) - places)[..., 0] ** 2
    np.testing.assert_allclose(reward, 0.5 * paid, rtol=1e-5, atol=1e-6)
    expected = np.zeros_like(reward)
    for world in range(CONFIG.worlds):
        advantage = 0.0
        for t in reversed(range(CONFIG.steps)):
            future = 0.0 if terminated[t, world] else following[t, world]
            delta = reward[t, world] + 0.9 * future - value[t, world]
            carried = 0.0 if done[t, world] else advantage
            advantage = delta + 0.9 * CONFIG.gae_lambda * carried
            expected[t, world] = advantage
    target = np.asarray(batch.target).reshape(expected.shape)
    np.testing.assert_allclose(target, expected + value, atol=2e-5)
    normal = (expected - expected.mean()) / expected.std()
    got = np.asarray(batch.advantage).reshape(expected.shape)
    np.testing.assert_allclose(got, normal, atol=1e-4)


@pytest.mark.parametrize("clocks", CLOCKS)
@pytest.mark.parametrize("limit", [np.inf, 0.9])
def test_final_values_are_of_the_last_observation_of_an_episode(clocks, limit):
    state, trajectory, _, (obs, _, truncated) = collected(clocks, limit)
    everywhere = critic(state, obs, CONFIG.observation_clip)
    got = np.asarray(trajectory.final_value)
    np.testing.assert_allclose(got[truncated], everywhere[truncated], atol=1e-5)
    # Nobody asks for the others.
    assert not got[~truncated].any()


def test_only_what_is_seen_is_kept_and_once():
    blind = NETWORKS._replace(critic=MlpCritic(("place",), (8,)))
    task = Follow()
    config = dataclasses.replace(CONFIG, steps=2)
    state = ppo.make_ppo(task, blind, config).init(jax.random.key(0))
    trajectory = jax.eval_shape(
        lambda: roll_out(batched(task), blind, config, state, jax.random.key(1))
    )[2]
    assert set(trajectory.obs) == {"place"}
    shapes = [x.shape for x in jax.tree.leaves(trajectory)]
    assert all(shape[:2] == (2, CONFIG.worlds) for shape in shapes)
    # Observations, actions, means and deviations are vectors of one here.
    assert sorted(shapes) == [(2, 48)] * 6 + [(2, 48, 1)] * 4
