"""The energy of a grasp: low where a hand's pose holds an object.

DexGraspNet (Wang et al. 2023, eq. 1-7):

    E = E_fc + 100 E_dis + 100 E_pen + 10 E_spen + E_joints

force closure of a few contacts, their distance to the surface, penetration of hand and
object, of the hand with itself, and joint limits. Here the object is its collision
hulls, the hand the spheres that fill its collision geometry, coupled joints follow
theirs, and the table that the object rests on is one more thing not to penetrate.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.contact_geometry import Spheres, contact_points, hand_spheres, place
from dexjax.objects.solid import Solid, signed_distance, smooth_normals

WEIGHTS = {
    "force_closure": 1.0,
    "distance": 100.0,
    "penetration": 100.0,
    "self_penetration": 10.0,
    "joints": 1.0,
    "table": 100.0,
}
CONTACTS = 4
# What each contact presses with: the first is the thumb's, which alone opposes the
# others. (The paper's press alike, and none of them is bound to a finger.)
_FORCES = np.array([2.0, 2 / 3, 2 / 3, 2 / 3])
# m, between the spheres that stand for a capsule, against the object and the hand.
_SPACING = 0.008
_SELF_SPACING = 0.014
# m; torques count as forces on a lever so long.
_LEVER = 0.1


class Pose(NamedTuple):
    """A hand pose in the object's frame.

    Attributes:
        translation: (3,) of the hand's root, m.
        rotation: (4,) of the hand's root, wxyz; used at unit length.
        actuated: (actuated,) angles of the joints with an actuator, rad.
    """

    translation: jax.Array
    rotation: jax.Array
    actuated: jax.Array


class Table(NamedTuple):
    """The table in the object's frame: where up . x + height < 0.

    Attributes:
        up: (3,) unit normal.
        height: () of the frame's origin above the table, m.
    """

    up: jax.Array
    height: jax.Array


def all_joints(hand: Hand) -> Callable[[jax.Array], jax.Array]:
    """Angles of the actuated joints (actuated,) -> of all joints (joints,), rad.

    A coupled joint follows its driving one, up to its own limit.
    """
    low, high = hand.joint_range.T

    def expand(actuated: jax.Array) -> jax.Array:
        q = jnp.zeros(len(hand.joints)).at[hand.actuated_index].set(actuated)
        for driving, following, ratio in hand.couplings:
            i, j = hand.joints.index(driving), hand.joints.index(following)
            q = q.at[j].set(jnp.clip(ratio * q[i], low[j], high[j]))
        return q

    return expand


def grasp_energy(
    hand: Hand,
) -> Callable[[Pose, jax.Array, Solid, Table], dict[str, jax.Array]]:
    """A pure function that gives the energy terms of a grasp, unweighted.

    Returns:
        fn(pose, contacts (4,) int, solid, table) -> name -> (), named as `WEIGHTS`.
    """
    kinematics = forward_kinematics(hand)
    expand = all_joints(hand)
    spheres, coarse = hand_spheres(hand, _SPACING), hand_spheres(hand, _SELF_SPACING)
    points = contact_points(hand)
    first, second = _pairs(hand, coarse)
    reach = coarse.radius[first] + coarse.radius[second]
    low, high = hand.joint_range[hand.actuated_index].T

    def energy(
        pose: Pose, contacts: jax.Array, solid: Solid, table: Table
    ) -> dict[str, jax.Array]:
        rotation = pose.rotation / jnp.linalg.norm(pose.rotation)
        links = kinematics(pose.translation, rotation, expand(pose.actuated))
        centres = place(links, spheres.link, spheres.centre)
        link = jnp.asarray(points.link)[contacts]
        touching = place(links, link, jnp.asarray(points.position)[contacts])
        gaps, _ = signed_distance(solid, jnp.concatenate([touching, centres]))
        inwards = -smooth_normals(solid, touching)
        deep = spheres.radius - gaps[CONTACTS:]
        own = place(links, coarse.link, coarse.centre)
        apart = _norm(own[first] - own[second])
        below = spheres.radius - (centres @ table.up + table.height)
        return {
            "force_closure": _force_closure(touching, inwards),
            "distance": jnp.abs(gaps[:CONTACTS]).sum(),
            "penetration": jnp.maximum(deep, 0.0).sum(),
            "self_penetration": jnp.maximum(reach - apart, 0.0).sum(),
            "joints": _beyond(pose.actuated, low, high),
            "table": jnp.maximum(below, 0.0).sum(),
        }

    return energy


def penetration(hand: Hand) -> Callable[[Pose, Solid], jax.Array]:
    """A pure function that gives how deep a hand is in an object.

    Returns:
        fn(pose, solid) -> () m, of the deepest point; negative where all are outside.
    """
    kinematics, expand = forward_kinematics(hand), all_joints(hand)
    spheres = hand_spheres(hand)

    def depth(pose: Pose, solid: Solid) -> jax.Array:
        links = kinematics(pose.translation, pose.rotation, expand(pose.actuated))
        centres = place(links, spheres.link, spheres.centre)
        return (spheres.radius - signed_distance(solid, centres)[0]).max()

    return depth


def _force_closure(positions: jax.Array, inwards: jax.Array) -> jax.Array:
    """Length of the wrench of forces along the contact normals (eq. 2).

    Args:
        positions: (n, 3) of the contacts, m.
        inwards: (n, 3) unit normals into the object.
    """
    lever = (positions - positions.mean(axis=0)) / _LEVER
    forces = _FORCES[:, None] * inwards
    force, torque = forces.sum(axis=0), jnp.cross(lever, forces).sum(axis=0)
    return _norm(jnp.concatenate([force, torque]))


def _beyond(angles: jax.Array, low: np.ndarray, high: np.ndarray) -> jax.Array:
    over, under = jnp.maximum(angles - high, 0.0), jnp.maximum(low - angles, 0.0)
    return (over + under).sum()


def _norm(x: jax.Array) -> jax.Array:
    """Euclidean length with a gradient everywhere."""
    return jnp.sqrt((x * x).sum(-1) + 1e-12)


def _pairs(hand: Hand, spheres: Spheres) -> tuple[np.ndarray, np.ndarray]:
    """Indices of spheres (pairs,) and (pairs,) of links that may collide.

    Left out are those of one link, of neighbours in the tree, and of links that touch
    in the pose "neutral", such as the roots of two fingers.
    """
    upright = jnp.array([1.0, 0.0, 0.0, 0.0])
    straight = jnp.asarray(hand.poses["neutral"])
    poses = forward_kinematics(hand)(jnp.zeros(3), upright, straight)
    centres = np.asarray(place(poses, spheres.link, spheres.centre))
    first, second = np.triu_indices(len(centres), 1)
    gap = np.linalg.norm(centres[first] - centres[second], axis=1)
    gap -= spheres.radius[first] + spheres.radius[second]
    count = len(hand.links)
    apart = np.ones((count, count), bool)
    a, b = spheres.link[first], spheres.link[second]
    apart[a[gap < 0], b[gap < 0]] = False
    for link in np.unique(spheres.link):
        apart[link, link] = False
        apart[_carrier(hand, spheres.link, link), link] = False
    kept = apart[a, b] & apart[b, a]
    return first[kept], second[kept]


def _carrier(hand: Hand, links: np.ndarray, link: int) -> int:
    """The next of some links on the way to the palm; the palm if there is none."""
    above = int(hand.tree.parent[link])
    while above > 0 and above not in links:
        above = int(hand.tree.parent[above])
    return max(above, 0)


def rest_table(rest_quat: np.ndarray, rest_height: float) -> Table:
    """The table under an object at rest, in the object's frame."""
    up = rotations.rotate(
        rotations.conjugate(jnp.asarray(rest_quat)), jnp.array([0.0, 0.0, 1.0])
    )
    return Table(up, jnp.asarray(rest_height))
