"""Where a hand's links are: forward kinematics in JAX."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.hands.hand import Hand


class LinkPoses(NamedTuple):
    """Poses of all links in the world frame, in the order of `Hand.links`.

    Attributes:
        position: (links, 3), m.
        quaternion: (links, 4), wxyz, unit.
    """

    position: jax.Array
    quaternion: jax.Array


def forward_kinematics(
    hand: Hand,
) -> Callable[[jax.Array, jax.Array, jax.Array], LinkPoses]:
    """A pure function from a configuration to the poses of all links.

    Returns:
        fn(root_pos (3,), root_quat (4,) wxyz unit, q (joints,) rad) -> `LinkPoses` in
        the frame in which the root pose is given.
    """
    tree = hand.tree
    generations = _generations(tree.parent)
    order = np.argsort(np.concatenate(generations))

    def kinematics(
        root_pos: jax.Array, root_quat: jax.Array, q: jax.Array
    ) -> LinkPoses:
        # Generation by generation, all fingers at once: compiles far faster than link
        # by link.
        turned = rotations.multiply(
            tree.quaternion[1:], rotations.from_axis_angle(tree.axis[1:], q)
        )
        position, quaternion = root_pos[None], root_quat[None]
        positions, quaternions = [position], [quaternion]
        for above, links in zip(generations, generations[1:], strict=False):
            parent = np.searchsorted(above, tree.parent[links])
            position, quaternion = position[parent], quaternion[parent]
            position = position + rotations.rotate(quaternion, tree.position[links])
            quaternion = rotations.multiply(quaternion, turned[links - 1])
            positions.append(position)
            quaternions.append(quaternion)
        return LinkPoses(
            jnp.concatenate(positions)[order], jnp.concatenate(quaternions)[order]
        )

    return kinematics


def _generations(parent: np.ndarray) -> list[np.ndarray]:
    """Link indices, sorted, by their distance from the palm in the tree."""
    depth = np.zeros(len(parent), int)
    for link in range(1, len(parent)):
        depth[link] = depth[parent[link]] + 1
    return [np.flatnonzero(depth == d) for d in range(depth.max() + 1)]
