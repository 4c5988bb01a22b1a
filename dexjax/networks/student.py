"""The vision student: acts on what the hand feels and on points of the object."""

from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.networks.inputs import joined
from dexjax.networks.mlp import Mlp
from dexjax.networks.pointnet import PointNet

_FEATURES = 128  # of a cloud


class VisionActor(nn.Module):
    """A PointNet's features beside proprioception (ResDex, section 3.4).

    Attributes:
        sees: names of the vectors that it reads.
        cloud: name of the points that it reads.
        actions: components of an action.
        widths: hidden layers behind the features.
    """

    sees: Sequence[str]
    cloud: str
    actions: int
    widths: Sequence[int]

    @nn.compact
    def __call__(self, obs: Mapping[str, jax.Array]) -> jax.Array:
        """Mean actions (…, actions) of vectors (…, n) and points (…, any number, 3)."""
        seen = PointNet((64, 128), (128,), _FEATURES)(obs[self.cloud])
        joint = jnp.concatenate([joined(obs, self.sees), nn.elu(seen)], axis=-1)
        return Mlp(self.widths, self.actions, last_scale=0.1)(joint)
