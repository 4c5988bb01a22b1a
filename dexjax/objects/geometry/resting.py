"""How an object comes to rest on a table."""

import numpy as np
import trimesh
from scipy.spatial import ConvexHull

# Height (m) by which the centre of mass must rise before an object that stands as its
# mesh does tips over: with less a drop of a few centimetres topples it, and it is laid
# down, unless that is hardly better.
_STABLE = 0.002
# The same for a side on which an object lies that was knocked over: from less, a drop
# of 10 cm sends some to yet another side, and far across the table.
_STEADY = 0.003
# Orientations closer than this (cosine of 20 degrees) to the mesh's own count as it.
_UPRIGHT = 0.94
# A face whose normal is farther than this (cosine of 60 degrees) from the usual one's
# is another side.
_FALLEN = 0.5
# Share of the size within which vertices belong to one supporting face.
_FLAT = 0.005


def rest_quaternion(points: np.ndarray, com: np.ndarray, up: str = "z") -> np.ndarray:
    """Orientation (4,) wxyz in which an object rests stably on a table, z up.

    It stays as its mesh stands (`up` upwards) where that is stable. Otherwise it is
    laid on the face from which it is hardest to tip: the one for which the centre of
    mass has to rise most, sqrt(d^2 + h^2) - h with h its height above the face and d
    its distance from the face's nearest edge.

    Args:
        points: (n, 3) vertices of the object's convex hull, m.
        com: (3,) centre of mass, m.
        up: the axis that points upwards in the mesh's own frame, "y" or "z".
    """
    below = -np.eye(3)["xyz".index(up)]
    down, rises = _faces(points, com)
    aligned = down @ below
    stands = (aligned > _UPRIGHT) & (rises > min(_STABLE, 0.8 * rises.max()))
    chosen = (
        np.where(stands, aligned, -1.0).argmax() if stands.any() else rises.argmax()
    )
    return _turn_down(down[chosen])


def fallen_quaternion(
    points: np.ndarray, com: np.ndarray, usual: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Orientation (4,) wxyz in which an object lies that was knocked over.

    A face far from the usual one, drawn the more often the harder it is to tip from;
    the usual orientation where there is none to rest on.

    Args:
        points: (n, 3) vertices of the object's convex hull, m.
        com: (3,) centre of mass, m.
        usual: (4,) how it rests otherwise, wxyz.
        rng: draws the face.
    """
    down, rises = _faces(points, com)
    usual_down = -trimesh.transformations.quaternion_matrix(usual)[2, :3]
    weight = np.where(down @ usual_down < _FALLEN, rises, 0.0)
    weight[rises < _STEADY] = 0.0
    if not weight.any():
        return usual
    return _turn_down(down[rng.choice(len(down), p=weight / weight.sum())])


def _faces(points: np.ndarray, com: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Faces of a convex hull: outward normals (n, 3) and tipping rises (n,) in m."""
    hull = ConvexHull(points)
    tolerance = _FLAT * np.ptp(points, axis=0).max()
    planes = np.unique(hull.equations.round(6), axis=0)
    heights = -(planes[:, :3] @ com + planes[:, 3])
    rises = [
        _tipping_rise(points[points @ p[:3] + p[3] > -tolerance], p[:3], com, h)
        for p, h in zip(planes, heights, strict=True)
    ]
    return planes[:, :3], np.array(rises)


def _turn_down(down: np.ndarray) -> np.ndarray:
    """(4,) wxyz that turns a direction (3,) downwards."""
    if -down[2] > 1 - 1e-6:
        return np.array([1.0, 0.0, 0.0, 0.0])
    turn = trimesh.geometry.align_vectors(down, [0, 0, -1])
    return trimesh.transformations.quaternion_from_matrix(turn)


def _tipping_rise(
    face: np.ndarray, normal: np.ndarray, com: np.ndarray, height: float
) -> float:
    """Rise (m) of the centre of mass before it tips over an edge; negative: it falls.

    Args:
        face: (n, 3) vertices of the supporting face.
        normal: (3,) outward normal of the face.
        com: (3,) centre of mass.
        height: its height above the face.
    """
    across = np.linalg.svd(normal[None])[2][1:]
    polygon = ConvexHull((face - com) @ across.T)
    nearest = -polygon.equations[:, 2].max()
    return float(np.sign(nearest) * (np.hypot(nearest, height) - height))
