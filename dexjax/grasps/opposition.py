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

# Poses of the table, spread over so many ranges of the gap, and random ones among which
# they are chosen.
_POSES = 1024
_GAPS = 8
_RANDOM = 65_536
# Choices of contact points for each, of which those that face each other best are kept.
_CHOICES = 16
# How far random poses go from "open" to "grasp" and beyond; noise, rad.
_CURL = (-0.5, 2.0)
_NOISE = 0.15
# m; an unnatural pinch is taken where it fits better by so much.
_PINCH = 0.01
# Cosine: pads that face each other less squarely hold nothing.
_FACING = 0.6
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


class Pads(NamedTuple):
    """Poses of a hand and where its pads are then, in the root's frame.

    Attributes:
        actuated: (poses, actuated) rad.
        contacts: (poses, 4) contact points that face each other: one of the thumb,
            then those of two other fingers.
        thumb: (poses, 3) the thumb's contact point, m.
        fingers: (poses, 3) the middle of the others', m.
        below: (poses,) how far the hand reaches beyond the line between the two, seen
            from the palm, m.
        price: (poses,) what a better fit has to gain for the pose to be taken, m.
    """

    actuated: jax.Array
    contacts: jax.Array
    thumb: jax.Array
    fingers: jax.Array
    below: jax.Array
    price: jax.Array


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
    last = last_links(hand)
    points = _pad_points(hand)(hand.poses["grasp"][hand.actuated_index])
    on = contact_points(hand).link
    pads = np.array([np.mean(points[on == finger], axis=0) for finger in last])
    far = np.linalg.norm(pads[:, None] - pads, axis=-1).sum(axis=1)
    thumb = np.zeros(len(hand.links), bool)
    link = int(last[far.argmax()])
    while link > 0:
        thumb[link] = True
        link = int(hand.tree.parent[link])
    return thumb


