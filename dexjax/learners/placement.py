"""Which devices simulate and which learn."""

from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dexjax.errors import DexjaxError

WORLDS = "worlds"  # axis of a mesh that the worlds are spread over


class Placement(NamedTuple):
    """Two meshes of devices: equal, or without a device in common.

    Equal meshes are data parallel: every device steps its worlds and learns from them.
    Of disjoint ones the first hold nothing but worlds and the others networks and what
    is learned from (End-to-end RL Improves Dexterous Grasping Policies, 2025).

    Attributes:
        simulate: step the worlds.
        learn: hold the networks and update them.
    """

    simulate: Mesh
    learn: Mesh

    @property
    def together(self) -> bool:
        """Whether the same devices do both."""
        return _devices(self.simulate) == _devices(self.learn)


def _devices(mesh: Mesh) -> set:
    return set(np.ravel(mesh.devices))


def check_placement(placement: Placement, worlds: int) -> None:
    """Refuses meshes that overlap without being equal, and worlds that do not divide.

    Raises:
        DexjaxError: says which.
    """
    shared = _devices(placement.simulate) & _devices(placement.learn)
    if shared and not placement.together:
        raise DexjaxError(
            f"{len(shared)} devices both simulate and learn, others do one of these: "
            "give two meshes that are equal, or that share no device"
        )
    for mesh in placement:
        if worlds % mesh.size:
            raise DexjaxError(
                f"{worlds} worlds do not divide over {mesh.size} devices: choose a "
                f"multiple of {mesh.size}"
            )


def place(devices: int, learners: int = 0) -> Placement:
    """A placement on the first devices that JAX has.

    Args:
        devices: in all.
        learners: so many of them learn and do not simulate; with 0 all do both.

    Raises:
        DexjaxError: if there are not that many, or none is left to simulate.
    """
    present = jax.devices()
    if not 1 <= devices <= len(present):
        raise DexjaxError(
            f"{devices} devices: choose 1 to {len(present)}, as many as JAX has here"
        )
    if not 0 <= learners < devices:
        raise DexjaxError(
            f"{learners} learners of {devices} devices: choose 0 to {devices - 1}, one "
            "at least has to simulate"
        )
    own = np.array(present[:devices])
    if not learners:
        mesh = Mesh(own, (WORLDS,))
        return Placement(mesh, mesh)
    first = devices - learners
    return Placement(Mesh(own[:first], (WORLDS,)), Mesh(own[first:], (WORLDS,)))


def split(mesh: Mesh) -> NamedSharding:
    """Of arrays whose first dimension is that of the worlds."""
    return NamedSharding(mesh, PartitionSpec(WORLDS))


def whole(mesh: Mesh) -> NamedSharding:
    """Of arrays that every device has."""
    return NamedSharding(mesh, PartitionSpec())
