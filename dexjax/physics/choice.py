"""Choosing an engine by name or by device."""

import jax

from dexjax.errors import DexjaxError
from dexjax.physics.engine import Engine
from dexjax.physics.mjx import MjxEngine
from dexjax.physics.native import NativeEngine
from dexjax.scene import Scene

ENGINES = ("auto", "native", "mjx")


def resolve_engine(name: str) -> str:
    """Turns "auto" into the engine for the present device.

    Raises:
        DexjaxError: for an unknown name.
    """
    if name not in ENGINES:
        raise DexjaxError(f"engine {name!r}: choose from {', '.join(ENGINES)}")
    if name != "auto":
        return name
    return "native" if jax.default_backend() == "cpu" else "mjx"


def make_engine(
    scene: Scene, name: str = "auto", substeps: int = 4, threads: int | None = None
) -> Engine:
    """Makes an engine for a scene.

    Args:
        scene: hand and objects.
        name: "auto", "native" or "mjx".
        substeps: physics steps in one control step.
        threads: CPU threads of the native engine; all cores by default.

    Raises:
        DexjaxError: for an unknown name.
    """
    if resolve_engine(name) == "native":
        return NativeEngine(scene, substeps, threads)
    return MjxEngine(scene, substeps)
