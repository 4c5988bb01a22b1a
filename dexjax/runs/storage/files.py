"""Files written whole or not at all, and read with a clear word if they cannot be."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from dexjax.errors import DexjaxError
from dexjax.reading import parse_json, read_bytes

# Name of a file that is being written.
PARTIAL = ".partial-"


def make_folder(path: Path) -> None:
    """Makes a folder for results, unless it is there.

    Raises:
        DexjaxError: if it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DexjaxError(f"cannot write in {path}: {error.strerror}") from error


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file whole or not at all.

    Raises:
        DexjaxError: if it cannot be written.
    """
    try:
        write_text(path, json.dumps(content, indent=2, default=str) + "\n")
    except OSError as error:
        raise DexjaxError(f"cannot write {path}: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        DexjaxError: if it cannot be read or is not JSON.
    """
    data = read_bytes(Path(path))
    try:
        return parse_json(data)
    except ValueError as error:
        raise DexjaxError(f"{path} is not JSON: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all; raises `OSError` if it cannot."""
    path = Path(path)
    handle, partial = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
    try:
        with open(handle, "w", newline="") as file:
            file.write(text)
        # mkstemp's files are for their owner alone; a result is for everybody.
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
