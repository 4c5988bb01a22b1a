"""A policy that does as it is told, and nothing else."""

import jax
from flax import struct

from dexjax.policies.policy import Command
from dexjax.spec import PolicySpec


class Puppet(struct.PyTreeNode):
    """Does what it is told with the first joint."""

    spec: PolicySpec = struct.field(pytree_node=False)
    commands: tuple[Command, ...] = struct.field(pytree_node=False)

    def init(self, batch):
        return jax.numpy.zeros(batch)

    def told(self, carry, command):
        return jax.numpy.full_like(carry, command["bend"])

    def act(self, obs, carry, key=None):
        action = jax.numpy.zeros((len(carry), self.spec.actions))
        return action.at[:, 6].set(carry), carry
