"""Building blocks of the procedural objects: convex pieces and closed surfaces.

A `Shape` keeps both descriptions of one solid: the convex pieces that collide and the
closed surface that gives mass, points and normals. Units are metres.
"""

from typing import NamedTuple

import numpy as np
import trimesh


class Shape(NamedTuple):
    """One solid, twice.

    Attributes:
        pieces: convex point sets (n, 3).
        mesh: the closed surface.
    """

    pieces: list[np.ndarray]
    mesh: trimesh.Trimesh

    def moved(self, offset: np.ndarray | list[float]) -> "Shape":
        """The shape translated by `offset` (3,)."""
        mesh = self.mesh.copy()
        mesh.apply_translation(offset)
        return Shape([p + offset for p in self.pieces], mesh)

    def turned(self, axis: str, degrees: float) -> "Shape":
        """The shape rotated about a coordinate axis."""
        direction = np.eye(3)["xyz".index(axis)]
        turn = trimesh.transformations.rotation_matrix(np.radians(degrees), direction)
        mesh = self.mesh.copy()
        mesh.apply_transform(turn)
        return Shape([p @ turn[:3, :3].T for p in self.pieces], mesh)

    def scaled(self, factor: float | np.ndarray) -> "Shape":
        """The shape scaled about the origin."""
        mesh = self.mesh.copy()
        mesh.apply_scale(factor)
        return Shape([p * factor for p in self.pieces], mesh)

    def centred(self) -> "Shape":
        """The shape with its bounding box centred on the origin."""
        return self.moved(-self.mesh.bounds.mean(axis=0))

    def grounded(self) -> "Shape":
        """The shape moved up or down until its lowest point is at z = 0."""
        return self.moved([0, 0, -self.mesh.bounds[0, 2]])


def union(shapes: list[Shape]) -> Shape:
    """Several overlapping solids as one."""
    meshes = [s.mesh for s in shapes]
    joined = trimesh.boolean.union(meshes, engine="manifold")
    return Shape([p for s in shapes for p in s.pieces], joined)


def hull_of(points: np.ndarray) -> Shape:
    """The convex hull of points (n, 3)."""
    return Shape([np.asarray(points, float)], trimesh.convex.convex_hull(points))


def ball(radius: float) -> Shape:
    """A sphere, centred."""
    return hull_of(trimesh.creation.icosphere(subdivisions=2, radius=radius).vertices)
