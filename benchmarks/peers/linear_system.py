"""A linear system that costs next to nothing: what is left to time is the learner.

x' = 0.95 x + 0.05 B a, reward -|x'|^2 / n, with x of n components that are all seen.
Both learners' environments are made of these two functions.
"""

import jax
import jax.numpy as jnp

EPISODE_STEPS = 200


def start(key: jax.Array, observation_size: int) -> jax.Array:
    """The state (observation,) that an episode begins in."""
    return jax.random.normal(key, (observation_size,))


def advance(x: jax.Array, action: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One step: the next state (observation,) and the reward ()."""
    # B repeats the identity: component i is pushed by action i modulo their number.
    pushes = -(-x.size // action.size)
    x = 0.95 * x + 0.05 * jnp.tile(action, pushes)[: x.size]
    return x, -jnp.square(x).mean()
