"""MJX, imported without its remarks on Warp, which is optional and rarely there.

Import this before anything that imports `mujoco.mjx` itself, as brax does.
"""

import contextlib
import importlib
import io
from types import ModuleType

_REMARKS = (
    "Failed to import warp: No module named 'warp'",
    "Failed to import mujoco_warp: No module named 'warp'",
)


def import_quietly(name: str) -> ModuleType:
    """Imports a module; prints what it prints but the remarks that Warp is absent."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return importlib.import_module(name)
    finally:
        for line in said.getvalue().splitlines():
            if line not in _REMARKS:
                print(line)


mjx = import_quietly("mujoco.mjx")
