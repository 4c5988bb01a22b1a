"""A policy of vision: acts on what the hand feels and on points of the object."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from dexjax.networks.scaling import Scaling, scaled
from dexjax.networks.student import VisionActor
from dexjax.policies.plain import limit, sizes, text, texts
from dexjax.spec import PolicySpec


class StudentPolicy(struct.PyTreeNode):
    """A vision actor with its parameters; see `Policy`.

    Attributes:
        params: of the network.
        scaling: of the vectors that it sees.
        network: the actor.
        clip: largest scaled observation.
        spec: what it acts on.
    """

    params: dict
    scaling: Scaling
    network: VisionActor = struct.field(pytree_node=False)
    clip: float = struct.field(pytree_node=False)
    spec: PolicySpec = struct.field(pytree_node=False)

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return ()

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`; the cloud may have any number of points."""
        prepared = scaled(self.scaling, obs, self.clip)
        return jnp.asarray(self.network.apply(self.params, prepared)), carry


def describe(policy: StudentPolicy) -> dict:
    """What the codec needs beside the arrays."""
    network = policy.network
    return {
        "sees": list(network.sees),
        "cloud": network.cloud,
        "widths": list(network.widths),
        "clip": policy.clip,
    }


def blank(told: Mapping[str, Any], spec: PolicySpec) -> StudentPolicy:
    """A policy of that description with empty arrays."""
    network = VisionActor(
        texts(told["sees"]), text(told["cloud"]), spec.actions, sizes(told["widths"])
    )
    seen = {own.name: jnp.zeros(own.shape) for own in spec.observations}
    params = dict(network.init(jax.random.key(0), seen))
    vectors = {name: seen[name] for name in network.sees}
    scaling = Scaling(vectors, jax.tree.map(jnp.ones_like, vectors))
    return StudentPolicy(params, scaling, network, limit(told["clip"]), spec)
