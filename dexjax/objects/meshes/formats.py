"""Which mesh files are read, and what is said about the others."""

import re
from pathlib import Path

from dexjax.errors import DexjaxError

SUFFIXES = (
    ".obj",
    ".stl",
    ".ply",
    ".off",
    ".glb",
    ".gltf",
    ".dae",
    ".zae",
    ".3mf",
)
# glTF says that y points upwards; the other formats leave it open.
_Y_UP = (".glb", ".gltf")
_ADVICE = {
    ".zip": "unpack it",
    ".gz": "unpack it",
    ".7z": "unpack it",
    ".rar": "unpack it",
    ".tar": "unpack it",
    ".urdf": "give the mesh file that it names",
    ".xml": "give the mesh file that it names",
    ".mtl": "give the .obj file that it belongs to",
    ".bin": "give the .gltf file that it belongs to",
}
# A suffix, unlike the scale in core-mug-1a2b@0.06.
_SUFFIX = re.compile(r"\.(?=\d*[a-z])[a-z0-9]{1,6}")


def names_file(spec: str) -> bool:
    """Whether what a user typed can only be a file: by its suffix, or as it is there.

    Args:
        spec: such as "~/cup.stl".
    """
    path = Path(spec)
    if _SUFFIX.fullmatch(path.suffix.lower()):
        return True
    try:
        return path.is_file() or ("/" in spec and path.is_dir())
    except (OSError, ValueError):  # Longer than a name may be, or with a null in it.
        return False


def check_format(path: Path) -> None:
    """Refuses a file whose suffix is none of `SUFFIXES`.

    Raises:
        DexjaxError: which formats are read, and what to do.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return
    if path.is_dir():
        raise DexjaxError(f"{path}: is a folder: name one mesh file in it")
    known = ", ".join(SUFFIXES)
    what = f"{suffix} files are not read" if suffix else "has no suffix"
    advice = _ADVICE.get(suffix, "save it as one of these")
    raise DexjaxError(f"{path}: {what}, but {known}: {advice}")


def upwards(path: Path) -> str:
    """The axis that points upwards in files of this format, "y" or "z"."""
    return "y" if path.suffix.lower() in _Y_UP else "z"
