"""Solids of revolution, hollow or not."""

import numpy as np
import trimesh
from trimesh.creation import revolve

from dexjax.errors import DexjaxError
from dexjax.objects.shapes.boxes import WALL_LIFT
from dexjax.objects.shapes.shape import Shape

# Facets of the fine surface around an axis, and of the convex pieces.
_FINE = 48
_COARSE = 8
_FOOT = 0.0005


def cylinder(radius: float, height: float) -> Shape:
    """A cylinder about z, centred."""
    return solid_of_revolution([(radius, -height / 2), (radius, height / 2)])


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


def _revolve(profile: list[tuple[float, float]]) -> trimesh.Trimesh:
    mesh = revolve(np.array(profile), sections=_FINE)
    mesh.fix_normals()
    return mesh


def _check_profile(profile: list[tuple[float, float]]) -> None:
    radii, heights = np.array(profile).T
    if (radii <= 0).any() or (np.diff(heights) < 0).any():
        raise DexjaxError(f"a profile must rise and keep radius > 0, got {profile}")
