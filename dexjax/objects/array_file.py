"""Archives of plain arrays (.npz) that may come from anyone."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dexjax.errors import one_line
from dexjax.reading import read_bytes

_LARGEST = 2_000_000_000  # bytes, packed and unpacked


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Some arrays of an archive; nothing in it is unpickled.

    Args:
        path: the archive.
        names: of the arrays.

    Raises:
        ValueError: it cannot be read, is damaged, too large, or lacks one of them; a
            `DexjaxError` where that is no matter of its content.
    """
    content = io.BytesIO(read_bytes(path, _LARGEST))
    try:
        with zipfile.ZipFile(content) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            there = {name.removesuffix(".npy") for name in archive.namelist()}
        if unpacked > _LARGEST:
            raise ValueError(f"unpacks to {unpacked / 1e6:.0f} MB")
        for name in names:
            if name not in there:
                raise ValueError(f"lacks {name!r}")
        with np.load(content, allow_pickle=False) as stored:
            found = {name: stored[name] for name in names}
    except Exception as error:  # zipfile, zlib and NumPy each fail in their own ways.
        raise ValueError(one_line(str(error)) or type(error).__name__) from None
    for name, array in found.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name!r} is no array")
    return found
