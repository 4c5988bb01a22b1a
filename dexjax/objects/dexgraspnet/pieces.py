"""The convex pieces in a decomposed.obj."""

from pathlib import Path

import numpy as np
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dexjax.errors import DexjaxError
from dexjax.objects.dexgraspnet.folders import Source
from dexjax.objects.meshes.obj import parse_obj


def read_pieces(source: Source | Path, scale: float = 1.0) -> list[np.ndarray]:
    """Vertices (n, 3) of each convex piece of a decomposed.obj.

    A piece is a connected part of an `o` group, since not every program keeps the
    groups.

    Args:
        source: the object or the .obj file.
        scale: factor on the vertices; m per unit.

    Raises:
        DexjaxError: missing, damaged, or with a piece that is not closed.
    """
    path = Path(source.mesh if isinstance(source, Source) else source)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DexjaxError(f"{path}: cannot be read ({error.strerror})") from None
    vertices, groups = parse_obj(path, data)
    if not groups:
        raise DexjaxError(f"{path}: holds no faces")
    return [
        scale * piece
        for name, faces in groups
        for piece in _pieces(path, name, vertices, faces)
    ]


def _pieces(
    path: Path, name: str, vertices: np.ndarray, faces: np.ndarray
) -> list[np.ndarray]:
    """Vertices (n, 3) of the connected parts of a group, checked to be closed."""
    what = name or "a piece"
    if not len(faces):
        raise DexjaxError(f"{path}: {what} has no faces; is the file truncated?")
    used, corners = np.unique(faces, return_inverse=True)
    corners = corners.reshape(-1, 3)
    if not np.isfinite(vertices[used]).all():
        raise DexjaxError(f"{path}: {what} has a coordinate that is not finite")
    part = _connected(corners, len(used))
    pieces = []
    for number in range(int(part.max()) + 1):
        own, local = np.unique(corners[part == number], return_inverse=True)
        points = vertices[used[own]]
        piece = trimesh.Trimesh(points, local.reshape(-1, 3), process=False)
        if not piece.is_watertight:
            raise DexjaxError(f"{path}: {what} is not closed; is the file truncated?")
        pieces.append(points)
    return pieces


def _connected(faces: np.ndarray, count: int) -> np.ndarray:
    """Which part (m,) each face belongs to, joined by common vertices."""
    pairs = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    ones = np.ones(len(pairs), bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1][faces[:, 0]]
