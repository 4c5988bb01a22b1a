"""Building blocks of the procedural objects: convex pieces and closed surfaces.

A `Shape` keeps both descriptions of one solid: the convex pieces that collide and the
closed surface that gives mass, points and normals. Units are metres.
"""

from typing import NamedTuple

import numpy as np
import trimesh
from trimesh.creation import revolve

from dexjax.errors import DexjaxError

# Facets of the fine surface around an axis, and of the convex pieces.
_FINE = 48
_COARSE = 8
# How much higher than the base the walls of a vessel begin, so that the base alone
# touches the table: 4 contacts instead of 36 with the same motion.
WALL_LIFT = 0.002
_FOOT = 0.0005


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


def box(size: list[float]) -> Shape:
    """A box of edge lengths `size` (3,), centred."""
    mesh = trimesh.creation.box(size)
    return Shape([np.array(mesh.vertices)], mesh)


def rounded_box(size: list[float], bevel: float) -> Shape:
    """A box, centred, whose four longest edges are cut by `bevel`."""
    along = int(np.argmax(size))
    half = np.array(size) / 2
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    cuts = [bevel * axis for i, axis in enumerate(np.eye(3)) if i != along]
    return hull_of(np.concatenate([corners * (half - cut) for cut in cuts]))


def hull_of(points: np.ndarray) -> Shape:
    """The convex hull of points (n, 3)."""
    return Shape([np.asarray(points, float)], trimesh.convex.convex_hull(points))


def ball(radius: float) -> Shape:
    """A sphere, centred."""
    return hull_of(trimesh.creation.icosphere(subdivisions=2, radius=radius).vertices)


def cylinder(radius: float, height: float) -> Shape:
    """A cylinder about z, centred."""
    return solid_of_revolution([(radius, -height / 2), (radius, height / 2)])


def prism(outline: np.ndarray, height: float) -> Shape:
    """A convex outline (n, 2) drawn out along z, centred on z = 0."""
    low = np.insert(outline, 2, -height / 2, axis=1)
    high = np.insert(outline, 2, height / 2, axis=1)
    return hull_of(np.concatenate([low, high]))


def rectangle(width: float, depth: float) -> np.ndarray:
    """(4, 3) corners of a rectangle in the plane z = 0, centred."""
    signs = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return 0.5 * signs * [width, depth, 0.0]


def hollow_cylinder(
    outer: float, inner: float, height: float, sectors: int = _COARSE
) -> Shape:
    """A tube about z, standing on z = 0, open at both ends.

    Every third piece reaches the table; the others begin a little higher.
    """
    corners = [(inner, 0.0), (outer, 0.0), (outer, height), (inner, height)]
    mesh = _revolve([*corners, corners[0]])
    pieces = wall_pieces((outer, 0.0), (outer, height), outer - inner, sectors)
    return Shape(_on_every_third(pieces), mesh)


def solid_of_revolution(profile: list[tuple[float, float]]) -> Shape:
    """A solid turned about z from (radius, height) pairs, bottom to top.

    Each stretch between two heights becomes one convex frustum.
    """
    _check_profile(profile)
    pieces = [
        np.concatenate([ring(*low), ring(*high)])
        for low, high in zip(profile[:-1], profile[1:], strict=True)
        if high[1] - low[1] > 1e-6
    ]
    closed = [(0.0, profile[0][1]), *profile, (0.0, profile[-1][1])]
    return Shape(pieces, _revolve(closed))


def vessel(
    outer: list[tuple[float, float]],
    wall: float,
    base: float,
    sectors: int = _COARSE,
    lift: float = WALL_LIFT,
) -> Shape:
    """A hollow cup about z: an outer profile bottom to top, open above.

    Args:
        outer: (radius, height) pairs, rising.
        wall: wall thickness.
        base: thickness of the bottom.
        sectors: convex wall pieces around the axis for each stretch of the profile.
        lift: height at which the walls' pieces begin above the base's underside.
    """
    _check_profile(outer)
    inner = [(r - wall, z) for r, z in outer if z > outer[0][1] + base]
    floor = outer[0][1] + base
    floor_radius = np.interp(floor, [z for _, z in outer], [r for r, _ in outer])
    inner = [(float(floor_radius) - wall, floor), *inner]
    closed = [(0.0, outer[0][1]), *outer, *reversed(inner), (0.0, floor)]
    disc = np.concatenate([ring(*outer[0]), ring(float(floor_radius), floor)])
    pieces = [disc]
    for low, high in zip(outer[:-1], outer[1:], strict=True):
        lifted = (low[0], low[1] + lift) if low == outer[0] else low
        pieces += wall_pieces(lifted, high, wall, sectors)
    return Shape(pieces, _revolve(closed))


