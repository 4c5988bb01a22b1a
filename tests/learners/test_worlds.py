"""Batches of worlds: what is computed for the ended ones alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Follow

from dexjax.learners.worlds import batched, for_ended, start_worlds

WORLDS = 40
# None, one, as many as are computed alone (three of 40), one more, half, all.
COUNTS = (0, 1, 3, 4, 20, WORLDS)


def plain(tree):
    """A pytree of NumPy arrays, keys as numbers."""
    return [
        np.asarray(
            jax.random.key_data(x)
            if jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
            else x
        )
        for x in jax.tree.leaves(tree)
    ]


def ended(count, seed=0):
    chosen = np.random.default_rng(seed).permutation(WORLDS)[:count]
    return jnp.zeros(WORLDS, bool).at[chosen].set(True)


def inputs():
    keys = jax.random.split(jax.random.key(0), WORLDS)
    place = jnp.arange(6.0 * WORLDS).reshape(WORLDS, 2, 3)
    return {"key": keys, "place": place, "count": jnp.arange(WORLDS, dtype=jnp.int8)}


def begun(batch):
    """Of a batch of any size: another key, place and count."""
    key, own = jnp.moveaxis(jax.vmap(jax.random.split)(batch["key"]), 1, 0)
    drawn = jax.vmap(lambda k: jax.random.randint(k, (2, 3), -99, 99))(own)
    return {"key": key, "place": batch["place"] + drawn, "count": batch["count"] + 1}


@pytest.mark.parametrize("count", COUNTS)
def test_it_equals_computing_all(count):
    now, over = inputs(), ended(count)
    got = plain(jax.jit(lambda x, e: for_ended(begun, e, x, x))(now, over))
    mask = np.asarray(over)
    for new, old, found in zip(plain(begun(now)), plain(now), got, strict=True):
        assert found.dtype == old.dtype
        chosen = mask.reshape(-1, *[1] * (old.ndim - 1))
        np.testing.assert_array_equal(found, np.where(chosen, new, old))


@pytest.mark.parametrize("count", COUNTS)
def test_worlds_that_go_on_are_not_looked_at(count):
    """Their rows may hold anything, and what is computed from them goes nowhere."""
    over = ended(count, seed=1)
    number = jnp.where(over, jnp.arange(1.0, WORLDS + 1), jnp.nan)
    kept = jnp.full(WORLDS, -2.0)
    got = jax.jit(lambda: for_ended(jnp.log, over, number, kept))()
    expected = np.where(over, np.log(np.arange(1, WORLDS + 1)), -2.0)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    # Neither does a NaN of theirs vanish, nor one of another world appear.
    kept = jnp.where(jnp.arange(WORLDS) == 7, jnp.nan, -2.0)
    got = jax.jit(lambda: for_ended(jnp.log, over, number, kept))()
    expected = np.where(over, np.log(np.arange(1, WORLDS + 1)), kept)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("worlds", [1, 2, 16, 17])
def test_any_number_of_worlds(worlds):
    every = jnp.arange(float(worlds))
    for over in (jnp.zeros(worlds, bool), jnp.ones(worlds, bool), every == worlds - 1):
        got = for_ended(lambda x: x + 100, over, every, -every)
        np.testing.assert_array_equal(got, jnp.where(over, every + 100, -every))


def test_restarting_few_is_restarting_each():
    """The batch's restart, with a few ended and with many, and the task's own step."""
    task = Follow(steps=5)
    keys = jax.random.split(jax.random.key(0), WORLDS)
    worlds = jax.vmap(task.reset)(keys)
    action = jnp.zeros((WORLDS, 1))
    own = batched(task)
    for last in (1, 3, 30):
        clock = jnp.where(jnp.arange(WORLDS) < last, 4, 1)
        before = worlds.replace(step=clock)
        got = jax.jit(lambda w: own.restart(own.advance(w, action)))(before)
        expected = jax.jit(lambda w: jax.vmap(task.step)(w, action))(before)
        assert int(got.truncated.sum()) == last
        for one, two in zip(plain(got), plain(expected), strict=True):
            np.testing.assert_array_equal(one, two)


def test_clocks_of_the_first_worlds_are_staggered():
    task = Follow(steps=10)
    keys = jax.random.split(jax.random.key(0))
    worlds = start_worlds(task, 200, *keys)
    counts = np.bincount(np.asarray(worlds.step), minlength=10)
    assert len(counts) == 10 and counts.min() > 5
    assert len(np.unique(worlds.physics, axis=0)) == 200
