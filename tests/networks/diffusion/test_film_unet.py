"""The denoiser, the diffusion of motions and their guidance, the inverse dynamics."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dexjax.networks.diffusion.ddim import (
    clean,
    cosine_signal,
    ddim,
    distance,
    distance_gradient,
    noised,
    pulled,
    velocity,
)
from dexjax.networks.diffusion.film_unet import FilmUnet
from dexjax.networks.diffusion.inverse_dynamics import InverseDynamics

SIGNAL = cosine_signal(200)
# Two keypoints one step ahead; of a Gaussian distribution that is known.
SHAPE, GUIDED = (1, 2, 3), np.array([False, True])
MEAN = np.array([0.5, -1.0, 0.2, 0.0, 1.0, -0.5])
ROOT = np.eye(6) + 0.4 * np.eye(6, k=3) + 0.3 * np.eye(6, k=-3)
COVARIANCE = 0.5 * ROOT @ ROOT.T
WANTED = np.arange(6.0).reshape(SHAPE)


def gaussian_denoise(noisy, level):
    """The mean of what may have become this, (…, 1, 2, 3)."""
    signal = jnp.asarray(SIGNAL)[level]
    spread = signal * COVARIANCE + (1 - signal) * jnp.eye(6)
    gain = jnp.sqrt(signal) * COVARIANCE @ jnp.linalg.inv(spread)
    lack = noisy.reshape(-1, 6) - jnp.sqrt(signal) * MEAN
    return (MEAN + lack @ gain.T).reshape(noisy.shape)


@jax.jit
def drawn(alpha):
    """Motions (4000, 1, 2, 3) guided with alpha (), in eight steps."""
    noise = jax.random.normal(jax.random.key(0), (4000, *SHAPE))
    strength = jnp.full(4000, alpha)
    return ddim(
        gaussian_denoise,
        noise,
        SIGNAL,
        8,
        lambda motion: pulled(motion, WANTED, GUIDED, strength),
    )


def test_the_schedule_is_a_cosine():
    time = np.arange(1, 201) / 200
    expected = np.cos((time + 0.008) / 1.008 * np.pi / 2) ** 2
    expected /= np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(SIGNAL[:-1], expected[:-1], rtol=1e-4)
    assert 0 < SIGNAL[-1] < 1e-6 and SIGNAL[0] > 0.999


def test_noise_is_added_as_the_closed_form_says():
    rng = np.random.default_rng(0)
    motion, noise = rng.normal(size=(2, 5, *SHAPE)).astype(np.float32)
    signal = SIGNAL[[0, 60, 120, 180, 199]][:, None, None, None]
    noisy = noised(motion, noise, signal)
    np.testing.assert_allclose(
        noisy, signal**0.5 * motion + (1 - signal) ** 0.5 * noise, rtol=1e-5
    )
    speed = velocity(motion, noise, signal)
    np.testing.assert_allclose(clean(noisy, speed, signal), motion, atol=1e-5)
    # Step by step it is the same: each level keeps its share of the one before.
    x, total = motion[1], 0.0
    for level in range(61):
        share = SIGNAL[level] / (SIGNAL[level - 1] if level else 1.0)
        x, total = share**0.5 * x, share * total + (1 - share)
    np.testing.assert_allclose(x, SIGNAL[60] ** 0.5 * motion[1], rtol=1e-4)
    np.testing.assert_allclose(total, 1 - SIGNAL[60], rtol=1e-4)


def test_ddim_gives_the_distribution_that_is_known():
    noise = jax.random.normal(jax.random.key(1), (10_000, *SHAPE))
    made = jax.jit(lambda x: ddim(gaussian_denoise, x, SIGNAL, 200))(noise)
    flat = np.asarray(made).reshape(-1, 6)
    np.testing.assert_allclose(flat.mean(0), MEAN, atol=0.04)
    np.testing.assert_allclose(np.cov(flat.T), COVARIANCE, atol=0.06)


def test_guidance_goes_to_the_command_the_farther_the_stronger():
    lacks = [
        np.abs(np.asarray(drawn(alpha)).mean(0) - WANTED)[0, 1]
        for alpha in (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
    ]
    assert (np.diff(lacks, axis=0) < 0).all()
    reached = np.asarray(drawn(1e6))
    np.testing.assert_allclose(
        reached[:, 0, 1], np.broadcast_to(WANTED[0, 1], (4000, 3)), atol=1e-4
    )
    # The other keypoint is as it is likely to be beside this one.
    slope = COVARIANCE[:3, 3:] @ np.linalg.inv(COVARIANCE[3:, 3:])
    likely = MEAN[:3] + slope @ (WANTED[0, 1] - MEAN[3:])
    unguided = np.asarray(drawn(0.0)).mean(0)[0, 0]
    nearer = np.abs(reached.mean(0)[0, 0] - likely).sum()
    assert nearer < 0.5 * np.abs(unguided - likely).sum()


def test_no_guidance_changes_nothing():
    noise = jax.random.normal(jax.random.key(0), (4000, *SHAPE))
    alone = jax.jit(lambda x: ddim(gaussian_denoise, x, SIGNAL, 8))(noise)
    np.testing.assert_array_equal(drawn(0.0), alone)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0, 50.0, 1e9, np.inf])
def test_a_pull_is_the_step_that_ends_where_its_gradient_is_taken(alpha):
    motion = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32)
    strength = jnp.full(3, alpha)
    ends = pulled(motion, WANTED, GUIDED, strength)
    assert np.isfinite(ends).all()
    if alpha <= 50:
        there = distance_gradient(ends, WANTED, GUIDED)
        np.testing.assert_allclose(motion - alpha * there, ends, atol=1e-3)


def test_the_gradient_of_the_distance():
    motion = np.random.default_rng(0).normal(size=(4, *SHAPE)).astype(np.float32)
    found = jax.grad(lambda x: distance(x, WANTED, GUIDED).sum())(motion)
    np.testing.assert_allclose(
        distance_gradient(motion, WANTED, GUIDED), found, rtol=1e-5
    )
    square = ((motion - WANTED)[:, :, 1] ** 2).sum((1, 2))
    np.testing.assert_allclose(distance(motion, WANTED, GUIDED), square, rtol=1e-5)


@pytest.fixture(scope="module")
def unet():
    """A denoiser and parameters, none of them zero."""
    network = FilmUnet(future=2, keypoints=3, width=32, blocks=2, encoder=(12, 10))
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs(1))
    params = jax.tree.map(
        lambda x: jnp.asarray(0.4 * rng.normal(size=x.shape), x.dtype), shapes
    )
    return network, params


def inputs(batch, seed=1):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(batch, 4, 5)).astype(np.float32),
        np.arange(batch, dtype=np.int32) % 2,
        rng.normal(size=(batch, 2, 3, 3)).astype(np.float32),
        np.arange(batch, dtype=np.int32) * 7,
    )


def test_the_denoiser_reads_all_and_samples_apart(unet):
    network, params = unet
    apply = jax.jit(network.apply)
    one = inputs(5)
    said = np.asarray(apply(params, *one))
    assert said.shape == (5, 2, 3, 3)
    # Alone as among others: no layer looks across the batch.
    alone = np.asarray(apply(params, *(x[2:3] for x in one)))
    np.testing.assert_allclose(alone[0], said[2], atol=1e-3)
    mapped = jax.jit(jax.vmap(network.apply, in_axes=(None, 0, 0, 0, 0)))(params, *one)
    np.testing.assert_allclose(mapped, said, atol=1e-3)
    others = inputs(5, seed=2)[0], 1 - one[1], inputs(5, seed=2)[2], one[3] + 1
    for place, other in enumerate(others):
        changed = [*one[:place], other, *one[place + 1 :]]
        assert np.abs(apply(params, *changed) - said).mean() > 1e-2


def test_a_denoiser_begins_with_no_velocity():
    network = FilmUnet(future=2, keypoints=3, width=16, blocks=1, encoder=(8,))
    params = network.init(jax.random.key(0), *inputs(2))
    np.testing.assert_array_equal(network.apply(params, *inputs(2)), 0.0)


def test_inverse_dynamics_learn_a_linear_map():
    network = InverseDynamics(actions=2, width=16, blocks=1)
    rng = np.random.default_rng(0)
    history, _, motion, _ = inputs(4096)
    matrix = 0.3 * rng.normal(size=(18, 2)).astype(np.float32)
    noise = 0.1 * rng.normal(size=(4096, 2)).astype(np.float32) * [1, 2]
    action = motion.reshape(4096, 18) @ matrix + noise
    params = network.init(jax.random.key(0), history, motion)
    optimiser = optax.adam(1e-2)

    @jax.jit
    def learn(params):
        def loss(params):
            return -network.apply(params, history, motion).log_prob(action).mean()

        def step(carry, _):
            params, moments = carry
            updates, moments = optimiser.update(jax.grad(loss)(params), moments)
            return (optax.apply_updates(params, updates), moments), None

        return jax.lax.scan(step, (params, optimiser.init(params)), None, 400)[0][0]

    found = network.apply(learn(params), history, motion)
    error = np.asarray(found.mean()) - motion.reshape(4096, 18) @ matrix
    assert np.abs(error).mean() < 0.25 * action.std()
    # And know how sure they may be of each component.
    assert 1.2 < found.stddev()[0, 1] / found.stddev()[0, 0] < 2.5
