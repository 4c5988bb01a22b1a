"""Wall time of the parts of a pipeline, over all its interruptions."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import make_folder, read_json, write_json

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
        make_folder(path.parent)
        rows = read_json(path) if path.exists() else []
        self.seconds = {row["part"]: row["wall_s"] for row in rows}
        self._provenance = provenance()

    @property
    def total(self) -> float:
        """Hours of all parts together."""
        return sum(self.seconds.values()) / 3600

    @contextlib.contextmanager
    def counting(self, part: str) -> Iterator[None]:
        """Counts what happens in here as work on a part."""
        over = threading.Event()

        def tick() -> None:
            while not over.wait(TICK):
                self._count(part)

        ticking = threading.Thread(target=tick, daemon=True)
        ticking.start()
        try:
            yield
        finally:
            over.set()
            ticking.join()
            self._count(part)

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
