"""Statistics of observations."""

import jax.numpy as jnp
import numpy as np
from brax.training.acme import running_statistics

from dexjax.learners.learner import no_statistics, normalise, scale


def test_observations_are_normalised_as_numpy_does_it():
    obs = np.random.default_rng(0).normal(3.0, 0.02, (500, 4)).astype(np.float32)
    statistics = running_statistics.update(no_statistics(4), jnp.asarray(obs))
    expected = (obs - obs.mean(0)) / obs.std(0)
    np.testing.assert_allclose(normalise(obs, statistics), expected, atol=1e-2)


def test_what_never_varied_keeps_its_scale():
    """A policy of one object has seen one code: another's is as near as it is."""
    obs = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    obs[:, 1] = 0.123
    statistics = no_statistics(3)
    for batch in np.split(obs, 10):
        statistics = running_statistics.update(statistics, jnp.asarray(batch))
    assert scale(statistics)[1] == 1.0
    np.testing.assert_allclose(scale(statistics)[::2], obs[:, ::2].std(0), rtol=1e-3)
    other = normalise(obs + 0.05, statistics)
    np.testing.assert_allclose(other[:, 1], 0.05, atol=1e-6)
