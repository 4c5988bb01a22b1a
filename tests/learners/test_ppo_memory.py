"""PPO of an actor with a memory, on a task that cannot be done without one."""

import dataclasses
from collections.abc import Sequence

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Recall

from dexjax.errors import DexjaxError
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import make_batch, roll_out
from dexjax.learners.unroll import forget, has_memory, unroll
from dexjax.learners.worlds import batched
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic

SEES = ("cue", "late")
CONFIG = PpoConfig(
    worlds=64,
    steps=8,
    epochs=4,
    minibatches=4,
    discount=0.95,
    learning_rate=5e-3,
    desired_kl=0.0,
)


class Rememberer(nn.Module):
    """An actor with a gated recurrent unit; its carry is a pytree of two arrays.

    The second counts the steps of the episode.
    """

    sees: Sequence[str] = SEES

    @nn.compact
    def __call__(self, obs, carry):
        hidden, steps = carry
        seen = jnp.concatenate([obs[name] for name in self.sees], axis=-1)
        hidden, said = nn.GRUCell(12)(hidden, seen)
        mean = nn.Dense(1)(said)
        std = jnp.broadcast_to(0.4, mean.shape)
        return distrax.MultivariateNormalDiag(mean, std), (hidden, steps + 1)

    def initial_carry(self, batch):
        return jnp.zeros((batch, 12)), jnp.zeros(batch, jnp.int32)


CRITIC = MlpCritic(SEES, (16,))
REMEMBERING = Networks(Rememberer(), CRITIC)
MEMORYLESS = Networks(MlpActor(SEES, 1, (16,), 0.4), CRITIC)


def trained(networks, iterations):
    """Mean reward of the last ten of so many iterations, of at most 1; the policy.

    An episode of four steps is paid in its last.
    """
    learner = make_ppo(Recall(4), networks, CONFIG)
    state, paid = learner.init(jax.random.key(0)), []
    for _ in range(iterations):
        state, measured = learner.train(state)
        paid.append(4 * float(measured["paid"]))
    return np.mean(paid[-10:]), learner.policy(state)


def test_what_was_seen_earlier_is_remembered():
    paid, policy = trained(REMEMBERING, 60)
    assert paid > 0.7
    # Step by step, through two episodes, as an evaluation acts.
    task, carry = Recall(4), policy.init(50)
    worlds = jax.vmap(task.reset)(jax.random.split(jax.random.key(5), 50))
    for step in range(8):
        action, carry = policy.act(worlds.obs, carry)
        if step % 4 == 3:
            cue = worlds.physics
            assert (np.sign(action) == cue).mean() > 0.95
        worlds = jax.vmap(task.step)(worlds, action)
        carry = forget(policy.network, carry, worlds.done)
        assert carry[1].tolist() == [(step + 1) % 4] * 50


def test_without_a_memory_nothing_is_paid():
    """Neither way is better than the other: 0, but for what 640 episodes scatter."""
    paid, _ = trained(MEMORYLESS, 60)
    assert abs(paid) < 0.3


@pytest.fixture(scope="module")
def rolled():
    """A training's state in the middle of episodes, and what happens next."""
    task, config = Recall(5), dataclasses.replace(CONFIG, worlds=12, steps=16)
    learner = make_ppo(task, REMEMBERING, config)
    state, _ = learner.train(learner.init(jax.random.key(1)))
    after, carry, trajectory, _ = jax.jit(roll_out, static_argnums=(0, 1, 2))(
        batched(task), REMEMBERING, config, state, jax.random.key(2)
    )
    batch = make_batch(REMEMBERING, config, state, trajectory, after.obs)
    return state, carry, trajectory, batch


def test_a_rollout_acts_as_one_does_step_by_step(rolled):
    """Each world alone, in a plain loop that begins a new memory where it must."""
    state, carry, trajectory, _ = rolled
    actor, params = REMEMBERING.actor, state.params.actor
    act = jax.jit(actor.apply)
    done = np.asarray(trajectory.done)
    assert done.any(axis=0).all() and len({tuple(row) for row in done.T}) > 2
    for world in (0, 5, 11):
        now = jax.tree.map(lambda x, w=world: x[w : w + 1], state.carry)
        # The memory of what happened before this iteration, not an empty one.
        assert np.abs(now[0]).max() > 0 or int(now[1][0]) == 0
        for t in range(16):
            seen = {n: x[t, world][None] for n, x in trajectory.obs.items()}
            said, now = act(params, seen, now)
            np.testing.assert_allclose(
                said.mean()[0], trajectory.mean[t, world], atol=1e-6
            )
            if done[t, world]:
                now = actor.initial_carry(1)
        np.testing.assert_allclose(carry[0][world], now[0][0], atol=1e-6)
        assert int(carry[1][world]) == int(now[1][0])


def test_learning_sees_what_acting_said(rolled):
    state, _, trajectory, batch = rolled
    said = unroll(
        REMEMBERING.actor, state.params.actor, batch.obs, batch.carry, batch.done
    )
    np.testing.assert_allclose(said.mean(), trajectory.mean, atol=1e-6)
    np.testing.assert_allclose(
        said.log_prob(batch.action), trajectory.log_prob, atol=1e-5
    )
    # It would not, had the memory gone on through the ends of episodes.
    on = jnp.zeros_like(batch.done)
    other = unroll(REMEMBERING.actor, state.params.actor, batch.obs, batch.carry, on)
    assert np.abs(other.mean() - trajectory.mean).max() > 1e-3
    # Nor had it begun empty.
    blank = REMEMBERING.actor.initial_carry(12)
    other = unroll(REMEMBERING.actor, state.params.actor, batch.obs, blank, batch.done)
    assert np.abs(other.mean() - trajectory.mean).max() > 1e-3


def test_a_column_is_a_world_where_there_is_a_memory(rolled):
    assert has_memory(REMEMBERING.actor) and not has_memory(MEMORYLESS.actor)
    assert rolled[3].done.shape == (16, 12)


def test_minibatches_that_would_split_a_world_are_refused():
    config = dataclasses.replace(CONFIG, worlds=6, steps=8, minibatches=4)
    make_ppo(Recall(), MEMORYLESS, config)
    line = "minibatches is 4, must divide ppo.worlds = 6 for an actor with a memory"
    with pytest.raises(DexjaxError, match=line):
        make_ppo(Recall(), REMEMBERING, config)
