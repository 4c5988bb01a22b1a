"""A mixture against its base policies, called one by one in NumPy."""

import jax
import numpy as np
import pytest
from policy_samples import TASK, base_policies, mixture_policy, plain_actor, seen

from dexjax.policies.mixture import BasePolicies
from dexjax.spec import PolicySpec


def softmax(x):
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return x / x.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("normalisation", ["norm", "softmax"])
@pytest.mark.parametrize("residual", [True, False])
def test_it_does_what_its_base_policies_do_together(normalisation, residual):
    policy, obs = mixture_policy(normalisation, residual), seen(40)
    said = plain_actor(policy.hyper, obs)
    assert said.shape == (40, 5 if residual else 3)
    weights = said[:, -3:]
    if normalisation == "softmax":
        shares = softmax(weights)
    else:
        weights = weights + [1, 0, 0]
        shares = weights / np.sqrt((weights**2).sum(1, keepdims=True) + 1e-8)
    expected = said[:, :2].clip(-1, 1) if residual else np.zeros((40, 2))
    for share, base in zip(shares.T, base_policies(), strict=True):
        # What a base policy does, the task would have clipped.
        done = plain_actor(base, obs)
        assert (np.abs(done) > 1).any()
        expected = expected + share[:, None] * done.clip(-1, 1)
    action, carry = jax.jit(policy.act)(obs, policy.init(40))
    assert carry == ()
    np.testing.assert_allclose(action, expected, rtol=1e-4, atol=1e-5)


def test_each_base_policy_can_be_had_again():
    own, obs = base_policies(), seen(30)
    stacked = BasePolicies.of(own)
    together = np.asarray(stacked.actions(obs))
    spec = PolicySpec.of(TASK, ("felt", "place"))
    for i, base in enumerate(own):
        found = stacked.policy(i, spec)
        assert found.spec == spec and found.clip == base.clip
        for one, two in zip(
            jax.tree.leaves((found.params["params"]["layers"], found.scaling)),
            jax.tree.leaves((base.params["params"]["layers"], base.scaling)),
            strict=True,
        ):
            np.testing.assert_array_equal(one, two)
        act = jax.jit(lambda own: own.act(obs, own.init(30))[0])
        action = act(found)
        np.testing.assert_array_equal(action, act(base))
        clipped = np.asarray(action).clip(-1, 1)
        np.testing.assert_allclose(together[:, i], clipped, rtol=1e-5, atol=1e-6)


def test_an_actor_policy_is_its_layers_on_what_it_sees():
    obs = seen(30)
    for base in base_policies(2):
        action, _ = jax.jit(base.act)(obs, ())
        np.testing.assert_allclose(action, plain_actor(base, obs), rtol=1e-4, atol=1e-5)
