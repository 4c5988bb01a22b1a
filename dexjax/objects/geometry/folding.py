"""Makes a convex hull simplicial with a margin, and gives it more vertices.

MJX merges neighbouring triangles that look coplanar. A hull whose every edge folds by
`MIN_FOLD` keeps its 2V - 4 triangles, whatever flat faces it stands for.
"""

import numpy as np
from scipy.spatial import ConvexHull

# rad; MJX merges where 2 sin(fold) < 1 / sqrt(5000), below 0.0071; float32 noise is
# far smaller. A flat base is uneven by this times its size, so it is kept small.
MIN_FOLD = 0.009
_SWEEPS = 300
_DRAWS = 6
# Farthest that folding may move a vertex, as a share of the hull's size.
_MOST_MOVED = 0.02
_TRIALS = 5_000
# Distance of a padding vertex from its corner, as a share of the hull's size.
_SPLIT = (0.001, 0.005)


def strictly_convex(points: np.ndarray) -> np.ndarray | None:
    """Moves vertices a little so that every edge folds by `MIN_FOLD`, if that works.

    Which diagonals a flat face folds along is a matter of chance; the best of a few
    draws is taken.

    Args:
        points: (n, 3) vertices of a convex hull, m.
    """
    best, least = None, _MOST_MOVED * np.ptp(points, axis=0).max()
    for seed in range(_DRAWS):
        moved = _fold(points, seed)
        if moved is None:
            continue
        distance = np.linalg.norm(moved - points, axis=1).max()
        if distance < least:
            best, least = moved, distance
    return best


def add_vertices(corners: np.ndarray, vertices: int) -> np.ndarray | None:
    """Splits corners of a strictly convex hull until it has V vertices, if it can.

    A new vertex close beside a sharp corner folds only small triangles strongly, so
    that the shape hardly changes; one amid a face or an edge would have to stand out
    by its distance from the corners times `MIN_FOLD`.

    Args:
        corners: (n, 3) vertices of a hull whose edges fold by `MIN_FOLD`, m.
        vertices: V.
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
        hull = ConvexHull(candidate)
        if not _within(hull).any() and edges(hull)[2].min() >= MIN_FOLD:
            corners = candidate
    return corners if len(corners) == vertices else None


def edges(
    hull: ConvexHull,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edges of a hull, whose triangles are f and g at each edge.

    Returns:
        (E, 2) the edge's vertices, (E, 2) the vertex of f and of g opposite to it,
        (E,) the angle between the normals (rad), (E, 3) the sum of the normals.
    """
    normals = hull.equations[:, :3]
    face, corner = np.nonzero(hull.neighbors > np.arange(len(hull.simplices))[:, None])
    other = hull.neighbors[face, corner]
    opposite = hull.simplices[face, corner]
    edge = hull.simplices[face[:, None], (corner[:, None] + [1, 2]) % 3]
    across = hull.simplices[other].sum(axis=1) - edge.sum(axis=1)
    n, m = normals[face], normals[other]
    fold = 2 * np.arcsin(np.minimum(_length(n - m) / 2, 1))
    return edge, np.stack([opposite, across], axis=1), fold, n + m


def _fold(points: np.ndarray, seed: int) -> np.ndarray | None:
    """One attempt at `strictly_convex`, from vertices jittered by `seed`.

    Each sweep pushes the ends of a too flat edge outwards and the two opposite
    vertices inwards. Points that are no hull vertices are pushed outwards.
    """
    centre = points.mean(axis=0)
    jitter = np.random.default_rng(seed).uniform(-1, 1, (len(points), 1))
    moved = points + (points - centre) * 0.2 * MIN_FOLD * jitter
    for _ in range(_SWEEPS):
        hull = ConvexHull(moved)
        inside = _within(hull)
        if inside.any():
            moved[inside] += (moved[inside] - centre) * 0.2 * MIN_FOLD
            continue
        edge, opposite, fold, normal = edges(hull)
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
    outward = normal / _length(normal)[:, None]
    start, end = points[edge[:, 0]], points[edge[:, 1]]
    along = (end - start) / _length(end - start)[:, None]
    arm = points[opposite] - start[:, None]
    arm = _length(_cross(arm, along[:, None]))
    # Lowering both opposite vertices by h folds the edge by h / arm_f + h / arm_g.
    need = 1.05 * MIN_FOLD - fold
    height = need / (1 / arm).sum(axis=1) / 2
    step = 0.7 * height[:, None] * outward
    for i in range(2):
        np.add.at(points, edge[:, i], step)
        np.add.at(points, opposite[:, i], -step)


# These run ten thousand times per object; np.cross and np.linalg.norm, which give the
# same bits, spend most of their time on finding out what they were given.
def _within(hull: ConvexHull) -> np.ndarray:
    """Which points (n,) are no vertices of their hull."""
    inside = np.ones(len(hull.points), bool)
    inside[hull.simplices] = False
    return inside


def _length(vectors: np.ndarray) -> np.ndarray:
    """Lengths (...) of vectors (..., 3)."""
    return np.sqrt(np.add.reduce(vectors * vectors, axis=-1))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products (..., 3) of vectors (..., 3)."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    parts = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    return np.stack(parts, axis=-1)
