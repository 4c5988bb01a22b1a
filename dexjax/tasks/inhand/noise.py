"""What is not known of a hand: noise of readings, actions and starts, and pushes.

DexterityGen, appendix. Everything is times a share: 0 is none, 1 the paper's.
"""

import dataclasses

import jax
import jax.numpy as jnp

READING_RAD, BIAS_RAD, ACTION, START_RAD = 0.025, 0.005, 0.05, 0.05
# m/s^2; a new push begins in a step with a chance, and dies away.
PUSH, PUSH_CHANCE, PUSH_KEPT = (1.0, 2.0), 0.2, 0.99


@dataclasses.dataclass(frozen=True)
class Noise:
    """Draws of it.

    Attributes:
        share: of the paper's noise.
    """

    share: float

    def start(self, key: jax.Array, joints: jax.Array) -> jax.Array:
        """Joints (J,) rad at the start of an episode."""
        bent = jax.random.uniform(key, joints.shape, minval=-1.0)
        return joints + START_RAD * self.share * bent

    def bias(self, key: jax.Array, joints: int) -> jax.Array:
        """What all readings (J,) rad of an episode are wrong by."""
        return BIAS_RAD * self.share * jax.random.normal(key, (joints,))

    def read(self, key: jax.Array, joints: jax.Array, bias: jax.Array) -> jax.Array:
        """Joints (J,) rad as they are read."""
        noise = jax.random.normal(key, joints.shape)
        return joints + bias + READING_RAD * self.share * noise

    def act(self, key: jax.Array, action: jax.Array) -> jax.Array:
        """An action (A,) as it is done."""
        return action + ACTION * self.share * jax.random.normal(key, action.shape)

    def push(self, key: jax.Array, before: jax.Array) -> jax.Array:
        """How a force accelerates the object in a step, (3,) m/s^2."""
        chance_key, size_key, way_key = jax.random.split(key, 3)
        low, high = PUSH
        size = self.share * jax.random.uniform(size_key, minval=low, maxval=high)
        begins = jax.random.uniform(chance_key) < PUSH_CHANCE
        fresh = size * jax.random.normal(way_key, (3,))
        return jnp.where(begins, fresh, PUSH_KEPT * before)
