"""Wall time of the parts of a pipeline, over all its interruptions."""

import contextlib
import subprocess
import time
from pathlib import Path

from dexjax.errors import DexjaxError
from dexjax.runs.folder import read_json, write_json
from dexjax.runs.metrics import provenance

# s between two entries in the file: no more is lost by kill -9.
TICK = 10.0


class Hours:
    """Counts what time the parts of a pipeline take, and keeps it in a file.

    A part that is interrupted is counted on when it is gone on with. What passes
    between two interruptions is not counted.

    Attributes:
        seconds: wall time of each part so far, s.
    """

    def __init__(self, path: Path) -> None:
        """Goes on with a file, or starts one; its rows are (part, wall_s).

        Raises:
            DexjaxError: if the file is there and cannot be read, or its folder cannot
                be made.
        """
        self._last = time.monotonic()
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DexjaxError(f"cannot make {path.parent}: {error.strerror}") from error
        rows = read_json(path) if path.exists() else []
        self.seconds = {row["part"]: row["wall_s"] for row in rows}
        self._provenance = provenance()

    @property
    def total(self) -> float:
        """Hours of all parts together."""
        return sum(self.seconds.values()) / 3600

    def wait(self, part: str, process: subprocess.Popen) -> int:
        """Waits until a process that works on a part has ended; its exit status."""
        status = None
        while status is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(TICK)
            self._count(part)
        return status

    def _count(self, part: str) -> None:
        """Adds what has passed since the last time to a part."""
        now = time.monotonic()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now
        rows = [
            {"part": name, "wall_s": round(wall_s, 1), **self._provenance}
            for name, wall_s in self.seconds.items()
        ]
        write_json(self._path, rows)
