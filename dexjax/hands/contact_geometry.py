"""What of a hand touches: spheres that fill its links, and points that touch objects.

Both come from the collision geometry, in the frames of the links, so that forward
kinematics carries them along.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations
from dexjax.errors import DexjaxError
from dexjax.hands.files import called
from dexjax.hands.hand import Hand
from dexjax.hands.kinematics import LinkPoses, forward_kinematics

# Directions (n, 3) in which a sphere is looked at for contact points.
_DIRECTIONS = 48
# A contact point looks at the middle of the grasp within this angle's cosine.
_FACING = np.cos(np.radians(50.0))
_SHAPES = (mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_SPHERE)


class Spheres(NamedTuple):
    """Spheres that fill the hand's capsules and spheres.

    Attributes:
        link: (spheres,) index into `Hand.links`.
        centre: (spheres, 3) in the link's frame, m.
        radius: (spheres,) m.
    """

    link: np.ndarray
    centre: np.ndarray
    radius: np.ndarray


class ContactPoints(NamedTuple):
    """Points of the hand that touch what it holds: pads of the fingers, palm's face.

    Attributes:
        link: (points,) index into `Hand.links`.
        position: (points, 3) in the link's frame, m.
        normal: (points, 3) outward there, unit.
    """

    link: np.ndarray
    position: np.ndarray
    normal: np.ndarray


def hand_spheres(hand: Hand, spacing: float = 0.0025) -> Spheres:
    """Fills the collision geometry of a hand with spheres.

    Args:
        hand: of capsules and spheres.
        spacing: largest distance of neighbours along a capsule, m.

    Raises:
        DexjaxError: if the hand has collision geometry of another kind.
    """
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    link, centre, radius = [], [], []
    for geom in map(int, np.flatnonzero(model.geom_contype)):
        if mujoco.mjtGeom(model.geom_type[geom]) not in _SHAPES:
            name = called("geom", model.geom(geom).name)
            body = model.body(model.geom_bodyid[geom]).name
            raise DexjaxError(
                f"hand {hand.name!r}: {name} of body {body!r} is neither capsule nor "
                "sphere"
            )
        size, half = model.geom_size[geom, :2]
        axis = np.zeros(9)
        mujoco.mju_quat2Mat(axis, model.geom_quat[geom])
        steps = np.linspace(-half, half, 1 + int(np.ceil(2 * half / spacing)))
        centre.append(model.geom_pos[geom] + steps[:, None] * axis.reshape(3, 3)[:, 2])
        link.append(np.full(len(steps), model.geom_bodyid[geom] - 1))
        radius.append(np.full(len(steps), size))
    return Spheres(*map(np.concatenate, (link, centre, radius)))


def contact_points(hand: Hand, per_link: int = 10) -> ContactPoints:
    """Points of every link that look at the middle of the hand's grasp.

    DexGraspNet (Wang et al. 2023, section IV) picks them by hand on each link; here
    they are those of the surface that face the site `palm_center` in the pose "grasp",
    spread as far apart as possible.

    Args:
        hand: of capsules and spheres.
        per_link: at most so many on one link.
    """
    spheres = hand_spheres(hand, spacing=0.004)
    poses = _grasp_pose(hand)
    directions = _sphere_directions(_DIRECTIONS)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for link in np.unique(spheres.link):
        own = spheres.link == link
        centre, radius = spheres.centre[own], spheres.radius[own]
        points = (centre[:, None] + radius[:, None, None] * directions).reshape(-1, 3)
        normals = np.tile(directions, (len(centre), 1))
        outside = _outside(points, centre, radius)
        position, quaternion = poses.position[link], poses.quaternion[link]
        world = position + np.asarray(rotations.rotate(quaternion, points))
        to_middle = hand.palm_center - world
        to_middle /= np.linalg.norm(to_middle, axis=1, keepdims=True)
        looks = np.asarray(rotations.rotate(quaternion, normals)) * to_middle
        chosen = np.flatnonzero(outside & (looks.sum(axis=1) > _FACING))
        chosen = chosen[_spread(points[chosen], per_link)]
        found.append((np.full(len(chosen), link), points[chosen], normals[chosen]))
    return ContactPoints(*map(np.concatenate, zip(*found, strict=True)))


def place(
    poses: LinkPoses, link: jax.Array | np.ndarray, points: jax.Array | np.ndarray
) -> jax.Array:
    """Points (n, 3) of links (n,) in the frame in which the poses are given."""
    turned = rotations.rotate(poses.quaternion[link], points)
    return poses.position[link] + turned


def _grasp_pose(hand: Hand) -> LinkPoses:
    """Link poses in the pose "grasp" with the root at the origin."""
    upright = jnp.array([1.0, 0.0, 0.0, 0.0])
    kinematics = forward_kinematics(hand)
    return kinematics(jnp.zeros(3), upright, jnp.asarray(hand.poses["grasp"]))


def _outside(points: np.ndarray, centre: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Whether points (n, 3) lie in none of the link's own spheres."""
    far = np.linalg.norm(points[:, None] - centre, axis=-1)
    return (far > radius - 1e-6).all(axis=1)


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of up to `count` of points (n, 3) that are as far apart as possible."""
    if not len(points):
        return np.zeros(0, int)
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())]
    nearest = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(nearest.argmax()))
        to_new = np.linalg.norm(points - points[chosen[-1]], axis=1)
        nearest = np.minimum(nearest, to_new)
    return np.array(chosen)


def _sphere_directions(count: int) -> np.ndarray:
    """Directions (count, 3) spread over the unit sphere (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    angle = np.pi * (1 + 5**0.5) * k
    level = np.sqrt(1 - z**2)
    return np.stack([level * np.cos(angle), level * np.sin(angle), z], axis=1)
