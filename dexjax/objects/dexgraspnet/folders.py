"""Which objects a folder of DexGraspNet has, and where their files lie."""

import os
from pathlib import Path
from typing import NamedTuple

from dexjax.errors import DexjaxError
from dexjax.objects.dexgraspnet.grasps import Grasp, read_grasp_files
from dexjax.objects.paths import expanded

# Factors on the unit mesh, m, that DexGraspNet's grasps were made for.
SCALES = (0.06, 0.08, 0.1, 0.12, 0.15)
# Sources whose names are <source>-<category>-<hash>.
_CATEGORISED = ("core", "sem")


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

    Folders may be symbolic links.

    Raises:
        DexjaxError: no such folder, or nothing of either layout in it.
    """
    folder = expanded(folder)
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
    _, files, roots = _walk(expanded(folder))
    return name in files or any((root / name).is_dir() for root in roots)


def read_grasps(source: Source | Path) -> list[Grasp]:
    """The grasps of one object.

    Args:
        source: the object, or a .npy file of layout A, or a .npz file or a folder of
            them, layout B.

    Raises:
        DexjaxError: missing, damaged, or not grasps.
    """
    if not isinstance(source, Source):
        return read_grasp_files(Path(source))
    if source.grasps is None:
        raise DexjaxError(
            f"no grasps for {source.name!r}: expected dataset/{source.name}.npy "
            f"or datasetv4.1/{source.name}/*.npz"
        )
    return read_grasp_files(source.grasps)


def scaled_names(folder: Path) -> dict[str, list[str]]:
    """Object -> its names with every scale that it has grasps at, "name@0.06".

    An object without grasps has all of `SCALES`.

    Raises:
        DexjaxError: see `find_objects` and `read_grasps`.
    """
    return {
        name: [f"{name}@{scale:g}" for scale in scales_of(source)]
        for name, source in find_objects(folder).items()
    }


def scales_of(source: Source) -> list[float]:
    """The scales that an object has grasps at, or `SCALES` where it has none.

    Raises:
        DexjaxError: see `read_grasps`.
    """
    if source.grasps is None:
        return list(SCALES)
    return sorted({round(grasp.scale, 3) for grasp in read_grasps(source)})


def _walk(folder: Path) -> tuple[list[Path], dict[str, Path], list[Path]]:
    """Meshes, .npy files by stem, and roots of layout-B grasps below a folder.

    It does not enter the last, which may hold a million files, and no folder twice,
    which links may lead back to.
    """
    meshes: list[Path] = []
    files: dict[str, Path] = {}
    roots: list[Path] = []
    seen = {os.path.realpath(folder)}
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place)
        if (here / "coacd" / "decomposed.obj").is_file():
            meshes.append(here / "coacd" / "decomposed.obj")
            folders.clear()
        if here.name.startswith("datasetv"):
            roots.append(here)
            folders.clear()
        real = {name: os.path.realpath(here / name) for name in sorted(folders)}
        folders[:] = [name for name, path in real.items() if path not in seen]
        seen.update(real.values())
        files |= {n.removesuffix(".npy"): here / n for n in names if n.endswith(".npy")}
    return meshes, files, roots


def _source(mesh: Path, files: dict[str, Path], roots: list[Path]) -> Source:
    name, above = mesh.parents[1].name, mesh.parents[2].name
    if above not in _CATEGORISED:
        return Source(name, mesh, files.get(name))
    places = [root / above / name for root in roots]
    found = next((p for p in places if p.is_dir()), None)
    return Source(f"{above}/{name}", mesh, found)
