"""The vision student: acts on what the hand feels and on points of the object."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.networks.mlp import Mlp
from dexjax.networks.pointnet import PointNet


class VisionActor(nn.Module):
    """A PointNet's features beside proprioception (ResDex, section 3.4).

    Attributes:
        actions: components of an action.
        widths: hidden layers behind the features.
        features: of the cloud.
    """

    actions: int
    widths: Sequence[int]
    features: int = 128

    @nn.compact
    def __call__(self, head: jax.Array, cloud: jax.Array) -> jax.Array:
        """(…, head), (…, points, 3) -> mean actions (…, actions)."""
        seen = PointNet((64, 128), (128,), self.features)(cloud)
        joined = jnp.concatenate([head, nn.elu(seen)], axis=-1)
        return Mlp(self.widths, self.actions, last_scale=0.1)(joined)
