"""The one error a user sees, and how a command line ends with any other."""

import functools
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence

BAD_INPUT = 2
# Characters of a line, and of its end, which tells what would be right.
_LONGEST, _END = 800, 200
INTERRUPTED = 130


class DexjaxError(ValueError):
    """Bad input, said in one line: the offending value and what would be right."""


def main_guard(main: Callable[[], None]) -> Callable[[], None]:
    """Wraps a command's main: whatever goes wrong becomes one line and an exit status.

    2 for bad input, a full disk, a file that may not be read, a device that is not
    there or too little memory; 130 for an interruption; 1 for a fault of dexjax's own,
    whose traceback is kept in a file.
    """

    @functools.wraps(main)
    def guarded() -> None:
        for stream in (sys.stdout, sys.stderr):
            # An object's name may have letters that the terminal has not.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            main()
            sys.stdout.flush()
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Nobody reads any more: that is no fault. Python would complain again when
            # it closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:
            said = explained(error)
            if said is not None:
                print(f"error: {said}", file=sys.stderr)
                sys.exit(BAD_INPUT)
            print(f"error: {_kept(error)}", file=sys.stderr)
            sys.exit(1)

    return guarded


def explained(error: BaseException) -> str | None:
    """An error of the input or the machine in one line; None for a fault of our own."""
    if isinstance(error, DexjaxError):
        return one_line(str(error))
    text = one_line(str(error))
    if isinstance(error, MemoryError) or _has(text, _FULL):
        return "out of memory: choose fewer worlds or smaller networks"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return one_line(f"{where}{error.strerror or error}")
    if _has(text, _NO_BACKEND) or _raised_in(error) == _BACKENDS:
        asked = os.environ.get("JAX_PLATFORMS", "")
        if asked:
            return (
                f"JAX_PLATFORMS={asked} names what JAX does not find here: leave it "
                "unset, or set it to cpu"
            )
        return f"JAX finds no device here{f' ({text[:160]})' if text else ''}"
    if type(error).__module__.startswith("mujoco") or "mujoco" in text[:40].lower():
        return f"MuJoCo: {text}"
    return None


_FULL = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory", "bad_alloc")
_NO_BACKEND = (
    "Unable to initialize backend",
    "Unknown backend",
    "no platforms",
    "not in the list of known backends",
)
# For some devices that are not there all it says is that an assertion fails in here.
_BACKENDS = "jax._src.xla_bridge"


def one_line(text: str) -> str:
    """A text without line breaks; of a very long one the beginning and the end."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} … {line[-_END:]}"


def _raised_in(error: BaseException) -> str:
    """Name of the module that raised an error; empty if nobody has raised it."""
    where = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        where = frame.f_globals.get("__name__", "")
    return where


def _has(text: str, marks: Sequence[str]) -> bool:
    return any(mark in text for mark in marks)


def _kept(error: BaseException) -> str:
    """One line about a fault of our own; its traceback goes into a file."""
    name = type(error).__name__
    told = one_line(str(error))[:300]
    try:
        handle, path = tempfile.mkstemp(prefix="dexjax-fault-", suffix=".txt")
        with open(handle, "w", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return f"a fault of dexjax itself, {name}: {told}"
    return f"a fault of dexjax itself, {name}: {told}; its traceback is in {path}"
