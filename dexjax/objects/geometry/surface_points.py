"""Closed surfaces: of convex pieces, and points on them."""

import numpy as np
import trimesh
from scipy.spatial import ConvexHull

# Step (m) outwards from a surface point that ends in another piece where two meet.
STEP = 0.0003


def pieces_surface(pieces: list[np.ndarray]) -> trimesh.Trimesh:
    """The surface of a union of convex pieces (n, 3), as well as booleans can join it.

    Pieces that touch without overlap may keep a slit between them; `sample_surface`
    with the pieces leaves those points out.
    """
    hulls = [trimesh.convex.convex_hull(p) for p in pieces]
    if len(hulls) == 1:
        return hulls[0]
    return trimesh.boolean.union(hulls, engine="manifold")


def sample_surface(
    mesh: trimesh.Trimesh,
    count: int,
    seed: int = 0,
    pieces: list[np.ndarray] | None = None,
    step: float = STEP,
) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly in area over a surface.

    Args:
        mesh: the surface.
        count: how many points.
        seed: of the draw.
        pieces: convex pieces (n, 3) of the solid; points inside them are left out.
        step: how far outwards from a point to look for a piece, m: the widest slit
            between pieces that counts as inside.

    Returns:
        (count, 3) points and (count, 3) outward unit normals.
    """
    rng = np.random.default_rng(seed)
    draws = count if pieces is None else 4 * count
    points, normals = _draw(mesh, draws, rng)
    if pieces is not None:
        outside = np.flatnonzero(~inside_pieces(points + step * normals, pieces))
        if len(outside):
            outside = np.resize(outside, max(count, len(outside)))
            points, normals = points[outside], normals[outside]
    return points[:count], normals[:count]


def inside_pieces(points: np.ndarray, pieces: list[np.ndarray]) -> np.ndarray:
    """Whether each of `points` (n, 3) lies in any convex piece; (n,) bool."""
    inside = np.zeros(len(points), bool)
    for piece in pieces:
        planes = ConvexHull(piece).equations
        low, high = piece.min(axis=0), piece.max(axis=0)
        near = ((points >= low) & (points <= high)).all(axis=1) & ~inside
        signed = points[near] @ planes[:, :3].T + planes[:, 3]
        inside[near] = (signed <= 0).all(axis=1)
    return inside


def _draw(
    mesh: trimesh.Trimesh, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    face = rng.choice(len(mesh.faces), count, p=mesh.area_faces / mesh.area)
    u, v = rng.uniform(size=(2, count, 1))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    corner, second, third = np.moveaxis(mesh.triangles[face], 1, 0)
    points = corner + u * (second - corner) + v * (third - corner)
    return points, mesh.face_normals[face]
