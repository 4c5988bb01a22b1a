"""Seeds of a set by grasp analysis (DexterityGen, section III-A).

Points of the object that balance, an object anywhere in the palm, a finger for each
point, and inverse kinematics. Where a finger ends beside its point, or is deep in the
object or another finger, the seed is left out. Physics closes what is left.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.grasps.energy import all_joints
from dexjax.grasps.sets.analysis import (
    POINTS,
    Contacts,
    balanced,
    draw_contacts,
)
from dexjax.grasps.sets.growth import LEAD_RAD, SEED_SPREAD_M
from dexjax.grasps.sets.palm import finger_of_actuators, palm_pose
from dexjax.grasps.sets.reach import (
    make_reach,
    nearest_fingers,
    tip_positions,
    tip_radii,
)
from dexjax.grasps.sets.trial import Grasps, touches
from dexjax.hands import Hand
from dexjax.scene import Scene

# For one seed so many choices of points are drawn, of which so many are reached for.
DRAWN, REACHED = 64, 8
# m, of the fingertips: off the surface at the start, and how far they are sent into
# the object, which is hard.
GAP_M, PRESS_M = 0.001, 0.005
REACH_M = 0.003  # from where they are to be at the start
DEEP_M = 0.005  # of the deepest contact at the start; the simulation pushes it out

Seeds = Callable[[np.ndarray, np.random.Generator], tuple[Grasps, np.ndarray]]


class Held(NamedTuple):
    """n objects in the palm's frame, and which of F fingers hold them where.

    Attributes:
        position: (n, 3) m.
        quaternion: (n, 4) wxyz.
        surface: (n, F, 3) m, the points of the fingers.
        normal: (n, F, 3) outward there.
        used: (n, F) bool, which fingers have a point.
    """

    position: np.ndarray
    quaternion: np.ndarray
    surface: np.ndarray
    normal: np.ndarray
    used: np.ndarray


def analysed_seeds(scene: Scene) -> Seeds:
    """A function that proposes grasps whose contacts balance.

    Args:
        scene: of a fixed palm.

    Returns:
        fn(model (n,), rng) -> grasps to start from and targets (m, actuated) rad that
        press, for m <= n of the models: the others were not reached.

    Raises:
        DexjaxError: for a hand with a single finger.
    """
    hand = scene.hand
    if len(hand.fingertips) < min(POINTS):
        raise DexjaxError(f"hand {hand.name!r} has one finger: use --seeding random")
    reach = make_reach(hand, finger_of_actuators(scene))
    tips, radius = jax.jit(jax.vmap(tip_positions(hand))), tip_radii(hand)[:, None]

    def seeds(model: np.ndarray, rng: np.random.Generator) -> tuple[Grasps, np.ndarray]:
        held, start, good = _promising(scene, tips, model, rng)
        outside = held.surface + (radius + GAP_M) * held.normal
        joints, away = (np.array(x) for x in reach(start, outside, held.used))
        inside = outside - (GAP_M + PRESS_M) * held.normal
        pressing = np.asarray(reach(joints, inside, held.used)[0])
        targets = np.clip(pressing, joints - LEAD_RAD, joints + LEAD_RAD)
        # The fingers press at once: what hangs between them would fall meanwhile.
        qpos = _qpos(scene, held, joints)
        grasps = Grasps(np.repeat(model, REACHED), qpos, targets)
        good &= away <= REACH_M
        _, depth = touches(scene, grasps.model, qpos, good)
        free = np.flatnonzero(good & (depth <= DEEP_M))
        first = free[np.unique(free // REACHED, return_index=True)[1]]
        return grasps.subset(first), targets[first]

    return seeds


def _promising(
    scene: Scene,
    tips: Callable[[np.ndarray], jax.Array],
    model: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Held, np.ndarray, np.ndarray]:
    """Of `DRAWN` choices of points for each of n models, `REACHED` to reach for.

    Points that balance come first, of these those that are nearest to the fingertips.

    Returns:
        The choices, model by model, actuated joints (n REACHED, A) rad to reach from,
        and whether the points balance, (n REACHED,).
    """
    objects, most = scene.objects, len(scene.hand.fingertips)
    which = np.repeat(model, DRAWN)
    contacts = draw_contacts(objects.points, objects.normals, which, most, rng)
    good = balanced(contacts)
    start = _half_closed(scene.hand, len(which), rng)
    held, way = _held(contacts, np.asarray(tips(start)), rng)
    # A finger without a point stays out of the way.
    used = held.used[:, finger_of_actuators(scene)]
    away = scene.hand.poses["open"][scene.hand.actuated_index]
    start = np.where(used, start, away).astype(np.float32)
    price = np.where(good, way, np.inf).reshape(-1, DRAWN)
    best = np.argsort(price, axis=1)[:, :REACHED]
    rows = (best + DRAWN * np.arange(len(model))[:, None]).ravel()
    held = Held(*(part[rows] for part in held))
    return held, start[rows], good[rows]


def _half_closed(hand: Hand, count: int, rng: np.random.Generator) -> np.ndarray:
    """(n, A) rad, from open to closed, all fingers alike."""
    open_, grasp = (hand.poses[n][hand.actuated_index] for n in ("open", "grasp"))
    curl = rng.uniform(0, 1, (count, 1))
    return (open_ + curl * (grasp - open_)).astype(np.float32)


def _held(
    contacts: Contacts, tips: np.ndarray, rng: np.random.Generator
) -> tuple[Held, np.ndarray]:
    """Objects anywhere in the hand, turned at random, and a finger for each contact.

    Their places are about the line from the palm's centre to the fingertips' middle.

    Args:
        contacts: n choices of K points.
        tips: (n, F, 3) m, of the fingertips.
        rng: draws places and turns.

    Returns:
        The objects, and the mean way of the fingers to their points, (n,) m.
    """
    count, fingers = tips.shape[:2]
    between = rng.random((count, 1)) * tips.mean(axis=1)
    position = between + rng.normal(0, SEED_SPREAD_M, (count, 3))
    turn = Rotation.random(count, rng)
    matrix = turn.as_matrix().swapaxes(1, 2)
    points = position[:, None] + contacts.points @ matrix
    finger, way = nearest_fingers(tips, points, contacts.there)
    surface, normal = np.zeros((2, count, fingers, 3), np.float32)
    used, rows = np.zeros((count, fingers), bool), np.arange(count)[:, None]
    surface[rows, finger] = points
    normal[rows, finger] = contacts.normals @ matrix
    used[rows, finger] = contacts.there
    quaternion = turn.as_quat(scalar_first=True)
    return Held(position, quaternion, surface, normal, used), way


def _qpos(scene: Scene, held: Held, actuated: np.ndarray) -> np.ndarray:
    """(n, nq) of the scene; coupled joints follow theirs."""
    centre, upright = palm_pose(scene)
    out = Rotation.from_quat(upright, scalar_first=True)
    quaternion = out * Rotation.from_quat(held.quaternion, scalar_first=True)
    place = scene.object_qpos.start
    qpos = np.tile(scene.model.qpos0, (len(actuated), 1))
    qpos[:, scene.finger_qpos] = jax.vmap(all_joints(scene.hand))(jnp.asarray(actuated))
    qpos[:, place : place + 3] = centre + out.apply(held.position)
    qpos[:, place + 3 : place + 7] = quaternion.as_quat(scalar_first=True)
    return qpos
