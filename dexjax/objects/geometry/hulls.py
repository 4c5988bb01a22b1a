"""Convex pieces -> exactly K convex hulls of exactly V vertices each.

Every engine then sees one topology size: a simplicial polytope with V vertices has
2V - 4 triangles and 3V - 6 edges (Euler's formula). Hulls are made *strictly* convex:
neighbouring triangles meet at a small angle at least (folding.py), because MJX merges
triangles that look coplanar (below 0.0071 rad) and would break the common size.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from dexjax.errors import DexjaxError
from dexjax.objects.geometry.folding import add_vertices, edges, strictly_convex
from dexjax.objects.geometry.merging import merge_pieces

HULLS = 16
VERTICES = 16

# Half the thickness (m) given to a flat piece, which has no volume to collide with.
MIN_HALF_THICKNESS = 0.0005
# Share of an object's volume that one piece may lose before it is cut in two.
_SMALL_LOSS = 0.01
# Radius of a hull that only fills up the count, as a share of the object's size: so
# little that it fits inside the thinnest hull.
_PADDING = 0.003


class Hulls(NamedTuple):
    """K hulls of V vertices; those with `mask` False are padding.

    Attributes:
        vertices: (K, V, 3) float64, m.
        mask: (K,) bool.
    """

    vertices: np.ndarray
    mask: np.ndarray


def make_hulls(
    pieces: list[np.ndarray], count: int = HULLS, vertices: int = VERTICES
) -> Hulls:
    """Turns convex pieces into `count` hulls of `vertices` vertices.

    Args:
        pieces: point sets (n, 3), m, whose convex hulls make up the object.
        count: K.
        vertices: V, at least 6.

    Raises:
        DexjaxError: no pieces, or a piece that is not finite.
    """
    if not pieces:
        raise DexjaxError("an object needs at least one convex piece, got none")
    solid = [_solid_vertices(np.asarray(p, np.float64)) for p in pieces]
    merged = split_pieces(merge_pieces(solid, count), count, vertices)
    shaped = [fit_vertices(piece, vertices) for piece in merged]
    mask = np.arange(count) < len(shaped)
    corners = np.concatenate(shaped)
    radius = _PADDING * np.ptp(corners, axis=0).max()
    padding = corners.mean(axis=0) + fit_vertices(radius * _ball(vertices), vertices)
    shaped += [padding] * (count - len(shaped))
    return Hulls(np.stack(shaped), mask)


def split_pieces(
    pieces: list[np.ndarray], count: int, vertices: int
) -> list[np.ndarray]:
    """Halves the pieces that lose most by having V vertices, up to `count` pieces.

    A piece is left alone where it loses less than `_SMALL_LOSS` of the whole volume.

    Args:
        pieces: hull vertices (n, 3) of each piece, m.
        count: K.
        vertices: V.
    """
    pieces = list(pieces)
    losses = [_lost_volume(p, vertices) for p in pieces]
    small = _SMALL_LOSS * sum(ConvexHull(p).volume for p in pieces)
    while len(pieces) < count and max(losses) > small:
        worst = int(np.argmax(losses))
        losses.pop(worst)
        for half in _halves(pieces.pop(worst)):
            pieces.append(half)
            losses.append(_lost_volume(half, vertices))
    return pieces


def _lost_volume(points: np.ndarray, vertices: int) -> float:
    if len(points) <= vertices:
        return 0.0
    kept = reduce_vertices(points, vertices)
    return ConvexHull(points).volume - ConvexHull(kept).volume


def _halves(points: np.ndarray) -> list[np.ndarray]:
    """Cuts a hull through its centroid, across its longest principal axis."""
    centre, covariance = _solid_moments(points)
    along = (points - centre) @ np.linalg.eigh(covariance)[1][:, -1]
    edge = edges(ConvexHull(points))[0]
    before, after = along[edge[:, 0]], along[edge[:, 1]]
    crosses = before * after < 0
    share = (before[crosses] / (before - after)[crosses])[:, None]
    start, end = points[edge[crosses, 0]], points[edge[crosses, 1]]
    cut = start + share * (end - start)
    sides = (points[along <= 0], points[along >= 0])
    halves = [np.concatenate([side, cut]) for side in sides]
    return [half[ConvexHull(half).vertices] for half in halves]


def fit_vertices(points: np.ndarray, vertices: int) -> np.ndarray:
    """The convex hull of `points` with exactly `vertices` vertices, strictly convex.

    Args:
        points: (n, 3), m, spanning a volume.
        vertices: V.

    Returns:
        (V, 3), m.

    Raises:
        DexjaxError: not even four of the points could be made into such a hull.
    """
    corners = points[ConvexHull(points).vertices]
    # Crowded vertices on a nearly flat face may not all be kept: then one fewer is.
    for kept in range(min(len(corners), vertices), 3, -1):
        folded = strictly_convex(_reduced(corners, kept))
        full = None if folded is None else add_vertices(folded, vertices)
        if full is not None:
            return full
    size = np.ptp(points, axis=0).max()
    raise DexjaxError(f"a convex piece of size {size:.4g} m is too flat to collide")


def _reduced(corners: np.ndarray, vertices: int) -> np.ndarray:
    if len(corners) == vertices:
        return corners
    return match_moments(reduce_vertices(corners, vertices), corners)


def reduce_vertices(points: np.ndarray, vertices: int) -> np.ndarray:
    """Picks the `vertices` hull points that greedily keep the largest volume.

    Adding a point p to a convex hull adds sum_f max(0, distance of p to the plane of
    face f) * area_f / 3 (the cones over the faces that p sees).
    """
    if len(points) <= vertices:
        return points
    chosen = _first_tetrahedron(points)
    while len(chosen) < vertices:
        hull = ConvexHull(points[chosen])
        a, b, c = (hull.points[hull.simplices[:, i]] for i in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        height = points @ hull.equations[:, :3].T + hull.equations[:, 3]
        gain = np.maximum(height, 0.0) @ area
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
    return points[sorted(chosen)]


def match_moments(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Stretches a hull so that its solid has the target's centre and covariance.

    A hull of fewer vertices lies inside the one it stands for; its faces are moved
    outwards on average to where the surface was. The symmetric M that solves
    M C M = C_target is C^-1/2 (C^1/2 C_target C^1/2)^1/2 C^-1/2.

    Args:
        points: (n, 3) vertices to move, m.
        target: (m, 3) vertices of the hull to stand for, m.
    """
    centre, covariance = _solid_moments(points)
    target_centre, target_covariance = _solid_moments(target)
    root, inverse = _roots(covariance)
    middle, _ = _roots(root @ target_covariance @ root)
    return target_centre + (points - centre) @ (inverse @ middle @ inverse)