def shell(outer: list[tuple[float, float]], wall: float, sectors: int) -> Shape:
    """A hollow of revolution about z, open at both ends, standing on its rim.

    Args:
        outer: (radius, height) pairs, rising from height 0.
        wall: wall thickness, measured along the radius.
        sectors: convex wall pieces around the axis for each stretch of the profile.
    """
    _check_profile(outer)
    inner = [(radius - wall, height) for radius, height in reversed(outer)]
    mesh = _revolve([*outer, *inner, outer[0]])
    pieces = []
    for low, high in zip(outer[:-1], outer[1:], strict=True):
        pieces += wall_pieces(low, high, wall, sectors)
    return Shape(_on_every_third(pieces), mesh)


def torus(major: float, minor: float, sectors: int = 12) -> Shape:
    """A ring about z, centred, thick as `minor`, its middle at `major`."""
    around = 2 * np.pi * (np.arange(8) + 0.5) / 8
    grow = np.sqrt(2 * np.pi / 8 / np.sin(2 * np.pi / 8))
    section = minor * grow * np.stack([np.cos(around), np.sin(around)], axis=1)
    section[:, 0] += major
    profile = [(float(radius), float(height)) for radius, height in section]
    mesh = _revolve([*profile, profile[0]])
    turns = 2 * np.pi * np.arange(sectors + 1) / sectors
    ends = [_around_z(section, angle) for angle in turns]
    pieces = [np.concatenate(pair) for pair in zip(ends[:-1], ends[1:], strict=True)]
    return Shape(pieces, mesh)


def open_box(size: list[float], wall: float, base: float, flare: float = 0.0) -> Shape:
    """A box without lid, standing on z = 0.

    Args:
        size: (3,) length, width and height outside at the base.
        wall: wall thickness.
        base: thickness of the bottom.
        flare: how far each wall leans outwards at the rim.
    """
    length, width, height = size
    floor = hull_of(
        np.concatenate([rectangle(length, width) + [0, 0, z] for z in (0.0, base)])
    )
    parts = [floor]
    for sign in (-1, 1):
        # Two walls run the whole length; the other two stand between them.
        for across, along, axis in ((width, length, 1), (length, width, 0)):
            span = along if axis == 1 else along - wall
            foot = rectangle(span, wall)
            rim = foot * [1 + 2 * flare / along, 1, 1] + [0, sign * flare, height]
            foot = foot + [0, 0, min(WALL_LIFT, base / 2)]
            both = np.concatenate([foot, rim])
            both[:, 1] += sign * (across - wall) / 2
            parts.append(hull_of(both if axis == 1 else both[:, [1, 0, 2]]))
    return union(parts)


def wall_pieces(
    low: tuple[float, float], high: tuple[float, float], wall: float, sectors: int
) -> list[np.ndarray]:
    """Convex pieces (8 points each) of a ring wall between two (radius, height)."""
    edges = 2 * np.pi * np.arange(sectors + 1) / sectors
    # The chord's corners stand out so that the polygon has the circle's area.
    grow = np.sqrt(2 * np.pi / sectors / np.sin(2 * np.pi / sectors))
    pieces = []
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        points = [
            [radius * np.cos(a), radius * np.sin(a), z]
            for r, z in (low, high)
            for radius in (r * grow, (r - wall) * grow)
            for a in (start, end)
        ]
        pieces.append(np.array(points))
    return pieces


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


def ring(radius: float, z: float, sides: int = _COARSE) -> np.ndarray:
    """(sides, 3) a regular polygon with the area of the circle."""
    angle = 2 * np.pi * np.arange(sides) / sides
    grow = np.sqrt(2 * np.pi / sides / np.sin(2 * np.pi / sides))
    flat = radius * grow * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([flat, np.full((sides, 1), z)], axis=1)


def _on_every_third(pieces: list[np.ndarray]) -> list[np.ndarray]:
    """Wall pieces of which only every third one reaches the table, z = 0."""
    for i, piece in enumerate(pieces):
        if i % 3:
            piece[piece[:, 2] == 0, 2] = _FOOT
    return pieces


def _around_z(section: np.ndarray, angle: float) -> np.ndarray:
    """(n, 3) a section of (radius, height) pairs (n, 2) turned about z."""
    across = section[:, :1] * [np.cos(angle), np.sin(angle)]
    return np.concatenate([across, section[:, 1:]], axis=1)


def _thick_knot(centre: np.ndarray, radius: float) -> np.ndarray:
    """An octahedron around a knot of a rod, about as thick as the rod."""
    return centre + 1.15 * radius * np.concatenate([np.eye(3), -np.eye(3)])


def _along(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(4, 4) placing a capsule, centred and along z, between two points."""
    pose = trimesh.geometry.align_vectors([0, 0, 1], end - start)
    pose[:3, 3] = (start + end) / 2
    return pose


def _revolve(profile: list[tuple[float, float]]) -> trimesh.Trimesh:
    mesh = revolve(np.array(profile), sections=_FINE)
    mesh.fix_normals()
    return mesh


def _check_profile(profile: list[tuple[float, float]]) -> None:
    radii, heights = np.array(profile).T
    if (radii <= 0).any() or (np.diff(heights) < 0).any():
        raise DexjaxError(f"a profile must rise and keep radius > 0, got {profile}")