def pad_table(hand: Hand, seed: int = 0) -> Pads:
    """Poses in which thumb and fingers face each other.

    One half are natural: on the way from open to closed, all fingers alike, touching
    with the middles of their pads. The others, drawn at random, pinch with any part of
    the pads: only the very tips of the fingers get beside a low thing on a table.
    """
    rng = np.random.default_rng(seed)
    look = jax.jit(jax.vmap(_facing(hand)))
    on_way = _on_the_way(hand, rng, _POSES // 2)
    natural, _ = look(on_way, _middle_contacts(hand, rng, _POSES // 2))
    drawn, facing = look(
        _random_poses(hand, rng), _random_contacts(hand, rng, (_RANDOM, _CHOICES))
    )
    gap = np.linalg.norm(drawn.fingers - drawn.thumb, axis=1)
    chosen = _spread_over(gap, np.where(facing > _FACING, drawn.below, np.inf), rng)
    pinches = jax.tree.map(lambda x: x[chosen], drawn)
    pinches = pinches._replace(price=jnp.full(len(chosen), _PINCH))
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), natural, pinches)


def _spread_over(
    gap: np.ndarray, below: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Indices of poses, as many of each gap; half of them with the least below."""
    chosen = []
    edges = np.linspace(0.0, _WIDEST, _GAPS + 1)
    for near, far in zip(edges[:-1], edges[1:], strict=True):
        own = np.flatnonzero((gap > near) & (gap <= far) & np.isfinite(below))
        if len(own):
            half = _POSES // _GAPS // 4
            low = own[below[own].argsort()][:half]
            chosen += [np.resize(low, half), rng.choice(own, half)]
    return np.concatenate(chosen)


def _on_the_way(hand: Hand, rng: np.random.Generator, count: int) -> np.ndarray:
    """(n, actuated) rad, poses between open and closed, or a little beyond."""
    open_, grasp = (hand.poses[n][hand.actuated_index] for n in ("open", "grasp"))
    low, high = hand.joint_range[hand.actuated_index].T
    curl = rng.uniform(*_CURL, (count, 1))
    noise = _NOISE * rng.standard_normal((count, len(open_)))
    return np.clip(open_ + curl * (grasp - open_) + noise, low, high)


def _random_poses(hand: Hand, rng: np.random.Generator) -> np.ndarray:
    """(n, actuated) rad: every second joint on the way, the others anywhere."""
    on_way = _on_the_way(hand, rng, _RANDOM)
    anywhere = rng.uniform(*hand.joint_range[hand.actuated_index].T, on_way.shape)
    return np.where(rng.random(on_way.shape) < 0.5, on_way, anywhere)


def _middle_contacts(hand: Hand, rng: np.random.Generator, count: int) -> np.ndarray:
    """(n, 1, 4) contact points: the middles of the pads of the thumb and two others."""
    points, last = contact_points(hand), last_links(hand)
    middles = []
    for finger in last:
        own = np.flatnonzero(points.link == finger)
        away = points.position[own] - points.position[own].mean(axis=0)
        middles.append(own[np.linalg.norm(away, axis=1).argmin()])
    return _of_two(hand, rng, [np.full((count, 1), middle) for middle in middles])


def _random_contacts(
    hand: Hand, rng: np.random.Generator, shape: tuple[int, int]
) -> np.ndarray:
    """(n, choices, 4) contact points anywhere on the pads of thumb and two others."""
    link, last = contact_points(hand).link, last_links(hand)
    drawn = [rng.choice(np.flatnonzero(link == finger), shape) for finger in last]
    return _of_two(hand, rng, drawn)


def _of_two(
    hand: Hand, rng: np.random.Generator, on_pads: list[np.ndarray]
) -> np.ndarray:
    """Of a contact point on every finger: the thumb's and those of two neighbours."""
    thumb, shape = thumb_links(hand)[last_links(hand)], on_pads[0].shape
    others = np.stack([p for p, t in zip(on_pads, thumb, strict=True) if not t], -1)
    pair = rng.integers(0, others.shape[-1] - 1, shape)[..., None]
    first = np.take_along_axis(others, pair, axis=-1)
    second = np.take_along_axis(others, pair + 1, axis=-1)
    twice = np.where(rng.random((*shape, 1)) < 0.5, first, second)
    own = on_pads[int(thumb.argmax())][..., None]
    return np.concatenate([own, first, second, twice], axis=-1)


def _facing(hand: Hand) -> Callable[[jax.Array, jax.Array], tuple[Pads, jax.Array]]:
    """Function (actuated, choices (n, 4)) -> with the best of them, its cosine."""
    points, upright = contact_points(hand), jnp.array([1.0, 0.0, 0.0, 0.0])
    kinematics, expand = forward_kinematics(hand), all_joints(hand)
    spheres, palm = hand_spheres(hand, _SPACING), jnp.asarray(hand.palm_center)

    def look(actuated: jax.Array, choices: jax.Array) -> tuple[Pads, jax.Array]:
        links = kinematics(jnp.zeros(3), upright, expand(actuated))
        at = place(links, points.link, points.position)
        out = rotations.rotate(links.quaternion[points.link], points.normal)
        centres = place(links, spheres.link, spheres.centre)

        def cosine(contacts: jax.Array) -> jax.Array:
            thumb, fingers = at[contacts[0]], at[contacts[1:3]].mean(axis=0)
            axis = _unit(fingers - thumb)
            other = _unit(out[contacts[1:3]].sum(axis=0))
            return jnp.minimum(out[contacts[0]] @ axis, -other @ axis)

        cosines = jax.vmap(cosine)(choices)
        contacts = choices[cosines.argmax()]
        thumb, fingers = at[contacts[0]], at[contacts[1:3]].mean(axis=0)
        middle = (thumb + fingers) / 2
        up = _frame(fingers - thumb, palm - middle)[:, 1]
        below = (spheres.radius - (centres - middle) @ up).max()
        free = jnp.zeros(())
        return Pads(actuated, contacts, thumb, fingers, below, free), cosines.max()

    return look


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


def last_links(hand: Hand) -> np.ndarray:
    """Indices of the links that carry no other."""
    return np.setdiff1d(np.arange(len(hand.links)), hand.tree.parent)


def _pad_points(hand: Hand) -> Callable[[jax.Array | np.ndarray], jax.Array]:
    """Function from joint angles (actuated,) to the contact points (points, 3).

    They are given in the root's frame, m.
    """
    points, upright = contact_points(hand), jnp.array([1.0, 0.0, 0.0, 0.0])
    kinematics, expand = forward_kinematics(hand), all_joints(hand)

    def placed(actuated: jax.Array | np.ndarray) -> jax.Array:
        links = kinematics(jnp.zeros(3), upright, expand(jnp.asarray(actuated)))
        return place(links, points.link, points.position)

    return placed
