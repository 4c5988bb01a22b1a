"""Actors: from what is observed to a distribution over actions.

An actor is a Flax module with a field `sees`, the names of the observations that it
reads, and two methods:

- `__call__(obs, carry) -> (distribution over (…, actions), carry)`;
- `initial_carry(batch) -> carry` for (batch, …): what it remembers at the start of an
  episode, a pytree; `()` for an actor without memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.networks.inputs import joined
from dexjax.networks.mlp import Mlp


class MlpActor(nn.Module):
    """A Gaussian policy with state-independent deviation.

    Attributes:
        sees: names of the observations.
        actions: components of an action.
        widths: hidden layers.
        initial_std: standard deviation at the start.
    """

    sees: Sequence[str]
    actions: int
    widths: Sequence[int]
    initial_std: float = 0.6

    @nn.compact
    def __call__(
        self, obs: Mapping[str, jax.Array], carry: Any = ()
    ) -> tuple[distrax.Distribution, Any]:
        """name -> (…, features) to a policy over (…, actions), and the carry."""
        mean = Mlp(self.widths, self.actions, last_scale=0.01, name="layers")(
            joined(obs, self.sees)
        )
        start = nn.initializers.constant(jnp.log(self.initial_std))
        log_std = self.param("log_std", start, (self.actions,))
        std = jnp.broadcast_to(jnp.exp(log_std), mean.shape)
        return distrax.MultivariateNormalDiag(mean, std), carry

    def initial_carry(self, batch: int) -> Any:
        """Nothing: it has no memory."""
        return ()
