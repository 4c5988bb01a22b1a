"""Where a search for grasps starts: thumb and fingers on two opposed points.

A hand holds a thing between its thumb and other fingers. A table of hand poses says how
far apart the pads of both are then; two points of an object that look away from each
other, as far apart, are laid between them. The energy is left with the details.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.grasps.energy import Pose, Table, all_joints
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.surface import contact_points, hand_spheres, place

# Poses of the table; how far they go from "open" to "grasp" and beyond; noise, rad.
_POSES = 1024
_CURL = (-0.5, 2.0)
_NOISE = 0.15
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
# for one in which the pads are as far apart.
_OTHERS = 64
_FITTING = 16


class Pads(NamedTuple):
    """Poses of a hand and where its pads are then, in the root's frame.

    Attributes:
        actuated: (poses, actuated) rad.
        thumb: (poses, 3) middle of the thumb's pad, m.
        fingers: (poses, 3) middle of the pads of two other fingers, m.
    """

    actuated: jax.Array
    thumb: jax.Array
    fingers: jax.Array


class Surface(NamedTuple):
    """Samples of an object's surface in its frame.

    Attributes:
        points: (n, 3) m.
        normals: (n, 3) outward, unit.
    """

    points: jax.Array
    normals: jax.Array


def thumb_links(hand: Hand) -> np.ndarray:
    """(links,) bool, the thumb: the finger whose pad is farthest from the others'.

    Fingers are the chains from the tree's last links to the palm.
    """
    last = _last_links(hand)
    pads = _pad_middles(hand)(hand.poses["grasp"][hand.actuated_index])
    far = np.linalg.norm(pads[:, None] - pads, axis=-1).sum(axis=1)
    thumb = np.zeros(len(hand.links), bool)
    link = int(last[far.argmax()])
    while link > 0:
        thumb[link] = True
        link = int(hand.tree.parent[link])
    return thumb


def pad_table(hand: Hand, seed: int = 0) -> Pads:
    """Random poses between open and closed, with their pads."""
    rng = np.random.default_rng(seed)
    open_, grasp = (hand.poses[n][hand.actuated_index] for n in ("open", "grasp"))
    curl = rng.uniform(*_CURL, (_POSES, 1))
    noise = _NOISE * rng.standard_normal((_POSES, len(open_)))
    low, high = hand.joint_range[hand.actuated_index].T
    actuated = np.clip(open_ + curl * (grasp - open_) + noise, low, high)
    middles = np.asarray(jax.jit(jax.vmap(_pad_middles(hand)))(actuated))
    thumb = thumb_links(hand)[_last_links(hand)]
    others = np.flatnonzero(~thumb)
    pair = rng.integers(0, len(others) - 1, _POSES)
    rows = np.arange(_POSES)
    fingers = (middles[rows, others[pair]] + middles[rows, others[pair + 1]]) / 2
    return Pads(*map(jnp.asarray, (actuated, middles[:, thumb.argmax()], fingers)))


def opposed_start(
    hand: Hand, pads: Pads
) -> Callable[[jax.Array, Surface, Table], Pose]:
    """A pure function that lays a hand about two opposed points of an object.

    Args:
        hand: the hand.
        pads: of the hand, see `pad_table`.

    Returns:
        fn(key, surface, table) -> `Pose`.
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

    def start(key: jax.Array, surface: Surface, table: Table) -> Pose:
        point_key, pose_key, turn_key = jax.random.split(key, 3)
        thumb, fingers = _opposed(point_key, surface, table)
        width = jnp.linalg.norm(fingers - thumb) + 2 * _GAP
        some = jax.random.randint(pose_key, (_FITTING,), 0, _POSES)
        gaps = jnp.linalg.norm(pads.fingers[some] - pads.thumb[some], axis=1)
        chosen = some[jnp.abs(gaps - width).argmin()]
        own = jax.tree.map(lambda x: x[chosen], pads)
        middle = (own.thumb + own.fingers) / 2
        along, to_palm = own.fingers - own.thumb, palm - middle
        axis = fingers - thumb
        angle = jax.random.uniform(turn_key, (), maxval=2 * jnp.pi)
        away = _above(_across(axis, angle), table)
        rotation = _turn(along, to_palm, axis, away)
        target = (thumb + fingers) / 2
        translation = target - rotations.rotate(rotation, middle)
        return lifted(Pose(translation, rotation, own.actuated), table)

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
    unit = _unit(axis)
    least = jnp.eye(3)[jnp.abs(unit).argmin()]
    side = _unit(jnp.cross(unit, least))
    return jnp.cos(angle) * side + jnp.sin(angle) * jnp.cross(unit, side)


def _above(direction: jax.Array, table: Table) -> jax.Array:
    """The direction, or its opposite if it points down to the table."""
    return jnp.where(direction @ table.up < 0, -direction, direction)


def _turn(
    along: jax.Array, other: jax.Array, wanted_along: jax.Array, wanted_other: jax.Array
) -> jax.Array:
    """(4,) wxyz that turns a pair of directions to another, the first one exactly."""
    return rotations.from_matrix(
        _frame(wanted_along, wanted_other) @ _frame(along, other).T
    )


def _frame(x: jax.Array, near_y: jax.Array) -> jax.Array:
    """A rotation matrix (3, 3) with columns along x, near y and across both."""
    x = _unit(x)
    z = _unit(jnp.cross(x, near_y))
    return jnp.stack([x, jnp.cross(z, x), z], axis=1)


def _unit(x: jax.Array) -> jax.Array:
    return x / jnp.maximum(jnp.linalg.norm(x), 1e-9)


def _last_links(hand: Hand) -> np.ndarray:
    """Indices of the links that carry no other."""
    return np.setdiff1d(np.arange(len(hand.links)), hand.tree.parent)


def _pad_middles(hand: Hand) -> Callable[[jax.Array | np.ndarray], jax.Array]:
    """Function from joint angles (actuated,) to the last links' pads.

    It gives the middles (fingers, 3) of their contact points in the root's frame, m.
    """
    points, upright = contact_points(hand), jnp.array([1.0, 0.0, 0.0, 0.0])
    kinematics, expand = forward_kinematics(hand), all_joints(hand)
    on = (points.link[:, None] == _last_links(hand)).astype(np.float32)

    def middles(actuated: jax.Array | np.ndarray) -> jax.Array:
        links = kinematics(jnp.zeros(3), upright, expand(jnp.asarray(actuated)))
        placed = place(links, points.link, points.position)
        return on.T @ placed / on.sum(axis=0)[:, None]

    return middles
