"""Convex pieces -> exactly K convex hulls of exactly V vertices each.

Every engine then sees one topology size: a simplicial polytope with V vertices has
2V - 4 triangles and 3V - 6 edges (Euler's formula). Hulls are made *strictly* convex:
neighbouring triangles meet at an angle of at least `MIN_FOLD`, because MJX merges
triangles that look coplanar (below 0.0141 rad) and would break the common size.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from dexjax.errors import DexjaxError

HULLS = 16
VERTICES = 16

# rad; MJX merges below 1 / sqrt(5000) = 0.0141, float32 noise is far smaller.
MIN_FOLD = 0.018
# Half the thickness (m) given to a flat piece, which has no volume to collide with.
MIN_HALF_THICKNESS = 0.0005
_SWEEPS = 300
_DRAWS = 6
_TRIALS = 5_000
# Distance of a padding vertex from its corner, as a share of the hull's size.
_SPLIT = (0.001, 0.005)


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
    merged = merge_pieces(solid, count)
    shaped = [fit_vertices(piece, vertices) for piece in merged]
    mask = np.arange(count) < len(shaped)
    centre = np.concatenate(shaped).mean(axis=0)
    padding = centre + 0.001 * _ball(vertices)
    shaped += [padding] * (count - len(shaped))
    return Hulls(np.stack(shaped), mask)


def hull_faces(vertices: np.ndarray) -> np.ndarray:
    """Triangles (2V - 4, 3) of a hull's convex surface, counter-clockwise outside."""
    hull = ConvexHull(vertices)
    faces = hull.simplices.copy()
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    inward = np.einsum("fi,fi->f", normal, hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return faces


def merge_pieces(pieces: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Joins pairs of pieces, least added volume first, until `count` are left."""
    pieces = list(pieces)
    volume = [ConvexHull(p).volume for p in pieces]
    added = {
        (i, j): _added_volume(pieces, volume, i, j)
        for i in range(len(pieces))
        for j in range(i)
    }
    alive = set(range(len(pieces)))
    while len(alive) > count:
        i, j = min(added, key=added.__getitem__)
        both = np.concatenate([pieces[i], pieces[j]])
        hull = ConvexHull(both)
        pieces.append(both[hull.vertices])
        volume.append(hull.volume)
        alive -= {i, j}
        added = {pair: v for pair, v in added.items() if alive.issuperset(pair)}
        new = len(pieces) - 1
        added |= {(new, k): _added_volume(pieces, volume, new, k) for k in alive}
        alive.add(new)
    return [pieces[i] for i in sorted(alive)]


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
        folded = _strictly_convex(_reduced(corners, kept))
        full = None if folded is None else _add_vertices(folded, vertices)
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


def _added_volume(
    pieces: list[np.ndarray], volume: list[float], i: int, j: int
) -> float:
    joined = ConvexHull(np.concatenate([pieces[i], pieces[j]])).volume
    return joined - volume[i] - volume[j]


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


def _add_vertices(corners: np.ndarray, vertices: int) -> np.ndarray | None:
    """Splits corners of a strictly convex hull until it has V vertices, if it can.

    A new vertex close beside a sharp corner folds only small triangles strongly, so
    that the shape hardly changes; one amid a face or an edge would have to stand out
    by its distance from the corners times `MIN_FOLD`.
    """
    rng = np.random.default_rng(0)
    size = np.ptp(corners, axis=0).max()
    for _ in range(_TRIALS):
        if len(corners) == vertices:
            break
        corner = corners[rng.integers(len(corners))]
        direction = rng.normal(size=3)
        distance = size * np.exp(rng.uniform(*np.log(_SPLIT)))
        step = distance * direction / np.linalg.norm(direction)
        candidate = np.concatenate([corners, (corner + step)[None]])
        if len(ConvexHull(candidate).vertices) == len(candidate):
            if _edges(candidate)[2].min() >= MIN_FOLD:
                corners = candidate
    return corners if len(corners) == vertices else None


def _edges(
    points: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edges of the hull of `points`, whose triangles are f and g at each edge.

    Returns:
        (E, 2) the edge's vertices, (E, 2) the vertex of f and of g opposite to it,
        (E,) the angle between the normals (rad), (E, 3) the sum of the normals.
    """
    hull = ConvexHull(points)
    normals = hull.equations[:, :3]
    face, corner = np.nonzero(hull.neighbors > np.arange(len(hull.simplices))[:, None])
    other = hull.neighbors[face, corner]
    opposite = hull.simplices[face, corner]
    edge = hull.simplices[face[:, None], (corner[:, None] + [1, 2]) % 3]
    across = hull.simplices[other].sum(axis=1) - edge.sum(axis=1)
    n, m = normals[face], normals[other]
    fold = 2 * np.arcsin(np.clip(np.linalg.norm(n - m, axis=1) / 2, 0, 1))
    return edge, np.stack([opposite, across], axis=1), fold, n + m


def _strictly_convex(points: np.ndarray) -> np.ndarray | None:
    """Moves vertices a little so that every edge folds by `MIN_FOLD`, if that works.

    Which diagonals a flat face folds along is a matter of chance; the best of a few
    draws is taken.
    """
    drawn = [_fold(points, seed) for seed in range(_DRAWS)]
    folded = [moved for moved in drawn if moved is not None]
    if not folded:
        return None
    return min(folded, key=lambda moved: np.linalg.norm(moved - points, axis=1).max())


def _fold(points: np.ndarray, seed: int) -> np.ndarray | None:
    """One attempt at `_strictly_convex`, from vertices jittered by `seed`.

    Each sweep pushes the ends of a too flat edge outwards and the two opposite
    vertices inwards. Points that are no hull vertices are pushed outwards.
    """
    centre = points.mean(axis=0)
    jitter = np.random.default_rng(seed).uniform(-1, 1, (len(points), 1))
    moved = points + (points - centre) * 0.2 * MIN_FOLD * jitter
    for _ in range(_SWEEPS):
        inside = np.ones(len(moved), bool)
        inside[ConvexHull(moved).vertices] = False
        if inside.any():
            moved[inside] += (moved[inside] - centre) * 0.2 * MIN_FOLD
            continue
        edge, opposite, fold, normal = _edges(moved)
        flat = fold < MIN_FOLD
        if not flat.any():
            return moved
        _fold_edges(moved, edge[flat], opposite[flat], fold[flat], normal[flat])
    return None


def _fold_edges(
    points: np.ndarray,
    edge: np.ndarray,
    opposite: np.ndarray,
    fold: np.ndarray,
    normal: np.ndarray,
) -> None:
    """One correction of the given too flat edges, in place."""
    outward = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    start, end = points[edge[:, 0]], points[edge[:, 1]]
    along = (end - start) / np.linalg.norm(end - start, axis=1, keepdims=True)
    arm = points[opposite] - start[:, None]
    arm = np.linalg.norm(np.cross(arm, along[:, None]), axis=2)
    # Lowering both opposite vertices by h folds the edge by h / arm_f + h / arm_g.
    need = 1.05 * MIN_FOLD - fold
    height = need / (1 / arm).sum(axis=1) / 2
    step = 0.7 * height[:, None] * outward
    for i in range(2):
        np.add.at(points, edge[:, i], step)
        np.add.at(points, opposite[:, i], -step)


def _ball(vertices: int) -> np.ndarray:
    """`vertices` points spread on the unit sphere (a Fibonacci spiral)."""
    k = np.arange(vertices) + 0.5
    z = 1 - 2 * k / vertices
    angle = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z**2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)
