"""Separate actor and critic networks with a Gaussian policy."""

from collections.abc import Sequence

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp

from dexjax.networks.mlp import Mlp


class ActorCritic(nn.Module):
    """A Gaussian policy with state-independent deviation, and a value.

    Attributes:
        actions: components of an action.
        widths: hidden layers of actor and critic alike.
        initial_std: standard deviation at the start.
    """

    actions: int
    widths: Sequence[int]
    initial_std: float

    def setup(self) -> None:
        """Makes the two networks and the deviation."""
        self.actor = Mlp(self.widths, self.actions, last_scale=0.01)
        self.critic = Mlp(self.widths, 1, last_scale=1.0)
        log_std = nn.initializers.constant(jnp.log(self.initial_std))
        self.log_std = self.param("log_std", log_std, (self.actions,))

    def __call__(self, obs: jax.Array) -> tuple[distrax.Distribution, jax.Array]:
        """(…, observation) -> policy over (…, actions), value (…)."""
        return self.policy(obs), self.value(obs)

    def policy(self, obs: jax.Array) -> distrax.Distribution:
        """(…, observation) -> policy over (…, actions)."""
        mean = self.actor(obs)
        std = jnp.broadcast_to(jnp.exp(self.log_std), mean.shape)
        return distrax.MultivariateNormalDiag(mean, std)

    def value(self, obs: jax.Array) -> jax.Array:
        """(…, observation) -> (…)."""
        return self.critic(obs).squeeze(-1)
