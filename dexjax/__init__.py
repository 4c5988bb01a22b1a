"""Dexterous hands learn in JAX on MuJoCo.

    import dexjax

    policy = dexjax.load("resdex/hyper")
    task = dexjax.make("grasp", objects="mug", sees=policy)
    result = dexjax.evaluate(task, policy, episodes=64)

Engines, learners and plots are imported when they are used.
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dexjax import policies, tasks
    from dexjax.library import evaluate, load, make, train

_FUNCTIONS = ("evaluate", "load", "make", "train")
# Packages that can be called: they list what there is.
_LISTS = ("policies", "tasks")

__all__ = ["__version__", "evaluate", "load", "make", "policies", "tasks", "train"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        try:
            return importlib.metadata.version("dexjax")
        except importlib.metadata.PackageNotFoundError:
            return "unknown"
    if name in _FUNCTIONS:
        return getattr(importlib.import_module("dexjax.library"), name)
    if name in _LISTS:
        return importlib.import_module(f"dexjax.{name}")
    raise AttributeError(f"module 'dexjax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
