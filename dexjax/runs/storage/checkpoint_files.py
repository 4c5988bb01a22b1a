"""The files of checkpoints: which there are, and whether they are as written."""

import re
import sys
import zlib
from pathlib import Path
from typing import Any

from dexjax.errors import DexjaxError
from dexjax.reading import parse_json, read_bytes

INDEX = "checkpoint.json"
_LARGEST = 1 << 40  # bytes of a file; a demonstration buffer takes gigabytes
# `.old` is a checkpoint whose own step is just being written again.
_NAME = re.compile(r"(\d{10})(\.old)?")


class _Damaged(Exception):
    """A checkpoint that is not as it was written; says in what."""


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints in a folder."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda p: (step_of(p), p.suffix == ""), reverse=True)


def step_of(path: Path) -> int:
    """The number of a checkpoint."""
    return int(path.name[:10])


def newest_intact(folder: Path, step: int | None) -> tuple[Path, dict]:
    """The newest checkpoint that is as it was written, and its index.

    Args:
        folder: of the checkpoints.
        step: this one instead of the newest.

    Raises:
        DexjaxError: if there is none.
    """
    paths = [p for p in newest_first(folder) if step is None or step_of(p) == step]
    if not paths:
        which = "no checkpoint" if step is None else f"no checkpoint {step}"
        raise DexjaxError(f"{which} in {folder}")
    damages = []
    for path in paths:
        try:
            index = _checked_index(path)
        except _Damaged as damage:
            damages.append(f"{path.name} is damaged ({damage})")
            continue
        if damages:
            said = f"warning: in {folder} {', '.join(damages)}: taking {path.name}"
            print(f"{said} before it", file=sys.stderr)
        return path, index
    raise DexjaxError(
        f"every checkpoint in {folder} is damaged: {', '.join(damages)}: start anew "
        "with --fresh"
    )


def _checked_index(path: Path) -> dict:
    try:
        index = parse_json(read_bytes(path / INDEX))
        _check_index(index)
    except ValueError as error:
        raise _Damaged(f"{INDEX}: {reason(error)}") from error
    for name, expected in index["files"].items():
        try:
            found = fingerprint(path / name)
        except DexjaxError as error:
            raise _Damaged(f"{name}: {reason(error)}") from error
        if found["bytes"] != expected["bytes"]:
            raise _Damaged(f"{name}: {found['bytes']} of {expected['bytes']} bytes")
        if found != expected:
            raise _Damaged(f"{name}: wrong checksum")
    return index


def _check_index(index: Any) -> None:
    """Raises `ValueError` for what is no index as a checkpoint has it."""
    parts = ("meta", "layers", "generators", "files")
    if not isinstance(index, dict) or not all(
        isinstance(index.get(part), dict) for part in parts
    ):
        raise ValueError(f"lacks one of {', '.join(parts)}")
    for name, layer in index["layers"].items():
        shape = layer.get("shape") if isinstance(layer, dict) else None
        sizes = isinstance(shape, list) and all(type(x) is int for x in shape)
        if not sizes or not isinstance(layer.get("dtype"), str):
            raise ValueError(f"layer {name!r:.80} has no shape and type")
    for name, told in index["files"].items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"names {name!r:.80}, which is not below it")
        if not isinstance(told, dict) or told.keys() != {"bytes", "crc32"}:
            raise ValueError(f"file {name!r:.80} has no length and checksum")


def fingerprint(file: Path) -> dict[str, int]:
    """Length and checksum of a file.

    Raises:
        DexjaxError: if it cannot be read.
    """
    content = read_bytes(file, _LARGEST)
    return {"bytes": len(content), "crc32": zlib.crc32(content)}


def reason(error: BaseException) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split()) or type(error).__name__
    found = re.search("No space left on device|Disk quota exceeded", text)
    return found.group(0) if found else text[:200]
