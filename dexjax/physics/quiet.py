"""MJX, imported as if Warp were absent.

MJX carries a copy of mujoco_warp as a backend of its own. Loading it takes seconds, and
where Warp is absent MJX remarks on it; the engine "warp" needs neither. Import this
before anything that imports `mujoco.mjx` itself, as brax does.
"""

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from types import ModuleType

_REMARKS = (
    "Failed to import warp: import of warp halted; None in sys.modules",
    "Failed to import mujoco_warp: import of warp halted; None in sys.modules",
)


def import_quietly(name: str) -> ModuleType:
    """Imports a module that does without Warp; drops its remarks on that alone."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), _without_warp():
            return importlib.import_module(name)
    finally:
        for line in said.getvalue().splitlines():
            if line not in _REMARKS:
                print(line)


@contextlib.contextmanager
def _without_warp() -> Iterator[None]:
    """`import warp` fails in here."""
    loaded = sys.modules.get("warp")
    sys.modules["warp"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if loaded is None:
            del sys.modules["warp"]
        else:
            sys.modules["warp"] = loaded


mjx = import_quietly("mujoco.mjx")
