"""PPO on problems whose optimum is known, and its choices."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Follow

from dexjax.errors import DexjaxError
from dexjax.learners.ppo import learner as ppo
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import seen_by
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic

SMALL = PpoConfig(
    worlds=64,
    steps=8,
    epochs=4,
    minibatches=4,
    normalise=True,
    learning_rate_range=(1e-5, 3e-3),
    discount=0.9,
)
NETWORKS = Networks(
    MlpActor(("place",), 1, (32, 32)), MlpCritic(("place", "noise"), (32, 32))
)


@pytest.fixture(scope="module")
def learner():
    return ppo.make_ppo(Follow(), NETWORKS, SMALL)


def _trained(learner, seed: int, iterations: int):
    state = learner.init(jax.random.key(seed))
    for _ in range(iterations):
        state, metrics = learner.train(state)
    return state, metrics


def test_it_finds_a_known_optimum_and_its_bootstrapped_value(learner):
    state, metrics = _trained(learner, seed=0, iterations=150)
    place = jnp.linspace(-0.7, 0.7, 15)[:, None]
    policy = learner.policy(state)
    action, carry = policy.act({"place": place}, policy.init(15))
    assert carry == ()
    np.testing.assert_allclose(action, place, atol=0.12)
    # Every step pays 1 - std^2, through time-outs: the value is that of no end at all.
    obs = {"place": place, "noise": jnp.zeros((15, 2))}
    seen = seen_by(NETWORKS, SMALL, state.statistics, obs)
    value = NETWORKS.critic.apply(state.params.critic, seen)
    pay = float(metrics["paid"])
    np.testing.assert_allclose(value.mean(), pay / (1 - SMALL.discount), rtol=0.1)
    # What the task says of itself is what is counted: 64 worlds, of which a tenth ends
    # its episode in each of 8 steps.
    assert float(metrics["episodes"]) == float(metrics["done"])
    assert 25 < float(metrics["done"]) < 80


def test_the_policy_sees_and_scales_what_its_actor_does(learner):
    state, _ = _trained(learner, seed=0, iterations=3)
    policy = learner.policy(state)
    assert [own.name for own in policy.spec.observations] == ["place"]
    assert policy.spec.misfits(Follow().spec) == []
    assert set(policy.scaling.mean) == {"place"}
    assert set(state.statistics.mean) == {"place", "noise"}
    # The spread of a uniform draw from [-0.8, 0.8].
    expected = 1.6 / np.sqrt(12)
    np.testing.assert_allclose(policy.scaling.std["place"], expected, rtol=0.05)


def test_same_seed_same_result_and_another_seed_another(learner):
    first, again, other = (_trained(learner, seed, 3)[0] for seed in (0, 0, 1))
    for a, b in zip(
        jax.tree.leaves((first.params, first.statistics)),
        jax.tree.leaves((again.params, again.statistics)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    for one, two in zip(
        *(jax.tree.leaves(s.params) for s in (first, other)), strict=True
    ):
        assert not np.array_equal(one, two)


@pytest.fixture(scope="module")
def careful():
    """A learner whose critic learns first, of observations that are not normalised."""
    config = dataclasses.replace(
        SMALL, critic_first=2, normalise=False, observation_clip=0.3
    )
    return ppo.make_ppo(Follow(), NETWORKS, config)


def test_without_normalisation_the_statistics_change_nothing(careful):
    state, _ = _trained(careful, seed=0, iterations=1)
    policy = careful.policy(state)
    assert float(policy.scaling.mean["place"][0]) == 0.0
    assert float(policy.scaling.std["place"][0]) == 1.0
    places = jnp.array([[0.8], [0.3], [0.2]])
    far, edge, near = policy.act({"place": places}, ())[0]
    assert far == edge != near


def test_the_critic_may_learn_alone_at_first(careful):
    learner = careful
    state = learner.init(jax.random.key(0))
    seen = [jax.device_get(state.params)]
    rates = []
    for _ in range(3):
        state, measured = learner.train(state)
        seen.append(jax.device_get(state.params))
        rates.append(float(measured["learning_rate"]))
    for before, alike in ((0, True), (1, True), (2, False)):
        leaves = (jax.tree.leaves(seen[i].actor) for i in (before, before + 1))
        for one, two in zip(*leaves, strict=True):
            assert np.array_equal(one, two) == alike
    for one, two in itertools.pairwise(seen):
        leaves = zip(*map(jax.tree.leaves, (one.critic, two.critic)), strict=True)
        assert not any(np.array_equal(a, b) for a, b in leaves)
    # Nothing to adapt the rate to as long as the policy stays.
    assert rates[0] == rates[1] == pytest.approx(SMALL.learning_rate)


def test_the_critic_may_have_a_rate_of_its_own():
    # One update: Adam's first moves every parameter by about its rate.
    one = dataclasses.replace(
        SMALL, epochs=1, minibatches=1, desired_kl=0.0, critic_learning_rate=0.1
    )
    learner = ppo.make_ppo(Follow(), NETWORKS, one)
    state = learner.init(jax.random.key(0))
    before = jax.device_get(state.params)
    after = jax.device_get(learner.train(state)[0].params)

    def largest(role):
        pairs = zip(
            *(jax.tree.leaves(getattr(params, role)) for params in (before, after)),
            strict=True,
        )
        return max(np.abs(a - b).max() for a, b in pairs)

    assert largest("actor") == pytest.approx(SMALL.learning_rate, rel=0.05)
    assert largest("critic") == pytest.approx(0.1, rel=0.05)


def test_uneven_minibatches_are_refused():
    with pytest.raises(DexjaxError, match="minibatches is 7, must divide.* = 512"):
        ppo.make_ppo(Follow(), NETWORKS, dataclasses.replace(SMALL, minibatches=7))


@pytest.mark.parametrize("role", ["actor", "critic"])
def test_a_network_that_sees_what_is_not_there_is_refused(role):
    blind = NETWORKS._asdict()[role].clone(sees=("place", "colour"))
    line = f"the {role} sees 'colour', the task observes place, noise"
    with pytest.raises(DexjaxError, match=line):
        ppo.make_ppo(Follow(), NETWORKS._replace(**{role: blind}), SMALL)
