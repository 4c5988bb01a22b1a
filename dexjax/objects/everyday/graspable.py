"""Whether a hand could pick an object up at all, argued by geometry.

An object counts if it rests stably, is not too tall for the hand's start, and offers a
grip: two surface points that a thumb and a finger can press towards each other without
slipping, with room for both fingers and for the palm behind them, above the table.

The numbers stand for the Shadow hand. `SPAN` and `DEPTH` come from its forward
kinematics: random joint angles are drawn; where the pads of the thumb's and a finger's
last links face each other (within 45 degrees of the line between them), the gap between
the two is a width that the hand can hold, and the middle of the gap is so far from the
palm as the depth says. Widths go up to 20 cm, their median is 10.6 cm; up to there the
median depth is 6.4 to 7 cm. No object is too heavy: the heaviest of the set, 1 kg,
needs 12 N from either side at the smallest friction, 0.4; two stretched fingers press
with 18 N, since a knuckle gives 0.9 N m. tests/objects/test_graspable.py repeats all
that.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from dexjax.objects.object_set import ObjectSet, rotation_matrix

# m; radius of a finger.
FINGER = 0.008
# m; widest grip between thumb and finger, and from there to the palm: a little less
# than the medians, so that a hand need not be stretched to its limits.
SPAN = 0.1
DEPTH = 0.06
# Share of the angle of friction that may lie between a grip's line and the surface's
# normals: 30 degrees where friction 1 would allow 45.
_CONE = 2 / 3
# m; tallest object: the palm starts 20 cm above the table and is put 8 cm above
# whatever is taller than 12 cm, so that the start stays free.
TALLEST = 0.2
# degrees by which the object can be tilted before it tips over.
TILT = 8.0
# Share of an object's size within which hull vertices touch the table; a flat base is
# folded by about as much.
_TOUCHING = 0.01

# m; how far a finger may seem to sink in, since points on the surface are apart.
_SLACK = 0.0015
# m; half of the palm's thickness and width.
_PALM = 0.015, 0.035
_POINTS = 512
_PAIRS = 32
_DIRECTIONS = 8


class Grip(NamedTuple):
    """Where a thumb and a finger can hold an object at rest; world frame, table z = 0.

    Attributes:
        contacts: (2, 3) the two surface points, m.
        approach: (3,) unit direction from the grip to the palm.
        width: between the contacts, m.
    """

    contacts: np.ndarray
    approach: np.ndarray
    width: float


class _Solid(NamedTuple):
    """An object at rest on the table.

    Attributes:
        points: (n, 3) on the surface, m.
        normals: (n, 3) outward there.
        nearest: the points as a tree.
        planes: (hulls, faces, 4) of the collision hulls.
    """

    points: np.ndarray
    normals: np.ndarray
    nearest: cKDTree
    planes: np.ndarray

    def clear(self, points: np.ndarray, radius: float) -> np.ndarray:
        """Whether balls at points (..., 3) touch neither the object nor the table."""
        flat = points.reshape(-1, 3)
        free = flat[:, 2] > radius - _SLACK
        free[free] = self.nearest.query(flat[free])[0] > radius - _SLACK
        outside = self.planes[:, :, :3] @ flat[free].T + self.planes[:, :, 3:]
        free[free] = (outside.max(axis=1) > 0).all(axis=0)
        return free.reshape(points.shape[:-1])


def why_not(objects: ObjectSet, index: int = 0) -> str | None:
    """Why an object of a set cannot be grasped in principle; None if it can."""
    vertices = _resting(objects, index, _hulls(objects, index))
    top = vertices[..., 2].max()
    if top > TALLEST:
        return f"is {top:.3f} m tall, more than {TALLEST}"
    com = _resting(objects, index, objects.com[index])
    tilt = stable_tilt(vertices.reshape(-1, 3), com)
    if tilt < TILT:
        return f"tips over when tilted by {tilt:.1f} degrees, less than {TILT}"
    if find_grip(objects, index) is None:
        return f"offers no grip of at most {SPAN} m that a hand can reach"
    return None


def stable_tilt(vertices: np.ndarray, com: np.ndarray) -> float:
    """Degrees by which a resting object can be tilted before it tips; 0: it falls.

    A round object rests on a face of its hulls like any other, and may be rolled on to
    the next face, where it looks the same.

    Args:
        vertices: (n, 3) of its collision hulls at rest on the table z = 0, m.
        com: (3,) its centre of mass.
    """
    low = vertices[:, 2].min() + _TOUCHING * np.ptp(vertices, axis=0).max()
    touching = vertices[vertices[:, 2] <= low, :2]
    try:
        edges = ConvexHull(touching).equations
    except (QhullError, ValueError):
        return 0.0  # It stands on a point or an edge.
    margin = -(edges[:, :2] @ com[:2] + edges[:, 2]).max()
    return float(np.degrees(np.arctan2(max(margin, 0.0), com[2])))


def find_grip(objects: ObjectSet, index: int = 0) -> Grip | None:
    """A grip on an object of a set at rest, near its centre of mass; None if none."""
    solid = _solid(objects, index)
    tips, normals = _fingertips(solid)
    tight = np.flatnonzero(solid.clear(tips, FINGER))
    contacts, tips = solid.points[tight], tips[tight]
    pairs = _opposing(contacts, normals[tight], float(objects.friction[index]))
    if not len(pairs):
        return None
    com = _resting(objects, index, objects.com[index])
    far = np.linalg.norm(contacts[pairs].mean(axis=1) - com, axis=1)
    # Some from near to far: neighbours are blocked by the same thing.
    some = np.linspace(0, len(pairs) - 1, min(_PAIRS, len(pairs))).astype(int)
    pairs = pairs[far.argsort()[some]]
    axis = np.diff(tips[pairs], axis=1)[:, 0]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    pair, to_palm = _directions(axis)
    free = _fingers_fit(solid, tips[pairs[pair]], to_palm)
    pair, to_palm = pair[free], to_palm[free]
    middle = contacts[pairs[pair]].mean(axis=1)
    fits = np.flatnonzero(_palm_fits(solid, middle, axis[pair], to_palm))
    if not len(fits):
        return None
    held = contacts[pairs[pair[fits[0]]]]
    return Grip(held, to_palm[fits[0]], float(np.linalg.norm(held[1] - held[0])))


def _hulls(objects: ObjectSet, index: int) -> np.ndarray:
    return objects.hulls[index][objects.hull_mask[index]].astype(float)


def _resting(objects: ObjectSet, index: int, points: np.ndarray) -> np.ndarray:
    """Points (..., 3) of an object's frame where they are at rest on the table."""
    turned = points @ rotation_matrix(objects.rest_quat[index]).T
    return turned + [0.0, 0.0, objects.rest_height[index]]


