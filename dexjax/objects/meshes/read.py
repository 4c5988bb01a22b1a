"""Any mesh file as one list of triangles, and the unit that the file names."""

import codecs
import contextlib
import logging
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import trimesh

from dexjax.errors import DexjaxError
from dexjax.objects.meshes import file_checks as checks
from dexjax.objects.meshes.formats import check_format
from dexjax.objects.meshes.obj import parse_obj
from dexjax.objects.meshes.ply import parse_ply
from dexjax.objects.meshes.text import decode

_LARGEST = 500_000_000  # bytes
_MOST_FACES = 5_000_000
_GLTF = (".glb", ".gltf")
_ZIPPED = (".3mf", ".zae")


class Triangles(NamedTuple):
    """What a mesh file holds.

    Attributes:
        vertices: (n, 3), in units of the file.
        faces: (m, 3) int.
        unit: m; 1 where the format has none.
    """

    vertices: np.ndarray
    faces: np.ndarray
    unit: float = 1.0


def read_triangles(path: Path) -> Triangles:
    """Reads a mesh file of any format; materials, normals and textures are left out.

    Args:
        path: a file of one of `formats.SUFFIXES`.

    Raises:
        DexjaxError: unreadable, damaged, compressed in a way that is not read, empty
            or huge.
    """
    check_format(path)
    if not path.is_file():
        raise DexjaxError(f"{path}: no such mesh file")
    size = path.stat().st_size
    if not size:
        raise DexjaxError(f"{path}: is empty")
    if size > _LARGEST:
        raise DexjaxError(
            f"{path}: has {size / 1e6:.0f} MB, at most {_LARGEST / 1e6:.0f} MB are "
            "read: simplify the mesh"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DexjaxError(f"{path}: cannot be read ({error.strerror})") from None
    found = _parse(path, data)
    if not len(found.faces):
        raise DexjaxError(f"{path}: holds no faces")
    if len(found.faces) > _MOST_FACES:
        raise DexjaxError(
            f"{path}: has more than {_MOST_FACES} faces: simplify the mesh"
        )
    checks.check_indices(path, found.faces, len(found.vertices))
    return found


def _parse(path: Path, data: bytes) -> Triangles:
    suffix = path.suffix.lower()
    if suffix == ".obj":
        vertices, groups = parse_obj(path, data)
        faces = [group for _, group in groups]
        return Triangles(vertices, np.concatenate([np.zeros((0, 3), int), *faces]))
    if suffix == ".ply":
        return Triangles(*parse_ply(path, data.removeprefix(codecs.BOM_UTF8)))
    if suffix in _GLTF:
        checks.check_gltf(path, data)
    elif suffix in _ZIPPED:
        checks.check_zip(path, data)
    elif suffix == ".dae":
        checks.check_xml(path, data)
    elif suffix == ".off" or checks.is_ascii_stl(path, data):
        data = decode(data).encode("ascii", errors="replace")
    return _by_trimesh(path, data)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What a parser has to say about a file is said in one line, or not at all."""
    log = logging.getLogger("trimesh")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _by_trimesh(path: Path, data: bytes) -> Triangles:
    """What trimesh finds, every instance in its place."""
    try:
        with _quiet():
            scene = trimesh.load_scene(
                BytesIO(data),
                file_type=path.suffix[1:].lower(),
                resolver=trimesh.resolvers.FilePathResolver(str(path)),
                process=False,
                skip_materials=True,
            )
            return _flattened(path, scene)
    except DexjaxError:
        raise
    except Exception as error:  # Each parser has its own ways to fail.
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise DexjaxError(f"{path}: cannot be read ({what})") from None


def _flattened(path: Path, scene: trimesh.Scene) -> Triangles:
    vertices, faces, count, total = [np.zeros((0, 3))], [np.zeros((0, 3), int)], 0, 0
    for node in scene.graph.nodes_geometry:
        place, name = scene.graph[node]
        mesh = scene.geometry[name]
        if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces):
            continue
        corners = np.asarray(mesh.faces, np.int64)
        checks.check_indices(path, corners, len(mesh.vertices))
        total += len(corners)
        if total > _MOST_FACES:
            break
        if np.linalg.det(place[:3, :3]) < 0:
            corners = corners[:, ::-1]
        points = np.asarray(mesh.vertices, float) @ place[:3, :3].T + place[:3, 3]
        vertices.append(points)
        faces.append(corners + count)
        count += len(points)
    unit = trimesh.units.unit_conversion(scene.units, "meters") if scene.units else 1.0
    return Triangles(np.concatenate(vertices), np.concatenate(faces), float(unit))
