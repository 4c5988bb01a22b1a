"""A policy of vision."""

import jax
import numpy as np
import pytest
from policy_samples import seen, student_policy


@pytest.mark.parametrize("points", [1, 9, 30])
def test_it_acts_on_scaled_vectors_and_points_as_they_are(points):
    policy, obs = student_policy(), seen(20)
    obs["cloud"] = np.random.default_rng(1).normal(0, 2, (20, points, 3))
    prepared = {"cloud": obs["cloud"]}
    for name in ("felt", "place"):
        mean, std = (np.asarray(x[name]) for x in policy.scaling)
        prepared[name] = ((obs[name] - mean) / std).clip(-2, 2)
    expected = jax.jit(policy.network.apply)(policy.params, prepared)
    action, carry = jax.jit(policy.act)(obs, policy.init(20))
    assert action.shape == (20, 2) and carry == ()
    np.testing.assert_allclose(action, expected, rtol=1e-4, atol=1e-5)


def test_what_is_not_its_own_it_does_not_see():
    policy, obs = student_policy(), seen(5)
    act = jax.jit(policy.act)
    action, _ = act(obs, ())
    without = {name: x for name, x in obs.items() if name != "code"}
    np.testing.assert_array_equal(act(without, ())[0], action)