def _solid(objects: ObjectSet, index: int) -> _Solid:
    hulls = _resting(objects, index, _hulls(objects, index))
    points = _resting(objects, index, objects.points[index])
    turn = rotation_matrix(objects.rest_quat[index])
    return _Solid(
        points=points[:_POINTS],
        normals=(objects.normals[index] @ turn.T)[:_POINTS],
        nearest=cKDTree(points),
        planes=np.stack([ConvexHull(hull).equations for hull in hulls]),
    )


def _fingertips(solid: _Solid) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) of balls that touch the surface points, and the contact normals.

    Where such a ball would be in the table, it lies on the table and touches an edge
    from obliquely above.
    """
    lift = (FINGER - solid.points[:, 2]) / FINGER
    height = np.maximum(solid.normals[:, 2], lift).clip(-1, 1)
    level = np.linalg.norm(solid.normals[:, :2], axis=1)
    stretch = np.sqrt(1 - height**2) / np.maximum(level, 1e-9)
    normals = np.column_stack([solid.normals[:, :2] * stretch[:, None], height])
    return solid.points + FINGER * normals, normals


def _opposing(points: np.ndarray, normals: np.ndarray, friction: float) -> np.ndarray:
    """Indices (pairs, 2) of points that can be pressed towards each other.

    The inward normals of both are within the cone about the line between them.
    """
    cosine = np.cos(_CONE * np.arctan(friction))
    offset = normals @ points.T
    inwards = np.diag(offset)[:, None] - offset  # -n_i . (p_j - p_i)
    width = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))
    faces = inwards > cosine * width
    return np.argwhere(np.triu(faces & faces.T & (width < SPAN), 1))


def _directions(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions across grips in which the palm may lie: above or beside them.

    Args:
        axis: (pairs, 3) unit vector along each grip.

    Returns:
        (n,) index of the grip, (n, 3) unit direction from it to the palm.
    """
    upright = np.abs(axis[:, 2:]) > 0.9
    side = np.cross(axis, np.where(upright, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, axis)
    angle = 2 * np.pi * np.arange(_DIRECTIONS)[:, None] / _DIRECTIONS
    to_palm = np.cos(angle) * up[:, None] + np.sin(angle) * side[:, None]
    pair, direction = np.nonzero(to_palm[..., 2] > -1e-6)
    return pair, to_palm[pair, direction]


def _fingers_fit(solid: _Solid, tips: np.ndarray, to_palm: np.ndarray) -> np.ndarray:
    """Whether two straight fingers (n, 2, 3) are free from their tips to the palm."""
    along = np.linspace(0, DEPTH, 5)[:, None] * to_palm[:, None, None]
    free = solid.clear(tips[:, :, None] + along, FINGER)
    return np.asarray(free.all(axis=(1, 2)))


def _palm_fits(
    solid: _Solid, middle: np.ndarray, axis: np.ndarray, to_palm: np.ndarray
) -> np.ndarray:
    """Whether a square palm is free behind grips with the given middles (n, 3)."""
    half, width = _PALM
    across = np.cross(to_palm, axis)
    palm = middle + (DEPTH + half) * to_palm
    x, y = np.meshgrid(*[[-width, 0.0, width]] * 2)
    square = x[..., None] * axis[:, None, None] + y[..., None] * across[:, None, None]
    free = solid.clear(palm[:, None, None] + square, half)
    return np.asarray(free.all(axis=(1, 2)))
