"""Welds a mesh's vertices, drops what is no surface, and turns its faces one way.

Files double vertices wherever a texture coordinate or a normal differs, and STL has
three for every triangle: whether a surface is closed shows only once those are one.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

# Farthest distances of vertices that are one, as shares of the mesh's size: the first
# that closes it. Programs round to 4 ... 7 digits.
_TOLERANCES = (1e-6, 1e-5, 1e-4)


class Surface(NamedTuple):
    """A welded mesh.

    Attributes:
        vertices: (n, 3), sorted, each used by some face.
        faces: (m, 3), those of one body all clockwise or all counter-clockwise.
        body: (m,) which connected body each face belongs to; None where the surface
            has a border, so that it bounds nothing.
        border: how many edges have a face on one side alone.
    """

    vertices: np.ndarray
    faces: np.ndarray
    body: np.ndarray | None
    border: int


def repair(vertices: np.ndarray, faces: np.ndarray) -> Surface:
    """Welds and orients a mesh.

    The result depends neither on the order of vertices and faces nor on seams.

    Args:
        vertices: (n, 3), finite.
        faces: (m, 3) their indices.
    """
    surfaces = (_repaired(vertices, faces, share) for share in _TOLERANCES)
    first = next(surfaces)
    if first.body is not None:
        return first
    return next((s for s in surfaces if s.body is not None), first)


def _repaired(vertices: np.ndarray, faces: np.ndarray, share: float) -> Surface:
    points, corners = _weld(vertices, faces, share)
    corners = _without_doubles(corners)
    border = _border(corners)
    if border or not len(corners):
        return Surface(points, corners, None, border)
    if not _balanced(corners, np.zeros(len(corners), int)):
        corners = _wound_alike(corners)
    for most in (2, len(corners)):
        body = _joined(corners, most)
        if _balanced(corners, body):
            return Surface(points, corners, body, 0)
    return Surface(points, corners, None, border)


def _weld(
    vertices: np.ndarray, faces: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Merges vertices within a share of the size; drops faces left without area."""
    used, faces = np.unique(faces, return_inverse=True)
    points, faces = vertices[used], faces.reshape(-1, 3)
    low = points.min(axis=0)
    tolerance = share * max(float(np.ptp(points, axis=0).max()), 1e-300)
    cells = np.round((points - low) / tolerance)
    _, first, cell = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    near = cKDTree(points[first]).query_pairs(tolerance, output_type="ndarray")
    _, cluster = _components(near, len(first))
    _, chosen, label = np.unique(cluster, return_index=True, return_inverse=True)
    faces = label[cell.reshape(-1)[faces]]
    distinct = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    return points[first[chosen]], _canonical(faces[distinct])


def _canonical(faces: np.ndarray) -> np.ndarray:
    """Each face from its smallest index on, in the order of the indices."""
    start = faces.argmin(axis=1)
    turned = faces[np.arange(len(faces))[:, None], (start[:, None] + [0, 1, 2]) % 3]
    return turned[np.lexsort(turned.T[::-1])]


def _without_doubles(faces: np.ndarray) -> np.ndarray:
    """One of each face that is there several times.

    Two solids that touch face to face have that face twice: there none of them is left
    if what remains is closed.
    """
    _, first, which, count = np.unique(
        np.sort(faces, axis=1),
        axis=0,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    if (count == 1).all():
        return faces
    odd = faces[np.sort(first[count % 2 == 1])]
    if len(odd) and not _border(odd):
        return odd
    return faces[np.sort(first)]


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edge number (3m,), whether it runs upwards (3m,), and the face (3m,) of each."""
    pairs = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    upwards = pairs[:, 0] < pairs[:, 1]
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    key = low * (int(faces.max(initial=0)) + 1) + high
    number = np.unique(key, return_inverse=True)[1]
    return number, upwards, np.repeat(np.arange(len(faces)), 3)


def _border(faces: np.ndarray) -> int:
    """How many edges have an odd number of faces."""
    return int((np.bincount(_edges(faces)[0]) % 2).sum())


def _balanced(faces: np.ndarray, body: np.ndarray) -> bool:
    """Whether every body passes every edge as often one way as the other."""
    number, upwards, face = _edges(faces)
    key = number * (int(body.max(initial=0)) + 1) + body[face]
    _, which = np.unique(key, return_inverse=True)
    return not np.bincount(which, weights=np.where(upwards, 1.0, -1.0)).any()


def _neighbours(faces: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (k, 2) of faces with a common edge, and whether they pass it alike (k,).

    Edges of more than `most` faces do not count.
    """
    number, upwards, face = _edges(faces)
    order = np.argsort(number, kind="stable")
    number, upwards, face = number[order], upwards[order], face[order]
    joined = (number[1:] == number[:-1]) & (np.bincount(number)[number[1:]] <= most)
    pairs = np.stack([face[:-1], face[1:]], axis=1)[joined]
    return pairs, (upwards[1:] == upwards[:-1])[joined]


def _joined(faces: np.ndarray, most: int) -> np.ndarray:
    """Which body (m,) each face belongs to; see `_neighbours`."""
    return _components(_neighbours(faces, most)[0], len(faces))[1]


def _wound_alike(faces: np.ndarray) -> np.ndarray:
    """Turns faces until neighbours pass their common edge in opposite directions.

    Every face is two nodes of a graph, as it is and turned; neighbours that fit are
    joined as they are, the others crosswise. Of the two components that a body then
    falls into, one says how each of its faces must lie. (A surface with one side only
    makes a single component, and stays unbalanced.)
    """
    pairs, alike = _neighbours(faces, 2)
    n = len(faces)
    f, g = pairs.T
    same = np.stack([f, np.where(alike, g + n, g)], axis=1)
    turned = np.stack([f + n, np.where(alike, g, g + n)], axis=1)
    _, label = _components(np.concatenate([same, turned]), 2 * n)
    flip = label[:n] > label[n:]
    return _canonical(np.where(flip[:, None], faces[:, ::-1], faces))


def _components(pairs: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    ones = np.ones(len(pairs), bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)