def _solid_moments(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centroid (3,) and covariance (3, 3) of the solid convex hull of points (n, 3).

    Sums tetrahedra from an inner point; one with corners 0, a, b, c has the second
    moment V / 20 (s s^T + a a^T + b b^T + c c^T) about that point, with s = a + b + c.
    """
    hull = ConvexHull(points)
    inner = points.mean(axis=0)
    corners = points[hull.simplices] - inner
    volume = np.abs(np.linalg.det(corners)) / 6
    total = corners.sum(axis=1)
    first = np.einsum("f,fi->i", volume, total) / 4 / volume.sum()
    second = np.einsum("f,fi,fj->ij", volume, total, total)
    second += np.einsum("f,fki,fkj->ij", volume, corners, corners)
    covariance = second / 20 / volume.sum() - np.outer(first, first)
    return inner + first, covariance


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Square root and inverse square root of a symmetric positive (3, 3) matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root = np.sqrt(values)
    return (vectors * root) @ vectors.T, (vectors / root) @ vectors.T


def _first_tetrahedron(points: np.ndarray) -> list[int]:
    """Four far-apart points: farthest from the mean, the point, the line, the plane."""
    first = int(np.argmax(np.linalg.norm(points - points.mean(axis=0), axis=1)))
    second = int(np.argmax(np.linalg.norm(points - points[first], axis=1)))
    direction = points[second] - points[first]
    off_line = np.linalg.norm(np.cross(points - points[first], direction), axis=1)
    third = int(np.argmax(off_line))
    normal = np.cross(direction, points[third] - points[first])
    fourth = int(np.argmax(np.abs((points - points[first]) @ normal)))
    return [first, second, third, fourth]


def _solid_vertices(points: np.ndarray) -> np.ndarray:
    """Hull vertices of a piece; a flat piece is given a small thickness first."""
    if points.ndim != 2 or points.shape[-1] != 3 or not len(points):
        raise DexjaxError(f"a convex piece must be (n, 3), got {points.shape}")
    if not np.isfinite(points).all():
        raise DexjaxError("a convex piece has a coordinate that is not finite")
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=True)[2]
    half = np.abs(centred @ axes.T).max(axis=0)
    for axis, extent in zip(axes, half, strict=True):
        if extent < MIN_HALF_THICKNESS:
            offset = MIN_HALF_THICKNESS * axis
            points = np.concatenate([points - offset, points + offset])
    try:
        return points[ConvexHull(points).vertices]
    except QhullError:
        raise DexjaxError("a convex piece spans no volume") from None


def _ball(vertices: int) -> np.ndarray:
    """`vertices` points spread on the unit sphere (a Fibonacci spiral)."""
    k = np.arange(vertices) + 0.5
    z = 1 - 2 * k / vertices
    angle = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z**2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)
