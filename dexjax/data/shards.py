"""Shards: files of control steps that are whole, numbered, and checked when read.

A shard is an HDF5 file. Its first 512 bytes, which HDF5 leaves to its users, say in
JSON what it is and give a checksum of all the rest: nothing else of a file is looked at
before that is right.
"""

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from dexjax.data.files import write_whole
from dexjax.data.spec import (
    FORMAT,
    SPEC_FILE,
    TransitionSpec,
    read_spec,
    write_spec,
)
from dexjax.data.steps import Steps, check_steps
from dexjax.errors import DexjaxError, one_line
from dexjax.reading import parse_json, read_bytes

_NAME = re.compile(r"shard-(\d{6,})\.h5")
_HEADER = 512  # bytes; HDF5 wants a power of 2 from 512
_LARGEST = 4_000_000_000  # bytes
# A third less on disk than plain halves, and read far faster than models learn.
_PACKING: dict[str, Any] = {"compression": "lzf", "shuffle": True}
_CHUNK_WORLDS = 16


class BadShard(DexjaxError):
    """A shard that is missing, truncated, damaged or of another spec."""


class Header(NamedTuple):
    """What a shard says of itself.

    Attributes:
        format: of the file.
        number: the shard's.
        spec: digest of the spec that it is of.
        worlds: of its arrays.
        steps: of every world.
        size: bytes that follow the header.
    """

    format: int
    number: int
    spec: str
    worlds: int
    steps: int
    size: int


def shard_file(folder: Path, number: int) -> Path:
    """Where the shard of a number lies."""
    return Path(folder) / f"shard-{number:06d}.h5"


def open_folder(folder: Path, spec: TransitionSpec) -> None:
    """Makes a folder ready for shards of a spec; one that has such shards stays so.

    Raises:
        DexjaxError: if it is of another spec, or cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DexjaxError(f"cannot write in {folder}: {error.strerror}") from error
    if not (folder / SPEC_FILE).exists():
        write_spec(folder, spec)
    _check_same(folder, spec)


def written(folder: Path) -> list[int]:
    """Numbers of the shards that are in a folder, ascending."""
    found = (_NAME.fullmatch(file.name) for file in Path(folder).glob("shard-*.h5"))
    return sorted(int(match[1]) for match in found if match)


def write_shard(folder: Path, number: int, spec: TransitionSpec, steps: Steps) -> None:
    """Writes a shard, whole or not at all; one of the same number is replaced.

    Several processes may write into one folder, each its own numbers.

    Args:
        folder: from `open_folder`.
        number: the shard's, 0 or more.
        spec: of the folder.
        steps: all (worlds, steps, …).

    Raises:
        DexjaxError: the steps or the folder are of another spec, the number is
            negative, or the disk is full.
    """
    if number < 0:
        raise DexjaxError(f"shard {number}: numbers begin at 0")
    _check_same(Path(folder), spec)
    check_steps(steps, spec)
    content = io.BytesIO()
    # Packed in memory: HDF5 itself does not say clearly that a disk is full.
    with h5py.File(content, "w", userblock_size=_HEADER) as file:
        for name, array in steps._asdict().items():
            chunks = (min(_CHUNK_WORLDS, len(array)), *array.shape[1:])
            file.create_dataset(name, data=array, chunks=chunks, **_PACKING)
    body = content.getbuffer()[_HEADER:]
    worlds, length = steps.begins.shape
    header = Header(FORMAT, int(number), spec.digest, worlds, length, len(body))
    stated = header._asdict() | {"sha256": _checksum(header, body)}
    first = json.dumps(stated).encode().ljust(_HEADER)
    write_whole(shard_file(folder, number), first, body)


def read_shard(folder: Path, number: int) -> Steps:
    """Reads a shard and checks all of it.

    Raises:
        DexjaxError: a `BadShard` if it is missing, truncated, damaged or of another
            spec than the folder.
    """
    spec = read_spec(folder)
    file = shard_file(folder, number)
    header, checksum = _header(file, number, spec)
    try:
        data = memoryview(read_bytes(file, _LARGEST))
    except DexjaxError as error:
        raise BadShard(str(error)) from None
    body = data[_HEADER:]
    if len(body) != header.size:
        raise _truncated(file, len(body), header)
    if _checksum(header, body) != checksum:
        raise BadShard(f"{file} is damaged: its checksum is not that of its content")
    try:
        with h5py.File(io.BytesIO(data), "r") as stored:
            steps = Steps(*(stored[name][...] for name in Steps._fields))
        check_steps(steps, spec)
    except Exception as error:  # h5py fails in many ways.
        raise BadShard(f"{file} is damaged: {one_line(str(error))}") from None
    return steps


def read_header(folder: Path, number: int, spec: TransitionSpec) -> Header:
    """What a shard says of itself, without a look at the rest but for its size.

    Raises:
        DexjaxError: a `BadShard` as for `read_shard`.
    """
    file = shard_file(folder, number)
    header, _ = _header(file, number, spec)
    there = file.stat().st_size - _HEADER
    if there != header.size:
        raise _truncated(file, there, header)
    return header


def read_some(folder: Path, number: int, names: tuple[str, ...]) -> list[np.ndarray]:
    """Some arrays of a shard, unchecked: fast, for counting.

    Raises:
        DexjaxError: a `BadShard` if they cannot be read.
    """
    file = shard_file(folder, number)
    try:
        # A whole shard never changes: a lock, which some file systems lack, is no use.
        with h5py.File(file, "r", locking=False) as stored:
            return [stored[name][...] for name in names]
    except Exception as error:
        raise BadShard(f"{file} is damaged: {one_line(str(error))}") from None


def _check_same(folder: Path, spec: TransitionSpec) -> None:
    """Refuses a folder of another spec."""
    there = read_spec(folder)
    if there != spec:
        raise DexjaxError(
            f"{folder} holds transitions of another spec: {there.difference(spec)}; "
            "choose another folder"
        )


def _header(file: Path, number: int, spec: TransitionSpec) -> tuple[Header, str]:
    """What a shard says of itself, and its checksum."""
    if not file.exists():
        raise BadShard(f"{file} is missing")
    try:
        with open(file, "rb") as opened:
            first = opened.read(_HEADER)
    except OSError as error:
        raise BadShard(f"cannot read {file}: {error.strerror}") from None
    try:
        found = parse_json(first)
        header = Header(*(found[name] for name in Header._fields))
        checksum = found["sha256"]
    except (ValueError, KeyError, TypeError):
        raise BadShard(f"{file} is damaged: its header cannot be read") from None
    if header.format != FORMAT:
        raise BadShard(f"{file} is of format {header.format}, not {FORMAT}")
    if header.number != number:
        raise BadShard(f"{file} is shard {header.number} under another name")
    if header.spec != spec.digest:
        raise BadShard(
            f"{file} is of another spec: {header.spec}, the folder's is {spec.digest}"
        )
    return header, checksum


def _truncated(file: Path, there: int, header: Header) -> BadShard:
    """The error of a file that has not the length that it says."""
    return BadShard(
        f"{file} is truncated: {there + _HEADER:,} bytes of {header.size + _HEADER:,}"
    )


def _checksum(header: Header, body: memoryview) -> str:
    """Of a header and what follows it."""
    found = hashlib.sha256(json.dumps(header).encode())
    found.update(body)
    return found.hexdigest()
