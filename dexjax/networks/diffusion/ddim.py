"""Diffusion of motions: noise, its removal (DDIM), and guidance on the way.

A motion x at a level of noise t is

    x_t = sqrt(s_t) x + sqrt(1 - s_t) n,    n ~ N(0, 1),

with the signal s_t of a cosine schedule (Nichol & Dhariwal 2021). What is predicted is
the velocity v = sqrt(s_t) n - sqrt(1 - s_t) x (Salimans & Ho 2022).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

_OFFSET = 0.008
_MOST = 0.999  # of the signal that one level takes away


def cosine_signal(levels: int) -> np.ndarray:
    """The signal s (levels,), from all but 1 to all but 0."""
    time = (np.arange(levels + 1) / levels + _OFFSET) / (1.0 + _OFFSET)
    kept = np.cos(0.5 * np.pi * time) ** 2
    return np.cumprod(np.maximum(kept[1:] / kept[:-1], 1.0 - _MOST)).astype(np.float32)


def noised(motion: jax.Array, noise: jax.Array, signal: jax.Array) -> jax.Array:
    """A motion with noise; `signal` broadcasts against both."""
    return jnp.sqrt(signal) * motion + jnp.sqrt(1.0 - signal) * noise


def velocity(motion: jax.Array, noise: jax.Array, signal: jax.Array) -> jax.Array:
    """What a denoiser is to predict.

    Not the noise: an error in it is divided by a signal near 0 in the first of few
    steps, and a small denoiser's motions come out far too large. Not the motion: that
    does as well at first and less well after some more training.
    """
    return jnp.sqrt(signal) * noise - jnp.sqrt(1.0 - signal) * motion


def clean(noisy: jax.Array, velocity: jax.Array, signal: jax.Array) -> jax.Array:
    """The motion of a noisy one and its velocity."""
    return jnp.sqrt(signal) * noisy - jnp.sqrt(1.0 - signal) * velocity


def ddim(
    denoise: Callable[[jax.Array, jax.Array], jax.Array],
    noise: jax.Array,
    signal: np.ndarray,
    steps: int,
    guide: Callable[[jax.Array], jax.Array] = lambda motion: motion,
) -> jax.Array:
    """A motion from noise in few deterministic steps (Song et al. 2021, eta 0).

    Guidance moves the clean motion of every step and leaves the predicted noise: what
    comes next has as much noise as its level says.

    Args:
        denoise: (noisy (…), level () int32) -> the clean motion that is likely (…).
        noise: (…), standard normal.
        signal: (levels,) of the schedule.
        steps: at most as many as levels; from the highest level on, equally far apart.
        guide: (…) -> (…), moves a clean motion.
    """
    levels = levels_of(signal, steps)
    here = signal[levels]
    there = np.append(here[1:], np.float32(1.0))

    def step(noisy: jax.Array, at: tuple) -> tuple[jax.Array, None]:
        level, before, after = at
        motion = denoise(noisy, level)
        left = (noisy - jnp.sqrt(before) * motion) / jnp.sqrt(1.0 - before)
        return noised(guide(motion), left, after), None

    return jax.lax.scan(step, noise, (levels, here, there))[0]


def levels_of(signal: np.ndarray, steps: int) -> np.ndarray:
    """The levels (steps,) at which a sampler denoises, the highest first."""
    part = np.arange(steps, 0, -1) / steps
    return np.rint(len(signal) * part).astype(np.int32) - 1


def distance(motion: jax.Array, wanted: jax.Array, guided: jax.Array) -> jax.Array:
    """Dist (…): squares of what guided keypoints lack, summed (DexterityGen, IV-B).

    Args:
        motion: (…, T, K, 3).
        wanted: (…, T, K, 3).
        guided: (K,) bool.
    """
    square = jnp.square(motion - wanted).sum(-1)
    return jnp.where(guided, square, 0.0).sum((-2, -1))


def distance_gradient(
    motion: jax.Array, wanted: jax.Array, guided: jax.Array
) -> jax.Array:
    """The gradient of `distance` in the motion, (…, T, K, 3)."""
    return jnp.where(guided[:, None], 2.0 * (motion - wanted), 0.0)


def pulled(
    motion: jax.Array, wanted: jax.Array, guided: jax.Array, alpha: jax.Array
) -> jax.Array:
    """A motion after a step of guidance of strength alpha (…,) >= 0 (IV-C).

    The paper's x - alpha grad Dist(x) overshoots for alpha > 1/2 and diverges for
    alpha > 1. Taken implicitly, with the gradient at the point where the step ends, it
    is x - alpha / (1 + 2 alpha) grad Dist(x): the same for small alpha, and what is
    wanted for large ones. Alpha has no unit: the paper's, up to 3000, is of a distance
    in other units.
    """
    share = 0.5 - 0.5 / (1.0 + 2.0 * alpha)
    gradient = distance_gradient(motion, wanted, guided)
    return motion - share[..., None, None, None] * gradient
