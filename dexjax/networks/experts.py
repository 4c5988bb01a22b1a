"""The mixture of frozen base policies that a hyper-policy steers (ResDex, section 3.3).

    a = a_res + sum_i w_i a_i^base

with the weights w from the hyper-policy's lambda: lambda / ||lambda|| (eq. 4), or
softmax(lambda) as in the released code.
"""

from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.networks.inputs import joined
from dexjax.networks.mlp import Mlp

NORMALISATIONS = ("norm", "softmax")


class Experts(nn.Module):
    """k actors of one shape side by side, each with its own observation statistics.

    The parameters of the actors are stacked along a first axis, as are the statistics:
    the collection "statistics" holds `mean` and `std`, (k, observation).

    Attributes:
        sees: names of the observations that all of them read.
        count: k.
        actions: components of an action.
        widths: hidden layers of every actor.
        observation_clip: largest normalised observation.
    """

    sees: Sequence[str]
    count: int
    actions: int
    widths: Sequence[int]
    observation_clip: float = 5.0

    @nn.compact
    def __call__(self, obs: Mapping[str, jax.Array]) -> jax.Array:
        """Mean actions: name -> (…, features) to (…, k, actions)."""
        seen = joined(obs, self.sees)
        shape = (self.count, seen.shape[-1])
        mean = self.variable("statistics", "mean", jnp.zeros, shape).value
        std = self.variable("statistics", "std", jnp.ones, shape).value
        prepared = (seen[..., None, :] - mean) / std
        prepared = jnp.clip(prepared, -self.observation_clip, self.observation_clip)
        actors = nn.vmap(
            Mlp,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=-2,
            out_axes=-2,
            axis_size=self.count,
        )
        return actors(self.widths, self.actions, name="layers")(prepared)


def mix(
    residual: jax.Array, weights: jax.Array, actions: jax.Array, normalisation: str
) -> jax.Array:
    """The action of the mixture (eq. 4).

    Args:
        residual: (…, actions).
        weights: (…, k), the hyper-policy's lambda.
        actions: (…, k, actions) of the base policies.
        normalisation: one of `NORMALISATIONS`.
    """
    if normalisation == "softmax":
        shares = jax.nn.softmax(weights)
    else:
        length = jnp.sqrt(jnp.square(weights).sum(-1, keepdims=True) + 1e-8)
        shares = weights / length
    return residual + (shares[..., None] * actions).sum(-2)
