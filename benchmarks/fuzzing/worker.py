"""A process that does one command after the other, as `dexjax` would, and reports.

It is stopped from outside when a command does not end. What a command prints, also from
inside a library in C, goes to files.
"""

import functools
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from dexjax.errors import main_guard
from dexjax.hands import description
from dexjax.objects.everyday import plan

# Bytes that a command may take before it is told that there are no more.
_MEMORY = 12 << 30
_PLAN = plan.PLAN
# Not empty while meshes are cut up as a training would.
THOROUGH: set[str] = set()


class Job(NamedTuple):
    """One command; see `fuzzing.input.Input`."""

    folder: str
    words: list[str]
    plan: str = ""
    thorough: bool = False


class Said(NamedTuple):
    """How a command ended.

    Attributes:
        status: its exit status; None if it raised what nobody caught.
        out: its stdout.
        err: its stderr.
        seconds: of CPU time.
    """

    status: int | None
    out: str
    err: str
    seconds: float


def serve(connection: Connection, scratch: str, command: Callable | None) -> None:
    """Does what comes over the connection until it is closed.

    Args:
        connection: gives `Job`s, takes `Said`s.
        scratch: folder for what is printed, faults and caches.
        command: in the place of `dexjax.cli.main.dispatch`.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.environ["TMPDIR"] = scratch
    out, err = (os.path.join(scratch, name) for name in ("stdout", "stderr"))
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(file, number)
    do = command or _prepared()
    connection.send(None)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        os.truncate(out, 0)
        os.truncate(err, 0)
        connection.send(_done(do, job, scratch, out, err))


def _done(
    do: Callable[[list[str]], None], job: Job, scratch: str, out: str, err: str
) -> Said:
    os.environ["XDG_CACHE_HOME"] = os.path.join(scratch, f"cache{int(job.thorough)}")
    _choose(job)
    os.chdir(job.folder)
    began = time.process_time()
    try:
        main_guard(lambda: do(job.words))()
        status: Any = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
        status = None
    seconds = time.process_time() - began
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(scratch)
    texts = [Path(p).read_text(errors="backslashreplace") for p in (out, err)]
    return Said(status, *texts, seconds)


def _prepared() -> Callable[[list[str]], None]:
    """The command, with simulation left out and a coarse cutting-up of meshes."""
    import coacd

    from dexjax.cli.main import dispatch
    from dexjax.runs import measure

    def loaded(*_: object) -> None:  # What follows is simulation.
        raise SystemExit(0)

    measure.assemble_engine = loaded  # type: ignore[assignment]
    exact = coacd.run_coacd

    @functools.wraps(exact)
    def coarse(mesh: Any, **choices: Any) -> Any:
        if not THOROUGH:
            choices |= {"threshold": 1.0, "preprocess_resolution": 20}
        return exact(mesh, **choices)

    coacd.run_coacd = coarse
    return dispatch


def _choose(job: Job) -> None:
    """Sets what the next command works with, as if its process were new."""
    description.load_hand.cache_clear()
    plan.PLAN = Path(job.plan) if job.plan else _PLAN
    plan.members.cache_clear()
    plan._splits.cache_clear()
    THOROUGH.clear()
    THOROUGH.update({"yes"} if job.thorough else ())
