"""DexGraspNet objects and grasps, in both layouts that exist on disk.

Layout A (DexGraspNet):
    dataset/<name>.npy                      all grasps, {qpos, scale}
    meshdata/<name>/coacd/decomposed.obj    convex pieces, unit radius
Layout B (UniDexGrasp):
    datasetv4.1/<core|sem>/<name>/NNNNN.npz one grasp each, {qpos, scale, plane}
    meshdatav3_scaled/<core|sem>/<name>/coacd/decomposed.obj
In A `scale` multiplies the mesh; in B it is the inverse of that factor. A grasp gives
the palm frame in the frame of the scaled mesh.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.objects import safe_pickle

JOINT_NAMES = tuple(
    f"{finger}J{i}"
    for finger, first in (("FF", 3), ("MF", 3), ("RF", 3), ("LF", 4), ("TH", 4))
    for i in range(first, -1, -1)
)
_ROTATION = ("WRJRx", "WRJRy", "WRJRz")
_TRANSLATION = ("WRJTx", "WRJTy", "WRJTz")
# Sources whose names are <source>-<category>-<hash>.
_CATEGORISED = ("core", "sem")
# Grasps of one scale agree with it to float32.
_SCALE_TOLERANCE = 5e-4


class Grasp(NamedTuple):
    """A hand pose that holds an object.

    Attributes:
        rotation: (3, 3) palm frame in the object frame.
        translation: (3,) palm origin in the object frame, m.
        joints: (22,) finger joints in the order of `JOINT_NAMES`, rad.
        scale: the factor on the unit mesh, m.
    """

    rotation: np.ndarray
    translation: np.ndarray
    joints: np.ndarray
    scale: float


class Source(NamedTuple):
    """Where the files of one object lie.

    Attributes:
        name: its name, as a user gives it before the "@".
        mesh: decomposed.obj.
        grasps: a .npy file (layout A), a folder of .npz files (B), None if absent.
    """

    name: str
    mesh: Path
    grasps: Path | None

    @property
    def category(self) -> str:
        """The category that the name tells, in lower case."""
        parts = self.name.replace("/", "-").split("-")
        named = parts[0] in _CATEGORISED and len(parts) > 2
        return parts[1].lower() if named else "-".join(parts[1:]).lower() or parts[0]

    @property
    def up(self) -> str:
        """The axis that points upwards: ShapeNetCore has y, the other sources z."""
        return "y" if self.name.startswith("core") else "z"


def find_objects(folder: Path) -> dict[str, Source]:
    """All objects below `folder` by name; the two layouts may be mixed.

    Raises:
        DexjaxError: no such folder, or nothing of either layout in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DexjaxError(f"no DexGraspNet folder {str(folder)!r}")
    meshes, files, roots = _walk(folder)
    if not meshes:
        raise DexjaxError(
            f"{str(folder)!r} holds no <name>/coacd/decomposed.obj: "
            "give the folder above meshdata/ and dataset/"
        )
    sources = sorted(_source(mesh, files, roots) for mesh in meshes)
    return {source.name: source for source in sources}


def lacks_mesh(folder: Path, name: str) -> bool:
    """Whether a folder has grasps of an object but not its decomposed.obj."""
    _, files, roots = _walk(Path(folder))
    return name in files or any((root / name).is_dir() for root in roots)


def read_grasps(source: Source | Path) -> list[Grasp]:
    """The grasps of one object.

    Args:
        source: the object, or a .npy file of layout A, or a .npz file or a folder of
            them, layout B.

    Raises:
        DexjaxError: missing, damaged, or not grasps.
    """
    if isinstance(source, Source):
        if source.grasps is None:
            raise DexjaxError(
                f"no grasps for {source.name!r}: expected dataset/{source.name}.npy "
                f"or datasetv4.1/{source.name}/*.npz"
            )
        source = source.grasps
    path = Path(source)
    if path.is_dir():
        files = sorted(path.glob("*.npz"))
        if not files:
            raise DexjaxError(f"{path}: no .npz grasps in this folder")
        return [_grasp_b(file) for file in files]
    if path.suffix == ".npz":
        return [_grasp_b(path)]
    entries = safe_pickle.load_npy(path)
    if not isinstance(entries, list) or not entries:
        raise DexjaxError(f"{path}: not a list of grasps")
    return [_grasp(path, e, f"grasp {i}", False) for i, e in enumerate(entries)]


def read_pieces(source: Source | Path, scale: float = 1.0) -> list[np.ndarray]:
    """Vertices (n, 3) of each convex piece (`o` group) of a decomposed.obj.

    Args:
        source: the object or the .obj file.
        scale: factor on the vertices; m per unit.

    Raises:
        DexjaxError: missing, damaged, or with a piece that is not closed.
    """
    path = Path(source.mesh if isinstance(source, Source) else source)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DexjaxError(f"{path}: cannot be read ({error})") from None
    vertices, groups = _parse_obj(path, lines)
    if not groups:
        raise DexjaxError(f"{path}: holds no faces")
    return [scale * _piece(path, name, vertices, faces) for name, faces in groups]


