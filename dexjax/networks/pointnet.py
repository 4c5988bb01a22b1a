"""PointNet (Qi et al. 2017): features of a set of points, whatever their order."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.networks.mlp import Mlp


class PointNet(nn.Module):
    """Layers for every point, the largest and mean of each feature, an Mlp of them.

    Attributes:
        point_widths: layers for a point, the last one pooled.
        widths: hidden layers behind the pool.
        outputs: features of the result.
    """

    point_widths: Sequence[int]
    widths: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, points: jax.Array) -> jax.Array:
        """(…, points, features) -> (…, outputs)."""
        x = points
        for width in self.point_widths:
            x = nn.relu(nn.Dense(width)(x))
        pooled = jnp.concatenate([x.max(axis=-2), x.mean(axis=-2)], axis=-1)
        return Mlp(self.widths, self.outputs)(pooled)


class PointAutoencoder(nn.Module):
    """A cloud as a short code, and a cloud of that code.

    Attributes:
        code: features of the code.
        points: of the decoded cloud.
    """

    code: int
    points: int

    def setup(self) -> None:
        """Makes both halves."""
        self.encoder = PointNet((64, 128, 256), (256,), self.code)
        self.decoder = Mlp((256, 256), 3 * self.points)

    def __call__(self, cloud: jax.Array) -> jax.Array:
        """(…, n, 3) -> (…, points, 3)."""
        return self.decode(self.encode(cloud))

    def encode(self, cloud: jax.Array) -> jax.Array:
        """(…, n, 3) -> (…, code)."""
        return self.encoder(cloud)

    def decode(self, code: jax.Array) -> jax.Array:
        """(…, code) -> (…, points, 3)."""
        flat = self.decoder(code)
        return flat.reshape(*flat.shape[:-1], self.points, 3)
