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
        if len(ConvexHull(candidate).vertices) == len(candidate):
            if edges(candidate)[2].min() >= MIN_FOLD:
                corners = candidate
    return corners if len(corners) == vertices else None


def edges(
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


def _fold(points: np.ndarray, seed: int) -> np.ndarray | None:
    """One attempt at `strictly_convex`, from vertices jittered by `seed`.

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
        edge, opposite, fold, normal = edges(moved)
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