def scaled_names(folder: Path) -> dict[str, list[str]]:
    """Object -> its names with every scale that it has grasps at, "name@0.06".

    Raises:
        DexjaxError: see `find_objects` and `read_grasps`.
    """
    scales = {
        name: sorted({round(grasp.scale, 3) for grasp in read_grasps(source)})
        for name, source in find_objects(folder).items()
    }
    return {name: [f"{name}@{s:g}" for s in own] for name, own in scales.items()}


def grasps_at(grasps: list[Grasp], scale: float) -> list[Grasp]:
    """Those of `grasps` that were made for this scale."""
    return [g for g in grasps if abs(g.scale - scale) < _SCALE_TOLERANCE]


def _walk(folder: Path) -> tuple[list[Path], dict[str, Path], list[Path]]:
    """Meshes, .npy files by stem, and roots of layout-B grasps below a folder.

    It does not enter the last, which may hold a million files.
    """
    meshes: list[Path] = []
    files: dict[str, Path] = {}
    roots: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        here = Path(place)
        if (here / "coacd" / "decomposed.obj").is_file():
            meshes.append(here / "coacd" / "decomposed.obj")
            folders.clear()
        if here.name.startswith("datasetv"):
            roots.append(here)
            folders.clear()
        files |= {n.removesuffix(".npy"): here / n for n in names if n.endswith(".npy")}
    return meshes, files, roots


def _source(mesh: Path, files: dict[str, Path], roots: list[Path]) -> Source:
    name, above = mesh.parents[1].name, mesh.parents[2].name
    if above not in _CATEGORISED:
        return Source(name, mesh, files.get(name))
    places = [root / above / name for root in roots]
    found = next((p for p in places if p.is_dir()), None)
    return Source(f"{above}/{name}", mesh, found)


def _grasp_b(path: Path) -> Grasp:
    return _grasp(path, safe_pickle.load_npz(path), "grasp", inverse=True)


def _grasp(path: Path, entry: Any, which: str, inverse: bool) -> Grasp:
    """Checks one {qpos, scale} and turns it into a `Grasp`."""
    try:
        qpos = entry["qpos"]
        pose = [float(qpos[key]) for key in _ROTATION + _TRANSLATION]
        joints = [float(qpos[f"robot0:{name}"]) for name in JOINT_NAMES]
        scale = float(entry["scale"])
    except KeyError as error:
        raise DexjaxError(f"{path}: {which} lacks {error}") from None
    except (TypeError, ValueError):
        raise DexjaxError(f"{path}: {which} is not a dict of numbers") from None
    if not np.isfinite([*pose, *joints, scale]).all() or scale <= 0:
        raise DexjaxError(f"{path}: {which} has a value that is not finite")
    return Grasp(
        rotation=Rotation.from_euler("xyz", pose[:3]).as_matrix(),
        translation=np.array(pose[3:]),
        joints=np.array(joints),
        scale=1.0 / scale if inverse else scale,
    )


def _parse_obj(
    path: Path, lines: list[str]
) -> tuple[np.ndarray, list[tuple[str, list[list[int]]]]]:
    """Vertices (n, 3) and, per `o` group, its name and triangles."""
    vertices: list[list[float]] = []
    groups: list[tuple[str, list[list[int]]]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        try:
            if line.startswith("v "):
                vertices.append([float(w) for w in words[1:4]])
                if len(words) < 4:
                    raise ValueError
            elif line.startswith("o "):
                groups.append((words[1], []))
            elif line.startswith("f "):
                first, *rest = (int(w.split("/")[0]) - 1 for w in words[1:])
                if len(rest) < 2:
                    raise ValueError
                if not groups:
                    groups.append(("all", []))
                fan = zip(rest[:-1], rest[1:], strict=True)
                groups[-1][1].extend([first, *pair] for pair in fan)
        except (ValueError, IndexError):
            raise DexjaxError(f"{path}: line {number} is damaged: {line!r}") from None
    return np.array(vertices, float).reshape(-1, 3), groups


def _piece(
    path: Path, name: str, vertices: np.ndarray, faces: list[list[int]]
) -> np.ndarray:
    """Vertices (n, 3) of one piece, checked to be a closed surface."""
    corners = np.array(faces, int).reshape(-1, 3)
    if not corners.size:
        raise DexjaxError(f"{path}: {name} has no faces; is the file truncated?")
    if corners.min() < 0 or corners.max() >= len(vertices):
        raise DexjaxError(f"{path}: a face of {name} names a vertex that is missing")
    used, corners = np.unique(corners, return_inverse=True)
    if not np.isfinite(vertices[used]).all():
        raise DexjaxError(f"{path}: {name} has a coordinate that is not finite")
    piece = trimesh.Trimesh(vertices[used], corners.reshape(-1, 3), process=False)
    if not piece.is_watertight:
        raise DexjaxError(f"{path}: {name} is not closed; is the file truncated?")
    return vertices[used]
