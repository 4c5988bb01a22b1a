"""Where a search for grasps starts: thumb and fingers on two opposed points.

Two points of an object that look away from each other are laid between the pads of a
pose in which these are as far apart. The energy is left with the details.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax import rotations
from dexjax.grasps.energy import Pose, Table, all_joints
from dexjax.grasps.pads import Pads, frame, unit
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.contact_geometry import hand_spheres, place

# m; points farther apart than that are not held between thumb and fingers.
_WIDEST = 0.11
# Cosine of the normal with "up", and m above the table, from which points are free.
_LOWEST = -0.3
_LOW = 0.004
# m, between a pad and the surface at the start.
_GAP = 0.003
# m, between the spheres that stand for a capsule.
_SPACING = 0.02
# So many points are looked at for one that is opposed to another, and so many poses
# for one in which the pads are as far apart and have room above the table.
_OTHERS = 64
_FITTING = 64


class Surface(NamedTuple):
    """Samples of an object's surface in its frame.

    Attributes:
        points: (n, 3) m.
        normals: (n, 3) outward, unit.
    """

    points: jax.Array
    normals: jax.Array


def opposed_start(
    hand: Hand, pads: Pads
) -> Callable[[jax.Array, Surface, Table], tuple[Pose, jax.Array]]:
    """A pure function that lays a hand about two opposed points of an object.

    Args:
        hand: the hand.
        pads: of the hand, see `pad_table`.

    Returns:
        fn(key, surface, table) -> `Pose` and contact points (4,).
    """
    palm = jnp.asarray(hand.palm_center)
    kinematics, expand = forward_kinematics(hand), all_joints(hand)
    spheres = hand_spheres(hand, _SPACING)

    def lifted(pose: Pose, table: Table) -> Pose:
        """The pose, moved up as far as it is in the table."""
        links = kinematics(pose.translation, pose.rotation, expand(pose.actuated))
        centres = place(links, spheres.link, spheres.centre)
        below = spheres.radius - (centres @ table.up + table.height)
        up = jnp.maximum(below.max(), 0.0) * table.up
        return pose._replace(translation=pose.translation + up)

    def start(key: jax.Array, surface: Surface, table: Table) -> tuple[Pose, jax.Array]:
        point_key, pose_key, turn_key = jax.random.split(key, 3)
        thumb, fingers = _opposed(point_key, surface, table)
        target, axis = (thumb + fingers) / 2, fingers - thumb
        angle = jax.random.uniform(turn_key, (), maxval=2 * jnp.pi)
        away = _above(_across(axis, angle), table)
        width = jnp.linalg.norm(axis) + 2 * _GAP
        some = jax.random.randint(pose_key, (_FITTING,), 0, len(pads.below))
        gaps = jnp.linalg.norm(pads.fingers[some] - pads.thumb[some], axis=1)
        # How far the hand would be in the table, as far as it comes from above.
        room = target @ table.up + table.height
        sunk = jnp.maximum(pads.below[some] * (away @ table.up) - room, 0.0)
        misfit = jnp.abs(gaps - width) + sunk + pads.price[some]
        chosen = some[misfit.argmin()]
        own = jax.tree.map(lambda x: x[chosen], pads)
        middle = (own.thumb + own.fingers) / 2
        along, to_palm = own.fingers - own.thumb, palm - middle
        rotation = _turn(along, to_palm, axis, away)
        translation = target - rotations.rotate(rotation, middle)
        pose = lifted(Pose(translation, rotation, own.actuated), table)
        return pose, own.contacts

    return start


def _opposed(
    key: jax.Array, surface: Surface, table: Table
) -> tuple[jax.Array, jax.Array]:
    """A point (3,) and of some others that which looks away from it most squarely.

    Neither looks down at the table or is so near to it that no finger has room.
    """
    first_key, other_key = jax.random.split(key)
    height = surface.points @ table.up + table.height
    free = (surface.normals @ table.up > _LOWEST) & (height > _LOW)
    # All free ones are as likely, the others next to never.
    chances = jnp.cumsum(free + 1e-6)
    first = _draw(first_key, chances, ())
    some = _draw(other_key, chances, (_OTHERS,))
    to_others = surface.points[some] - surface.points[first]
    width = jnp.linalg.norm(to_others, axis=1)
    direction = to_others / jnp.maximum(width, 1e-6)[:, None]
    here = -direction @ surface.normals[first]
    there = (direction * surface.normals[some]).sum(axis=1)
    square = jnp.minimum(here, there) - (width > _WIDEST)
    return surface.points[first], surface.points[some[square.argmax()]]


def _draw(key: jax.Array, chances: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Indices, int, drawn with the given cumulated chances (n,)."""
    level = chances[-1] * jax.random.uniform(key, shape)
    return jnp.minimum(jnp.searchsorted(chances, level), len(chances) - 1)


def _across(axis: jax.Array, angle: jax.Array) -> jax.Array:
    """A unit direction (3,) at right angles to an axis (3,), turned about it."""
    along = unit(axis)
    least = jnp.eye(3)[jnp.abs(along).argmin()]
    side = unit(jnp.cross(along, least))
    return jnp.cos(angle) * side + jnp.sin(angle) * jnp.cross(along, side)


def _above(direction: jax.Array, table: Table) -> jax.Array:
    """The direction, or its opposite if it points down to the table."""
    return jnp.where(direction @ table.up < 0, -direction, direction)


def _turn(
    along: jax.Array, other: jax.Array, wanted_along: jax.Array, wanted_other: jax.Array
) -> jax.Array:
    """(4,) wxyz that turns a pair of directions to another, the first one exactly."""
    return rotations.from_matrix(
        frame(wanted_along, wanted_other) @ frame(along, other).T
    )
