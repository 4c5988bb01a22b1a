"""A mesh file as what an object is made of: convex pieces, surface and material."""

import hashlib
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import trimesh

from dexjax.errors import DexjaxError
from dexjax.objects.meshes.bodies import box_groups, part, together
from dexjax.objects.meshes.decompose import cached_pieces
from dexjax.objects.meshes.read import Triangles, read_triangles
from dexjax.objects.meshes.repair import Surface, repair
from dexjax.objects.paths import expanded

# m; what a hand can hold, with room on both sides.
SIZE_RANGE = (0.01, 0.5)
_FLAT = 1e-3  # Thickness over length.
_UNITS = {"millimetres": 1e-3, "centimetres": 1e-2, "inches": 0.0254}


class MeshObject(NamedTuple):
    """A decomposed mesh, centred on its bounding box.

    Attributes:
        name: the file's stem and a hash of the mesh at no particular size: two files
            of one stem differ, one file has the same name wherever it lies.
        pieces: convex point sets (n, 3), m.
        surface: what can be touched; None where the mesh is not closed.
        filled: surface of the material, cavities left out; None likewise.
    """

    name: str
    pieces: list[np.ndarray]
    surface: trimesh.Trimesh | None
    filled: trimesh.Trimesh | None


def load_mesh(path: Path, size: float | None = None) -> MeshObject:
    """Reads a mesh, repairs and decomposes it.

    A mesh that is not closed is remeshed, with a line on stderr.

    Args:
        path: a file of one of `formats.SUFFIXES`; "~" is the user's home.
        size: largest extent, m; by default the file's unit, or metres where the format
            has none.

    Raises:
        DexjaxError: unreadable, empty, not finite, flat, or of an absurd size.
    """
    if size is not None:
        check_size(size, "--size")
    path = expanded(path)
    found = read_triangles(path)
    _check_vertices(path, found)
    surface = repair(found.vertices, found.faces)
    _check_thickness(path, surface)
    scale = _scale(path, found, surface, size)
    middle = (surface.vertices.min(axis=0) + surface.vertices.max(axis=0)) / 2
    surface = surface._replace(vertices=(surface.vertices - middle) * scale)
    name = f"{_clean(path.stem)}-{_digest(surface)}"
    solid = None if surface.body is None else part(surface)
    if solid is None:
        patches = _patches(path, surface)
        _say_remeshed(path, surface)
        return MeshObject(name, cached_pieces(patches), None, None)
    pieces = cached_pieces(solid.outside)
    outside = together(solid.outside)
    return MeshObject(name, pieces, outside, solid.filled)


def check_size(size: float, what: str, hint: str = "") -> None:
    """Refuses a size (m) that no hand could hold."""
    if not _fits(size):
        low, high = SIZE_RANGE
        raise DexjaxError(
            f"{what} is {size:.4g} m, must be between {low} and {high} m{hint}"
        )


def _fits(size: float) -> bool:
    return SIZE_RANGE[0] <= size <= SIZE_RANGE[1]


def _check_vertices(path: Path, found: Triangles) -> None:
    used = found.vertices[np.unique(found.faces)]
    if not np.isfinite(used).all():
        raise DexjaxError(f"{path}: has a vertex that is not finite")
    if not np.ptp(used, axis=0).max() > 0:
        raise DexjaxError(f"{path}: all vertices are in one point")


def _check_thickness(path: Path, surface: Surface) -> None:
    if not len(surface.faces):
        raise DexjaxError(f"{path}: none of its faces has an area")
    extents = np.ptp(surface.vertices, axis=0)
    if extents.min() < _FLAT * extents.max():
        raise DexjaxError(
            f"{path}: is flat: {extents.max():.3g} long, {extents.min():.2g} thick"
        )


def _scale(path: Path, found: Triangles, surface: Surface, size: float | None) -> float:
    """From the file's numbers to metres."""
    extent = float(np.ptp(surface.vertices, axis=0).max())
    if size is not None:
        return size / extent
    if _fits(extent * found.unit):
        return found.unit
    if _fits(extent):
        _say(
            f"{path}: its unit would make it {extent * found.unit:.3g} m large: "
            "its numbers are taken for metres"
        )
        return 1.0
    fitting = [
        f", {extent * unit:.3g} if the file is in {name}"
        for name, unit in _UNITS.items()
        if _fits(extent * unit)
    ]
    hint = f"; give --size in metres{''.join(fitting)}"
    check_size(extent * found.unit, f"{path}: the largest extent", hint)
    return found.unit


def _clean(stem: str) -> str:
    """A stem without what means something to a shell or a file system."""
    return re.sub(r"[^\w.+-]+", "_", stem).strip("_.-") or "mesh"


def _digest(surface: Surface) -> str:
    """Of a centred surface; its size does not matter."""
    extent = np.ptp(surface.vertices, axis=0).max()
    # Rounded, since what a size is divided by leaves its traces; 0 has no sign.
    grid = np.round(surface.vertices / extent, 5) + 0.0
    digest = hashlib.sha256(grid.astype(np.float32).tobytes())
    digest.update(surface.faces.astype(np.int64).tobytes())
    return digest.hexdigest()[:8]


def _patches(path: Path, surface: Surface) -> list[trimesh.Trimesh]:
    """Parts of an open mesh that lie apart, each to be closed by itself.

    A triangle that lies apart is left out: it has no inside.
    """
    mesh = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
    parts = list(mesh.split(only_watertight=False, repair=False, engine="scipy"))
    groups = box_groups(np.array([p.bounds for p in parts]))
    patches = [together([parts[i] for i in group]) for group in groups]
    found = [patch for patch in patches if len(patch.vertices) > 3]
    if not found:
        raise DexjaxError(f"{path}: its triangles lie apart from each other")
    return found


def _say_remeshed(path: Path, surface: Surface) -> None:
    why = (
        f"its surface is open at {surface.border} edges"
        if surface.border
        else "its surface has no inside"
    )
    _say(f"{path}: {why}: it is remeshed, which closes holes and thin gaps")


def _say(line: str) -> None:
    print(line, file=sys.stderr)
