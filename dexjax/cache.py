"""Arrays that take seconds to make, kept between processes in the user's cache."""

import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]


def cache_folder(kind: str) -> Path:
    """Where a kind of results is kept: $XDG_CACHE_HOME or ~/.cache, below `dexjax`.

    A user without a home has it among the temporary files.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "dexjax" / kind
    try:
        return Path.home() / ".cache" / "dexjax" / kind
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"dexjax-{os.getuid()}" / kind


def remembered(
    kind: str, content: Iterable[bytes], make: Callable[[], Arrays]
) -> Arrays:
    """Makes arrays, or reads them if they were made before from the same content.

    A damaged file is made anew, with a line on stderr; where nothing can be written
    nothing is kept.

    Args:
        kind: of result, names the folder.
        content: everything that the result depends on.
        make: gives the named arrays.
    """
    digest = hashlib.sha256()
    for part in content:
        digest.update(part)
    file = cache_folder(kind) / f"{digest.hexdigest()[:32]}.npz"
    arrays = _read(file)
    if arrays is None:
        arrays = make()
        _write(file, arrays)
    return arrays


def _read(file: Path) -> Arrays | None:
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        print(f"{file}: damaged ({error}): made anew", file=sys.stderr)
        return None


def _write(file: Path, arrays: Arrays) -> None:
    """In one move: what another process reads is never half a file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(suffix=".npz", dir=file.parent)
    except OSError:
        return
    try:
        with os.fdopen(descriptor, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
