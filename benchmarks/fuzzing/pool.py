"""A process that does commands under a limit, replaced when it is stopped or dies."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from fuzzing.worker import Job, Said, serve

# Wall time, in limits of CPU time, after which a process that works hangs as well.
_PATIENCE = 10
# How often a command is tried again whose process somebody else has stopped: by a
# signal that nothing in it sends.
_AGAIN = 5


class Pool:
    """A process that does commands, replaced when it is stopped or dies.

    Args:
        scratch: folder for what it prints, its faults and caches.
        limit: CPU seconds for one command.
        command: see `fuzzing.worker.serve`.
    """

    def __init__(  # noqa: D107
        self, scratch: Path, limit: float, command: Callable | None = None
    ) -> None:
        self.scratch, self.limit, self.command = scratch, limit, command
        self.process: multiprocessing.process.BaseProcess | None = None
        self.connection: Connection

    def run(self, job: Job) -> Said | str:
        """What a command said, or "hang", or "crash" and its status."""
        found = self._run(job)
        for _ in range(_AGAIN):
            if found != f"crash {-signal.SIGTERM}":
                break
            time.sleep(1.0)
            found = self._run(job)
        return found

    def _run(self, job: Job) -> Said | str:
        try:
            if self.process is None:
                self._start()
            self.connection.send(job)
        except (EOFError, OSError):
            return self._died()
        assert self.process is not None and self.process.pid is not None
        began, used = time.monotonic(), _cpu_seconds(self.process.pid)
        while not self.connection.poll(0.05 if self.limit < 5 else 0.5):
            if not self.process.is_alive():
                return self._died()
            spent = _cpu_seconds(self.process.pid) - used
            waited = time.monotonic() - began
            idle = waited > self.limit and spent < 0.1 * self.limit
            if spent > self.limit or idle or waited > _PATIENCE * self.limit:
                return self._ended("hang")
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return self._died()

    def close(self) -> None:
        """Stops the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        arguments = (theirs, str(self.scratch), self.command)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.connection.recv()

    def _died(self) -> str:
        assert self.process is not None
        self.process.join()
        return self._ended(f"crash {self.process.exitcode}")

    def _ended(self, how: str) -> str:
        self.close()
        return how


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, s; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
