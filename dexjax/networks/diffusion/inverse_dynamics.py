"""From a wanted motion to the action that leads to it (DexterityGen, IV-B)."""

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp

# Least standard deviation of an action: what is predicted exactly would otherwise
# have no end of likelihood.
_LEAST_STD = 0.01


class InverseDynamics(nn.Module):
    """Residual dense blocks with a Normal distribution at their end.

    Attributes:
        actions: components of an action.
        width: features of every block.
        blocks: how many.
    """

    actions: int
    width: int
    blocks: int

    @nn.compact
    def __call__(self, history: jax.Array, motion: jax.Array) -> distrax.Normal:
        """A distribution over actions (…, A).

        Args:
            history: (…, H, S), scaled.
            motion: (…, T, K, 3), scaled.
        """
        past = history.reshape(*history.shape[:-2], -1)
        future = motion.reshape(*motion.shape[:-3], -1)
        x = nn.Dense(self.width)(jnp.concatenate([past, future], axis=-1))
        for _ in range(self.blocks):
            y = nn.silu(nn.Dense(self.width)(nn.LayerNorm()(x)))
            x = x + nn.Dense(self.width, kernel_init=nn.initializers.zeros)(y)
        mean = nn.Dense(self.actions)(nn.silu(nn.LayerNorm()(x)))
        # One deviation of each component for all motions: the likelihood is then the
        # paper's squared error, each component by its own noise.
        log_std = self.param("log_std", nn.initializers.zeros, (self.actions,))
        std = jnp.broadcast_to(_LEAST_STD + jnp.exp(log_std), mean.shape)
        return distrax.Normal(mean, std)
