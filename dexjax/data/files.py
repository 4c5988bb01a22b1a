"""Files written whole or not at all, even if the machine goes down."""

import errno
import os
from pathlib import Path

from dexjax.errors import DexjaxError

# Begins the name of a file that is being written; no such file is ever read.
PARTIAL = ".partial-"


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """Writes a file whole or not at all.

    A process that is killed leaves at most a partial file, which the next that writes
    the same file begins again. Two processes must not write one file at once.

    Args:
        path: the file; one that is there is replaced.
        parts: its content, one after the other.

    Raises:
        DexjaxError: the disk is full, or the file cannot be written.
    """
    partial = path.with_name(PARTIAL + path.name)
    try:
        try:
            with open(partial, "wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                # Or the name could reach the disk before the content does.
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        size = sum(map(len, parts))
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DexjaxError(
                f"the disk is full: {path} needs {size / 1e6:.1f} MB; free some space "
                "and go on with the same command"
            ) from error
        raise DexjaxError(f"cannot write {path}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """Makes names in a folder last; not every file system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
