"""Where the pads of a hand are in many of its poses, and how far apart.

A hand holds a thing between its thumb and other fingers. A table of poses says how far
apart the pads of both are then.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.grasps.energy import all_joints
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.contact_geometry import contact_points, hand_spheres, place

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
# m, between the spheres that stand for a capsule.
_SPACING = 0.02


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
    low, high = hand.joint_range[hand.actuated_index].T
    anywhere = rng.uniform(low, high, on_way.shape)
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
            axis = unit(fingers - thumb)
            other = unit(out[contacts[1:3]].sum(axis=0))
            return jnp.minimum(out[contacts[0]] @ axis, -other @ axis)

        cosines = jax.vmap(cosine)(choices)
        contacts = choices[cosines.argmax()]
        thumb, fingers = at[contacts[0]], at[contacts[1:3]].mean(axis=0)
        middle = (thumb + fingers) / 2
        up = frame(fingers - thumb, palm - middle)[:, 1]
        below = (spheres.radius - (centres - middle) @ up).max()
        free = jnp.zeros(())
        return Pads(actuated, contacts, thumb, fingers, below, free), cosines.max()

    return look


def frame(x: jax.Array, near_y: jax.Array) -> jax.Array:
    """A rotation matrix (3, 3) with columns along x, near y and across both."""
    x = unit(x)
    z = unit(jnp.cross(x, near_y))
    return jnp.stack([x, jnp.cross(z, x), z], axis=1)


def unit(x: jax.Array) -> jax.Array:
    """A vector of length one, (3,)."""
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
