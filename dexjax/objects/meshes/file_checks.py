"""What is wrong with a file before a parser stumbles over it."""

import json
import re
import struct
import urllib.parse
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from dexjax.errors import DexjaxError

_STL_HEADER, _STL_TRIANGLE = 84, 50
# Bytes of a zipped format when it is unpacked.
_MOST_UNPACKED = 500_000_000
# Extensions of glTF that change how the positions are stored.
_ENCODED = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
    "KHR_mesh_quantization": "quantization",
}


def is_ascii_stl(path: Path, data: bytes) -> bool:
    """Whether an STL file is text; its size must agree with what it says of itself.

    Raises:
        DexjaxError: cut off, or its triangles were miscounted.
    """
    if _binary_stl_size(data) == len(data):
        return False
    # Binary files may begin with "solid" as well, but have zeros in them.
    if data.lstrip().lower().startswith(b"solid") and b"\0" not in data:
        _check_ascii_stl(path, data)
        return True
    if len(data) < _STL_HEADER:
        raise DexjaxError(
            f"{path}: has {len(data)} bytes, an STL file has at least {_STL_HEADER}"
        )
    (count,) = struct.unpack("<I", data[80:84])
    size = _binary_stl_size(data)
    fault = "it is cut off" if len(data) < size else "its count is wrong"
    raise DexjaxError(
        f"{path}: says that it has {count} triangles, which take {size} bytes, "
        f"but has {len(data)} bytes: {fault}; export it again"
    )


def check_gltf(path: Path, data: bytes) -> None:
    """Refuses glTF that is cut off, compressed, or without the files it names.

    Raises:
        DexjaxError: which of these, and how to save it without compression.
    """
    header = _glb_header(path, data) if path.suffix.lower() == ".glb" else data
    try:
        content = json.loads(header)
        used = {
            *content.get("extensionsUsed", []),
            *content.get("extensionsRequired", []),
        }
        places = [str(buffer.get("uri", "")) for buffer in content.get("buffers", [])]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DexjaxError(f"{path}: its JSON part cannot be read ({error})") from None
    for name in sorted(used & _ENCODED.keys()):
        raise DexjaxError(
            f"{path}: is compressed with {_ENCODED[name]} ({name}), which is not read: "
            "open it in Blender and export it with Compression unticked"
        )
    for place in places:
        beside = path.parent / urllib.parse.unquote(place)
        if place and not place.startswith("data:") and not beside.is_file():
            raise DexjaxError(f"{path}: needs the file {place[:60]!r} beside it")


def check_zip(path: Path, data: bytes) -> None:
    """Refuses a zipped format that is damaged, or far larger than it looks.

    Raises:
        DexjaxError: which of these.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DexjaxError(
            f"{path}: is no whole zip archive, as {path.suffix} files are ({error})"
        ) from None
    if unpacked > _MOST_UNPACKED:
        raise DexjaxError(
            f"{path}: unpacks to {unpacked / 1e6:.0f} MB, "
            f"at most {_MOST_UNPACKED / 1e6:.0f} MB are read"
        )


def check_xml(path: Path, data: bytes) -> None:
    """Refuses XML that defines entities, which may unfold without end.

    Raises:
        DexjaxError: it does.
    """
    if b"<!ENTITY" in data:
        raise DexjaxError(f"{path}: defines XML entities, which are not read")


def check_indices(path: Path, faces: np.ndarray, vertices: int) -> None:
    """Refuses faces of vertices that are not there.

    Raises:
        DexjaxError: the first such vertex.
    """
    bad = faces[(faces < 0) | (faces >= vertices)]
    if len(bad):
        raise DexjaxError(
            f"{path}: a face names vertex number {bad[0]} (counted from 0), "
            f"there are {vertices}: is the file cut off?"
        )


def _binary_stl_size(data: bytes) -> int:
    if len(data) < _STL_HEADER:
        return -1
    (count,) = struct.unpack("<I", data[80:84])
    return _STL_HEADER + _STL_TRIANGLE * count


def _check_ascii_stl(path: Path, data: bytes) -> None:
    text = data.lower()
    vertices, loops = len(re.findall(rb"\bvertex\b", text)), text.count(b"endloop")
    if not re.search(rb"\bendsolid\b", text) or vertices != 3 * loops:
        raise DexjaxError(
            f"{path}: a text STL file with {vertices} vertices in {loops} whole "
            "triangles and no proper end: is it cut off?"
        )


def _glb_header(path: Path, data: bytes) -> bytes:
    """The JSON part of a binary glTF file."""
    if data[:4] != b"glTF" or len(data) < 20:
        raise DexjaxError(f"{path}: does not begin as a GLB file does")
    version, size, length = struct.unpack("<III", data[4:16])
    if version != 2:
        raise DexjaxError(f"{path}: is glTF version {version}, version 2 is read")
    if size > len(data):
        raise DexjaxError(
            f"{path}: says that it has {size} bytes, but has {len(data)}: "
            "is it cut off?"
        )
    return data[20 : 20 + length]
