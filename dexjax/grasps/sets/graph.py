"""The graph over a set: which grasps are near, and whether each can be reached."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

NEIGHBOURS = 16
# How far apart is 1: of places, turns and joints (root mean square).
UNIT_M, UNIT_RAD, UNIT_JOINTS_RAD = 0.02, 0.4, 0.3
NEAREST, FARTHEST = 0.5, 3.0


class Neighbours(NamedTuple):
    """Near grasps of n grasps, the nearest first.

    Attributes:
        grasp: (n, K) int; a grasp with fewer than K repeats its last, one without any
            names itself.
        distance: (n, K) of those, see `distances`; infinite where there is none.
    """

    grasp: np.ndarray
    distance: np.ndarray


class Places(NamedTuple):
    """What two grasps are compared by.

    Attributes:
        position: (…, 3) m, of the object in the palm's frame.
        quaternion: (…, 4) wxyz.
        joints: (…, J) rad.
    """

    position: np.ndarray
    quaternion: np.ndarray
    joints: np.ndarray


def distances(one: Places, other: Places) -> np.ndarray:
    """How far grasps are apart: the sum over place, turn and joints, in their units."""
    moved = np.linalg.norm(one.position - other.position, axis=-1)
    same = np.abs(np.sum(one.quaternion * other.quaternion, axis=-1))
    turned = 2.0 * np.arccos(np.clip(same, 0.0, 1.0))
    bent = np.sqrt(np.mean((one.joints - other.joints) ** 2, axis=-1))
    return moved / UNIT_M + turned / UNIT_RAD + bent / UNIT_JOINTS_RAD


def near_grasps(
    places: Places,
    count: int = NEIGHBOURS,
    nearest: float = NEAREST,
    farthest: float = FARTHEST,
) -> Neighbours:
    """The near neighbours of every grasp of one set.

    Args:
        places: of n grasps.
        count: K.
        nearest: nearer ones are as good as the same.
        farthest: farther ones are out of reach.
    """
    total = len(places.position)
    found = _candidates(places, min(total, 8 * count + 1))
    own = Places(*(part[:, None] for part in places))
    apart = distances(own, Places(*(part[found] for part in places)))
    apart[(apart < nearest) | (apart > farthest)] = np.inf
    apart[found == np.arange(total)[:, None]] = np.inf
    order = np.argsort(apart, axis=1)[:, :count]
    index = np.take_along_axis(found, order, axis=1)
    apart = np.take_along_axis(apart, order, axis=1)
    return _filled(index, apart, count)


def _candidates(places: Places, count: int) -> np.ndarray:
    """Indices (n, count) of grasps that are near by a Euclidean measure.

    A rotation matrix's columns move by about the angle; those of q and -q are equal.
    """
    position, quaternion, joints = places
    matrix = Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
    axes = matrix.reshape(-1, 9) / (np.sqrt(2.0) * UNIT_RAD)
    scale = UNIT_JOINTS_RAD * np.sqrt(joints.shape[1])
    features = np.concatenate([position / UNIT_M, axes, joints / scale], axis=1)
    found = cKDTree(features).query(features, count)[1]
    return found.reshape(len(position), -1)


def _filled(index: np.ndarray, apart: np.ndarray, count: int) -> Neighbours:
    """K columns: those that are missing repeat the last that is there."""
    total = len(index)
    there = np.isfinite(apart)
    last = np.maximum(there.sum(axis=1) - 1, 0)
    rows = np.arange(total)
    filler = np.where(there.any(axis=1), index[rows, last], rows)
    index = np.where(there, index, filler[:, None])
    missing = count - index.shape[1]
    index = np.concatenate([index, np.tile(filler[:, None], (1, missing))], axis=1)
    apart = np.pad(apart, ((0, 0), (0, missing)), constant_values=np.inf)
    return Neighbours(index.astype(np.int32), apart.astype(np.float32))


def largest_part(neighbours: Neighbours) -> np.ndarray:
    """Which grasps are in the largest strongly connected part, (n,) bool.

    From each of them a path of near grasps leads to every other.
    """
    total, count = neighbours.grasp.shape
    there = np.isfinite(neighbours.distance).ravel()
    rows = np.repeat(np.arange(total), count)[there]
    columns = neighbours.grasp.ravel()[there]
    links = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(total, total))
    _, part = connected_components(links, directed=True, connection="strong")
    return part == np.bincount(part).argmax()
