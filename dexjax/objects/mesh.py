"""Any mesh file as convex pieces and a closed surface."""

from pathlib import Path

import numpy as np
import trimesh

from dexjax.cache import remembered
from dexjax.errors import DexjaxError

SUFFIXES = (".obj", ".stl", ".glb", ".ply")
# m; what a hand can hold, with room on both sides.
SIZE_RANGE = (0.01, 0.5)
# Largest concavity left in a piece, relative to the object: coacd's own default. A
# larger one closes the handle of a mug.
_CONCAVITY = 0.05
# A smaller search than coacd's default (150, 3, 20): a third of the time for as good
# pieces (46 % instead of 49 % more volume than a mug's).
_SEARCH = {"mcts_iterations": 30, "mcts_max_depth": 2, "mcts_nodes": 12}
# Voxels along the longest side when a surface that is not closed is made so.
_REMESH = 30
# Faces; more are first thinned out, since coacd's time grows with them.
_MOST_FACES = 50_000


def load_mesh(
    path: Path, size: float | None = None
) -> tuple[list[np.ndarray], trimesh.Trimesh | None]:
    """Reads a mesh and decomposes it, centred on its bounding box.

    Args:
        path: an obj, stl, glb or ply file.
        size: largest extent, m; the file's own units are taken for metres by default.

    Returns:
        Convex pieces (n, 3), m, and the surface; None where it is not closed.

    Raises:
        DexjaxError: unreadable, empty, not finite, flat, or of an absurd size.
    """
    path = Path(path)
    mesh = _read(path)
    extent = float(mesh.extents.max())
    if size is not None:
        check_size(size, "--size")
        mesh.apply_scale(size / extent)
    else:
        check_size(extent, f"{path}: the largest extent", "; give --size in metres")
    mesh.apply_translation(-mesh.bounds.mean(axis=0))
    if mesh.extents.min() < 1e-3 * mesh.extents.max():
        raise DexjaxError(f"{path}: is flat ({mesh.extents.min():.2g} m thick)")
    pieces = _cached_pieces(mesh)
    mesh.fix_normals()
    return pieces, mesh if mesh.is_volume else None


def check_size(size: float, what: str, hint: str = "") -> None:
    """Refuses a size (m) that no hand could hold."""
    low, high = SIZE_RANGE
    if not low <= size <= high:
        raise DexjaxError(
            f"{what} is {size:.4g} m, must be between {low} and {high} m{hint}"
        )


def decompose(mesh: trimesh.Trimesh) -> list[np.ndarray]:
    """Convex pieces (n, 3) of a mesh, by coacd."""
    import coacd  # Half a second to import, and rarely needed.

    coacd.set_log_level("error")
    parts = coacd.run_coacd(
        coacd.Mesh(mesh.vertices, mesh.faces),
        threshold=_CONCAVITY,
        preprocess_resolution=_REMESH,
        seed=0,
        **_SEARCH,
    )
    return [np.asarray(vertices) for vertices, _ in parts]


def _read(path: Path) -> trimesh.Trimesh:
    if not path.is_file():
        raise DexjaxError(f"{path}: no such mesh file")
    if path.suffix.lower() not in SUFFIXES:
        raise DexjaxError(f"{path}: not one of {', '.join(SUFFIXES)}")
    try:
        mesh = trimesh.load_mesh(path, process=False, skip_materials=True)
    except Exception as error:  # Each parser has its own ways to fail.
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DexjaxError(f"{path}: cannot be read ({what})") from None
    if isinstance(mesh, trimesh.Scene):
        mesh = mesh.to_mesh()
    if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces):
        raise DexjaxError(f"{path}: holds no faces")
    if not np.isfinite(mesh.vertices).all():
        raise DexjaxError(f"{path}: has a vertex that is not finite")
    if not mesh.extents.max() > 0:
        raise DexjaxError(f"{path}: all vertices are in one point")
    mesh.process()
    if len(mesh.faces) > _MOST_FACES:
        mesh = mesh.simplify_quadric_decimation(face_count=_MOST_FACES)
    return mesh


def _cached_pieces(mesh: trimesh.Trimesh) -> list[np.ndarray]:
    """`decompose`, remembered by the mesh's content; the size does not matter."""
    extent = float(mesh.extents.max())
    unit = mesh.copy().apply_scale(1.0 / extent)
    content = (
        unit.vertices.astype(np.float32).tobytes(),
        unit.faces.astype(np.int64).tobytes(),
        repr((_CONCAVITY, _REMESH, _SEARCH)).encode(),
    )
    stored = remembered(
        "pieces", content, lambda: {f"{i:05}": p for i, p in enumerate(decompose(unit))}
    )
    return [extent * stored[name] for name in sorted(stored)]
