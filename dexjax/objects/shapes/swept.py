"""Solids along a path: skins over cross-sections, and bent rods."""

import numpy as np
import trimesh

from dexjax.objects.shapes.shape import Shape


def loft(sections: np.ndarray) -> Shape:
    """A skin over cross-sections (sections, corners, 3), closed at both ends.

    Each stretch between two sections becomes one convex piece.
    """
    count, corners, _ = sections.shape
    here = np.arange(corners)
    there = np.roll(here, -1)
    side = np.concatenate(
        [
            np.stack([here, there, here + corners], axis=1),
            np.stack([there, there + corners, here + corners], axis=1),
        ]
    )
    fan = np.stack([np.zeros(corners - 2, int), here[2:], here[1:-1]], axis=1)
    last = (count - 1) * corners
    faces = [side + i * corners for i in range(count - 1)]
    faces += [fan, fan[:, ::-1] + last]
    mesh = trimesh.Trimesh(sections.reshape(-1, 3), np.concatenate(faces))
    mesh.fix_normals()
    pieces = [np.concatenate(sections[i : i + 2]) for i in range(count - 1)]
    return Shape(pieces, mesh)


def tube(path: np.ndarray, radius: float, join: int = 1) -> Shape:
    """A bent rod along `path` (n, 3); one convex piece per `join` stretches."""
    bars = [
        trimesh.creation.capsule(
            height=float(np.linalg.norm(end - start)), radius=radius, count=[8, 12]
        ).apply_transform(_along(start, end))
        for start, end in zip(path[:-1], path[1:], strict=True)
    ]
    pieces = []
    for first in range(0, len(path) - 1, join):
        knots = path[first : first + join + 1]
        pieces.append(np.concatenate([_thick_knot(k, radius) for k in knots]))
    return Shape(pieces, trimesh.boolean.union(bars, engine="manifold"))


def _thick_knot(centre: np.ndarray, radius: float) -> np.ndarray:
    """An octahedron around a knot of a rod, about as thick as the rod."""
    return centre + 1.15 * radius * np.concatenate([np.eye(3), -np.eye(3)])


def _along(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(4, 4) placing a capsule, centred and along z, between two points."""
    pose = trimesh.geometry.align_vectors([0, 0, 1], end - start)
    pose[:3, 3] = (start + end) / 2
    return pose
