"""Convex pieces of a mesh, body after body, remembered by content."""

import sys
from collections.abc import Sequence

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError
from tqdm import tqdm

from dexjax.cache import remembered
from dexjax.objects.geometry.hulls import HULLS

# Largest concavity left in a piece, relative to the object: coacd's own default. A
# larger one closes the handle of a mug.
_CONCAVITY = 0.05
# A smaller search than coacd's default (150, 3, 20): a third of the time for as good
# pieces (46 % instead of 49 % more volume than a mug's).
_SEARCH = {"mcts_iterations": 30, "mcts_max_depth": 2, "mcts_nodes": 12}
# Voxels along the longest side when a surface that is not closed is made so, and the
# fewest that coacd takes.
_REMESH, _COARSEST = 30, 20
# Faces; more are first thinned out, since coacd's time grows with them.
_MOST_FACES = 50_000
# Share of its convex hull that a body fills if it is convex but for rounding.
_CONVEX = 1 - 1e-4
# Share of the volume of all hulls.
_MUCH = 0.05
# From here on it may take longer than one likes to wait without a word.
_MANY_FACES = 5_000
# So few bodies need no progress bar.
_FEW = 3


def decompose(bodies: Sequence[trimesh.Trimesh]) -> list[np.ndarray]:
    """Convex pieces (n, 3) of bodies that do not overlap.

    What concavity is left in a piece is measured against the whole object. Of more
    bodies than an object has hulls only those are cut up whose convex hulls would add
    much to the whole, so that the work grows with their number and not with its square.

    Args:
        bodies: surfaces, closed or not.
    """
    whole = np.ptp(np.concatenate([b.bounds for b in bodies]), axis=0).max()
    faces = sum(len(b.faces) for b in bodies)
    share = min(1.0, _MOST_FACES / faces)
    if faces > _MANY_FACES:
        print(f"cutting up {faces} faces, once: minutes at most", file=sys.stderr)
    hulls = [_hull(body) for body in bodies]
    pairs = zip(bodies, hulls, strict=True)
    gain = np.array([_excess(body, hull) for body, hull in pairs])
    least = _MUCH * sum(map(_volume, hulls)) if len(bodies) > HULLS else 0.0
    cut = np.flatnonzero(gain > least)
    pieces = [[h] for h in hulls]
    for i in tqdm(
        cut,
        desc="decomposing into convex pieces",
        unit="body",
        disable=len(cut) <= _FEW,
    ):
        size = float(bodies[i].extents.max() / whole)
        if _CONCAVITY < size:
            pieces[i] = _by_coacd(
                _thinned(bodies[i], share),
                _CONCAVITY / size,
                max(round(_REMESH * size), _COARSEST),
            )
    return [piece for own in pieces for piece in own]


def cached_pieces(bodies: Sequence[trimesh.Trimesh]) -> list[np.ndarray]:
    """`decompose`, remembered by the bodies' content; the size does not matter."""
    size = float(np.ptp(np.concatenate([b.bounds for b in bodies]), axis=0).max())
    unit = [b.copy().apply_scale(1.0 / size) for b in bodies]
    content = [repr((_CONCAVITY, _REMESH, _SEARCH, _MOST_FACES, _CONVEX)).encode()]
    for body in unit:
        content += [
            body.vertices.astype(np.float32).tobytes(),
            body.faces.astype(np.int64).tobytes(),
        ]
    stored = remembered(
        "pieces", content, lambda: {f"{i:05}": p for i, p in enumerate(decompose(unit))}
    )
    return [size * stored[name] for name in sorted(stored)]


def _thinned(body: trimesh.Trimesh, share: float) -> trimesh.Trimesh:
    if share == 1:
        return body
    count = max(int(share * len(body.faces)), 4)
    return body.simplify_quadric_decimation(face_count=count)


def _hull(body: trimesh.Trimesh) -> np.ndarray:
    """The vertices (n, 3) of a body's convex hull; all of them where it is flat."""
    try:
        return np.asarray(body.convex_hull.vertices)
    except QhullError:
        return np.asarray(body.vertices)


def _volume(hull: np.ndarray) -> float:
    try:
        return float(ConvexHull(hull).volume)
    except QhullError:
        return 0.0


def _excess(body: trimesh.Trimesh, hull: np.ndarray) -> float:
    """Volume that a body's convex hull adds to it; 0 if it is convex already."""
    volume = _volume(hull)
    if not body.is_volume:
        return volume
    return 0.0 if body.volume >= _CONVEX * volume else volume - float(body.volume)


def _by_coacd(
    body: trimesh.Trimesh, concavity: float, resolution: int
) -> list[np.ndarray]:
    import coacd  # Half a second to import, and rarely needed.

    coacd.set_log_level("error")
    parts = coacd.run_coacd(
        coacd.Mesh(body.vertices, body.faces),
        threshold=concavity,
        preprocess_resolution=resolution,
        seed=0,
        **_SEARCH,
    )
    return [np.asarray(vertices) for vertices, _ in parts]
