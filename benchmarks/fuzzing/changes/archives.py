"""Changes of a zip archive, and of one of NumPy files."""

import io
import zipfile
from collections.abc import Callable
from random import Random

from fuzzing.changes.arrays import changed_npy
from fuzzing.changes.bytewise import changed_bytes


def changed_npz(data: bytes, chance: Random) -> bytes:
    """An archive of arrays: one of them changed, or the archive itself."""
    return changed_zip(data, chance, changed_npy)


def changed_zip(
    data: bytes, chance: Random, member: Callable[[bytes, Random], bytes]
) -> bytes:
    """A zip archive.

    Args:
        data: the archive.
        chance: of what is changed.
        member: how one of its files is changed.
    """
    kind = chance.randrange(8)
    if kind == 0:
        return changed_bytes(data, chance)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(list(files))
    if kind == 1:
        del files[name]
    elif kind == 2:
        files[f"{chance.choice(('../', '/', 'x'))}{name}"] = files.pop(name)
    elif kind == 3:
        files[name] = bytes(chance.choice((1, 80)) * 1_000_000)
    else:
        files[name] = member(files[name], chance)
    packed = zipped(files)
    if kind == 7:  # The size that the directory tells is a lie.
        place = packed.rfind(b"PK\x01\x02") + 24
        packed = packed[:place] + b"\xf0\xff\xff\x7f" + packed[place + 4 :]
    return packed


def zipped(files: dict[str, bytes]) -> bytes:
    """A compressed archive of files by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            # A date of its own would make every archive another.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
