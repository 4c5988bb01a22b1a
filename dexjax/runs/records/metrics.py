"""What a training measures, iteration by iteration: metrics.csv and TensorBoard."""

import csv
import io
import math
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto import event_pb2

from dexjax.errors import DexjaxError
from dexjax.runs.storage.files import write_text

_KEY = "iteration"


class Metrics:
    """Numbers per iteration, in metrics.csv and for TensorBoard.

    A row is on disk (as far as a killed process is concerned) when `write` returns.
    """

    def __init__(self, folder: Path, resume_after: int | None = None) -> None:
        """Opens the files, or starts them.

        Args:
            folder: the run folder; holds metrics.csv and tensorboard/.
            resume_after: iteration of the checkpoint that the training goes on from:
                rows of later ones, and a half-written one, are dropped. None starts
                with no rows.

        Raises:
            DexjaxError: if the files cannot be written.
        """
        self.path = Path(folder) / "metrics.csv"
        last = -1 if resume_after is None else resume_after
        self._columns, rows = _read_rows(self.path) if last >= 0 else ([], [])
        kept = [row for row in rows if int(row[0]) <= last]
        try:
            # A crash while this is written leaves the old file as it was.
            write_text(self.path, _lines([self._columns, *kept] if kept else []))
            self._columns = self._columns if kept else []
            self._file = open(self.path, "ab", buffering=0)
            self._events = _event_writer(Path(folder) / "tensorboard", last + 1)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def write(self, iteration: int, values: Mapping[str, float]) -> None:
        """Appends one row.

        Args:
            iteration: its key, larger than the one before.
            values: name -> number; the first row's names are the columns from then on,
                later rows may leave some out.

        Raises:
            DexjaxError: for a name that is no column, or if the disk is full.
        """
        numbers = {name: float(value) for name, value in values.items()}
        try:
            if not self._columns:
                self._columns = [_KEY, *numbers]
                self._append(self._columns)
            strangers = set(numbers) - set(self._columns)
            if strangers:
                raise DexjaxError(f"{self.path} has no column {sorted(strangers)[0]!r}")
            row = [_cell(numbers.get(name)) for name in self._columns[1:]]
            self._append([str(iteration), *row])
            self._write_events(iteration, numbers)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Closes the files.

        Raises:
            DexjaxError: if the disk is full.
        """
        try:
            self._file.close()
            self._events.close()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _append(self, row: list[str]) -> None:
        self._file.write(_lines([row]).encode())

    def _write_events(self, iteration: int, numbers: dict[str, float]) -> None:
        known = {name: x for name, x in numbers.items() if math.isfinite(x)}
        for name, number in known.items():
            event = event_pb2.Event(
                wall_time=time.time(),
                step=iteration,
                summary=summary.scalar(name, number),
            )
            self._events.write_event(event)
        self._events.flush()


def read_metrics(path: Path) -> dict[str, list[float]]:
    """Reads a metrics.csv: column -> numbers, NaN where a cell is empty.

    Raises:
        DexjaxError: if there is no row to read.
    """
    columns, rows = _read_rows(Path(path))
    if not rows:
        raise DexjaxError(f"{path}: no metrics in it yet")
    return {
        name: [float(row[i] or "nan") for row in rows] for i, name in enumerate(columns)
    }


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and complete rows; a last line without its end is a half-written one."""
    try:
        text = path.read_text()
    except OSError:
        return [], []
    complete = text[: text.rfind("\n") + 1]
    lines = list(csv.reader(complete.splitlines()))
    if not lines or lines[0][:1] != [_KEY]:
        return [], []
    header = lines[0]
    rows = [r for r in lines[1:] if len(r) == len(header) and r[0].isdigit()]
    return header, rows


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cell(number: float | None) -> str:
    return "" if number is None else f"{number:.8g}"


def _event_writer(folder: Path, first: int) -> EventsWriter:
    """A writer without the usual thread, whose errors would go unseen."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
    # Tells TensorBoard to forget what a killed run reported from here on.
    start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    writer.write_event(
        event_pb2.Event(wall_time=time.time(), step=first, session_log=start)
    )
    return writer


def _unwritable(path: Path, error: OSError) -> DexjaxError:
    return DexjaxError(f"cannot write {path}: {error.strerror or error}")
