"""Codes of point clouds."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial import cKDTree

from dexjax.learners.autoencoder import (
    AutoencoderConfig,
    _draw,
    _random_turn,
    chamfer,
    make_autoencoder,
)

SMALL = AutoencoderConfig(code=8, points=64, batch=16, steps=200)


def boxes(count, seed=0):
    """Clouds (count, 128, 3) on boxes of different extents around 5 cm."""
    rng = np.random.default_rng(seed)
    clouds = rng.uniform(-1, 1, (count, 128, 3))
    face = rng.integers(3, size=(count, 128, 1))
    np.put_along_axis(clouds, face, np.sign(np.take_along_axis(clouds, face, 2)), 2)
    return (clouds * rng.uniform(0.01, 0.08, (count, 1, 3))).astype(np.float32)


def test_chamfer_is_that_of_trees():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    there, back = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
    expected = (there**2).mean() + (back**2).mean()
    np.testing.assert_allclose(chamfer(a, b), expected, rtol=1e-5)
    assert chamfer(a, a) < 1e-5


def test_turns_are_rotations():
    turns = jax.vmap(_random_turn)(jax.random.split(jax.random.key(0), 500))
    unit = np.broadcast_to(np.eye(3), turns.shape)
    np.testing.assert_allclose(turns @ turns.swapaxes(1, 2), unit, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-5)
    # Uniform: a turned axis points anywhere.
    np.testing.assert_allclose(turns.mean(axis=0), np.zeros((3, 3)), atol=0.1)


def test_a_batch_holds_turned_parts_of_clouds():
    clouds = jnp.asarray(boxes(3))
    batch = np.asarray(_draw(SMALL, clouds, jax.random.key(0)))
    assert batch.shape == (16, 64, 3)
    lengths = [set(np.linalg.norm(c, axis=1).round(5)) for c in np.asarray(clouds)]
    for cloud in batch:
        found = set(np.linalg.norm(cloud, axis=1).round(5))
        assert max(len(found & known) for known in lengths) > 0.9 * len(found)


def test_it_learns_and_codes_tell_shapes_apart():
    clouds = jnp.asarray(boxes(64))
    learner = make_autoencoder(SMALL)
    state = learner.init(jax.random.key(0))
    losses = []
    for _ in range(SMALL.steps):
        state, loss = learner.train(state, clouds)
        losses.append(float(loss))
    assert np.mean(losses[-20:]) < 0.3 * np.mean(losses[:5])
    held_out = jnp.asarray(boxes(16, seed=1))
    made = learner.reconstruct(state.params, held_out)
    assert made.shape == (16, 64, 3)
    own = np.mean([chamfer(a, b) for a, b in zip(made, held_out, strict=True)])
    other = np.mean([chamfer(a, b) for a, b in zip(made, held_out[::-1], strict=True)])
    assert own < 0.5 * other
    codes = learner.encode(state.params, held_out)
    assert codes.shape == (16, 8)
    # Another order and another half of the points: nearly the same code.
    again = learner.encode(state.params, held_out[:, ::-2])
    apart = np.linalg.norm(codes - codes[::-1], axis=1).mean()
    assert np.linalg.norm(codes - again, axis=1).mean() < 0.5 * apart
