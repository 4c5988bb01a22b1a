"""Dense layers: what all policies here are made of."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp


class Mlp(nn.Module):
    """Dense layers with ELU between them (ResDex, Table 6).

    Attributes:
        widths: hidden layers.
        outputs: features of the linear last layer.
        last_scale: gain of its orthogonal initialiser.
    """

    widths: Sequence[int]
    outputs: int
    last_scale: float = 1.0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """(…, features) -> (…, outputs)."""
        for width in self.widths:
            init = nn.initializers.orthogonal(jnp.sqrt(2.0))
            x = nn.elu(nn.Dense(width, kernel_init=init)(x))
        init = nn.initializers.orthogonal(self.last_scale)
        return nn.Dense(self.outputs, kernel_init=init)(x)
