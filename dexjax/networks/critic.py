"""Critics: from what is observed to a value.

A critic is a Flax module with a field `sees`, the names of the observations that it
reads, and `__call__(obs) -> (…)`.
"""

from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax

from dexjax.networks.inputs import joined
from dexjax.networks.mlp import Mlp


class MlpCritic(nn.Module):
    """A value by dense layers.

    Attributes:
        sees: names of the observations.
        widths: hidden layers.
    """

    sees: Sequence[str]
    widths: Sequence[int]

    @nn.compact
    def __call__(self, obs: Mapping[str, jax.Array]) -> jax.Array:
        """name -> (…, features) to (…)."""
        return Mlp(self.widths, 1, name="layers")(joined(obs, self.sees)).squeeze(-1)
