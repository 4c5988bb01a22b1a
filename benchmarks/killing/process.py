"""A command that is killed (SIGKILL) after a while, with all that it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """One process of a run.

    Attributes:
        killed: whether it was killed before it ended.
        seconds: how long it ran.
        said: its stdout and stderr.
    """

    killed: bool
    seconds: float
    said: str


def start(
    command: Sequence[str], folder: Path, kill_after: float | None = None
) -> Process:
    """Runs a command, killed after a while or not.

    Args:
        command: to run.
        folder: to run it in.
        kill_after: s.

    Raises:
        SystemExit: if it ends with an error of its own.
    """
    began = time.monotonic()
    # A session of its own: the video's encoder is killed with it.
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    killed = False
    try:
        said, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        killed = True
    if "Traceback" in said or (not killed and process.returncode):
        status = process.returncode
        sys.exit(f"error: {' '.join(command)} ended with status {status}:\n{said}")
    return Process(killed, time.monotonic() - began, said)
