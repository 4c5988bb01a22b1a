"""The denoiser of keypoint motions: a UNet of dense layers (DexterityGen, IV-B).

It reads a motion as one vector. What the hand has done, the mode and the level of noise
scale and shift the features of every block (FiLM, Perez et al. 2018).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

MODES = ("default", "precision rotation")
ROTATION = 1
GROUPS = 8  # of a GroupNorm
_WAVES = 32  # of the embedding of a level of noise
_LONGEST = 10_000.0  # of the waves, in levels


def embedded(level: jax.Array) -> jax.Array:
    """Sines and cosines (…, 64) of a level of noise (…,)."""
    rate = _LONGEST ** (-jnp.arange(_WAVES) / _WAVES)
    phase = level[..., None] * rate
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], axis=-1)


class FilmBlock(nn.Module):
    """Two dense layers beside a shortcut, conditioned in between.

    Attributes:
        width: features, a multiple of `GROUPS`.
    """

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, condition: jax.Array) -> jax.Array:
        """(…, any), (…, conditions) -> (…, width)."""
        y = self._layer(x)
        film = nn.Dense(2 * self.width, kernel_init=nn.initializers.zeros)(condition)
        scale, shift = jnp.split(film, 2, axis=-1)
        y = self._layer(y * (1.0 + scale) + shift)
        if x.shape[-1] != self.width:
            x = nn.Dense(self.width)(x)
        return x + y

    def _layer(self, x: jax.Array) -> jax.Array:
        y = nn.Dense(self.width)(x)
        # Over the features alone: samples of a batch know nothing of each other.
        return nn.silu(nn.GroupNorm(GROUPS, reduction_axes=(-1,))(y))


class FilmUnet(nn.Module):
    """From a noisy motion to its velocity (see `networks.ddim`).

    Attributes:
        future: T, control steps of a motion.
        keypoints: K.
        width: features of every block.
        blocks: on the way down; there are as many on the way up.
        encoder: layers of the encoder of histories.
    """

    future: int
    keypoints: int
    width: int
    blocks: int
    encoder: tuple[int, ...]

    def setup(self) -> None:
        """Makes the layers."""
        self.layers = [nn.Dense(width) for width in self.encoder]
        self.level_in, self.level_out = nn.Dense(self.width), nn.Dense(self.width)
        self.first = nn.Dense(self.width)
        self.down = [FilmBlock(self.width) for _ in range(self.blocks)]
        self.up = [FilmBlock(self.width) for _ in range(self.blocks)]
        # Begins with the mean velocity, 0.
        zero = nn.initializers.zeros
        self.last = nn.Dense(self.future * self.keypoints * 3, kernel_init=zero)

    def __call__(
        self, history: jax.Array, mode: jax.Array, motion: jax.Array, level: jax.Array
    ) -> jax.Array:
        """The velocity of a noisy motion.

        Args:
            history: (…, H, S), scaled.
            mode: (…,) int32, index in `MODES`.
            motion: (…, T, K, 3), scaled and noisy.
            level: (…,) int32 of noise.

        Returns:
            (…, T, K, 3).
        """
        return self.velocity(self.encode(history, mode), motion, level)

    def encode(self, history: jax.Array, mode: jax.Array) -> jax.Array:
        """The code (…, last of encoder) of a history and mode: once for all levels."""
        flat = history.reshape(*history.shape[:-2], -1)
        x = jnp.concatenate([flat, jax.nn.one_hot(mode, len(MODES))], axis=-1)
        for layer in self.layers:
            x = nn.silu(layer(x))
        return x

    def velocity(
        self, code: jax.Array, motion: jax.Array, level: jax.Array
    ) -> jax.Array:
        """As `__call__`, of the code of history and mode."""
        time = self.level_out(nn.silu(self.level_in(embedded(level))))
        condition = nn.silu(jnp.concatenate([code, time], axis=-1))
        x = self.first(motion.reshape(*motion.shape[:-3], -1))
        kept = []
        for block in self.down:
            x = block(x, condition)
            kept.append(x)
        for block in self.up:
            x = block(jnp.concatenate([x, kept.pop()], axis=-1), condition)
        return self.last(x).reshape(motion.shape)
