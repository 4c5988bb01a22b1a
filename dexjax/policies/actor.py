"""A policy that is one actor network: the most likely action of what it says."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import struct

from dexjax.errors import DexjaxError
from dexjax.networks.actor import MlpActor
from dexjax.networks.scaling import Scaling, scaled
from dexjax.networks.vision import CameraActor
from dexjax.policies.plain import limit, size, sizes, switch, texts
from dexjax.spec import PolicySpec


class ActorPolicy(struct.PyTreeNode):
    """An actor with its parameters; see `Policy`.

    Attributes:
        params: of the network.
        scaling: of the observations that it sees.
        network: an actor, as networks/actor.py describes it.
        clip: largest scaled observation.
        spec: what it acts on.
    """

    params: dict
    scaling: Scaling
    network: nn.Module = struct.field(pytree_node=False)
    clip: float = struct.field(pytree_node=False)
    spec: PolicySpec = struct.field(pytree_node=False)

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return self.network.initial_carry(batch)

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`."""
        seen = {name: obs[name] for name in self.network.sees}
        prepared = scaled(self.scaling, seen, self.clip)
        distribution, carry = self.network.apply(self.params, prepared, carry)
        return distribution.mean(), carry


def describe(policy: ActorPolicy) -> dict:
    """What the codec needs beside the arrays.

    Raises:
        DexjaxError: for an actor of another kind than these two.
    """
    network = policy.network
    told: dict[str, Any] = {"clip": policy.clip}
    if isinstance(network, MlpActor):
        return told | {"sees": list(network.sees), "widths": list(network.widths)}
    if isinstance(network, CameraActor):
        told |= {"estimates": network.estimates} if network.estimates else {}
        return told | {
            "sees": list(network.sees),
            "widths": list(network.widths),
            "features": network.features,
            "concurrent": network.concurrent,
        }
    raise DexjaxError(
        f"a policy of a {type(network).__name__} cannot be kept: only MlpActor and "
        "CameraActor are"
    )


def blank(told: Mapping[str, Any], spec: PolicySpec) -> ActorPolicy:
    """A policy of that description with empty arrays."""
    sees, widths = texts(told["sees"]), sizes(told["widths"])
    network: nn.Module = MlpActor(sees, spec.actions, widths)
    if "features" in told:
        network = CameraActor(
            sees,
            spec.actions,
            widths,
            size(told["features"]),
            estimates=size(told["estimates"]) if "estimates" in told else 0,
            concurrent=switch(told["concurrent"]),
        )
    every = {own.name: own for own in spec.observations}
    own = [every[name] for name in sees]
    blank_obs = {each.name: jnp.zeros(each.shape) for each in own}
    params = dict(network.init(jax.random.key(0), blank_obs))
    mean = {each.name: jnp.zeros(each.shape) for each in own if each.is_scaled}
    scaling = Scaling(mean, jax.tree.map(jnp.ones_like, mean))
    return ActorPolicy(params, scaling, network, limit(told["clip"]), spec)
