"""Statistics of observations, and what networks see of them."""

import jax.numpy as jnp
import numpy as np

from dexjax.networks.scaling import (
    Scaling,
    no_statistics,
    scaled,
    scaling_of,
    updated,
)


def test_observations_are_scaled_as_numpy_does_it():
    rng = np.random.default_rng(0)
    obs = {
        "one": rng.normal(3.0, 0.02, (50, 10, 4)).astype(np.float32),
        "two": rng.normal(-1.0, 5.0, (50, 10, 2)).astype(np.float32),
    }
    arrays = {name: jnp.asarray(x) for name, x in obs.items()}
    statistics = updated(no_statistics({"one": (4,), "two": (2,)}), arrays)
    found = scaled(scaling_of(statistics), arrays, 5.0)
    for name, x in obs.items():
        expected = (x - x.mean((0, 1))) / x.std((0, 1))
        np.testing.assert_allclose(found[name], expected.clip(-5, 5), atol=1e-2)


def test_what_never_varied_keeps_its_scale():
    """A policy of one object has seen one code: another's is as near as it is."""
    obs = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    obs[:, 1] = 0.123
    statistics = no_statistics({"code": (3,)})
    for batch in np.split(obs, 10):
        statistics = updated(statistics, {"code": jnp.asarray(batch)})
    scaling = scaling_of(statistics)
    assert scaling.std["code"][1] == 1.0
    np.testing.assert_allclose(scaling.std["code"][::2], obs[:, ::2].std(0), rtol=1e-3)
    other = scaled(scaling, {"code": obs + 0.05}, 5.0)["code"]
    np.testing.assert_allclose(other[:, 1], 0.05, atol=1e-6)


def test_before_the_first_observation_nothing_changes_but_what_is_far():
    scaling = scaling_of(no_statistics({"all": (3,)}))
    seen = scaled(scaling, {"all": jnp.array([0.5, -7.0, 9.0])}, 2.0)
    np.testing.assert_array_equal(seen["all"], [0.5, -2.0, 2.0])


def test_what_has_no_scale_stays_as_it_is():
    scaling = Scaling({"one": jnp.ones(2)}, {"one": jnp.full(2, 2.0)})
    picture = jnp.full((4, 4, 1), 200, jnp.uint8)
    seen = scaled(scaling, {"picture": picture, "one": jnp.array([3.0, 1.0])}, 5.0)
    assert seen["picture"].dtype == jnp.uint8
    np.testing.assert_array_equal(seen["picture"], picture)
    np.testing.assert_array_equal(seen["one"], [1.0, 0.0])
    # And a scale of what is not observed is of no use.
    assert set(scaled(scaling, {"picture": picture}, 5.0)) == {"picture"}


def test_what_is_not_counted_has_no_statistics():
    obs = {"one": jnp.ones((5, 2)), "picture": jnp.ones((5, 4, 4, 1), jnp.uint8)}
    assert set(updated(no_statistics({"one": (2,)}), obs).mean) == {"one"}
