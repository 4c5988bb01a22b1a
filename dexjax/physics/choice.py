"""Choosing an engine by name or by device."""

import importlib.util

import jax

from dexjax.errors import DexjaxError
from dexjax.physics.engine import Engine
from dexjax.physics.mjx import MjxEngine
from dexjax.physics.native import NativeEngine
from dexjax.scene import Scene

ENGINES = ("auto", "native", "mjx", "warp")


def resolve_engine(name: str) -> str:
    """Turns "auto" into the engine for the present device.

    Raises:
        DexjaxError: for an unknown name.
    """
    if name not in ENGINES:
        raise DexjaxError(f"engine {name!r}: choose from {', '.join(ENGINES)}")
    if name != "auto":
        return name
    if jax.default_backend() == "cpu":
        return "native"
    return "warp" if _on_nvidia() and _warp_installed() else "mjx"


def make_engine(
    scene: Scene, name: str = "auto", substeps: int = 4, threads: int | None = None
) -> Engine:
    """Makes an engine for a scene.

    Args:
        scene: hand and objects.
        name: "auto", "native", "mjx" or "warp".
        substeps: physics steps in one control step.
        threads: CPU threads of the native engine; all cores by default.

    Raises:
        DexjaxError: for an unknown name, or an engine that cannot run here.
    """
    name = resolve_engine(name)
    if name == "native":
        return NativeEngine(scene, substeps, threads)
    if name == "mjx":
        return MjxEngine(scene, substeps)
    if not _warp_installed():
        raise DexjaxError(
            "engine 'warp' is not installed: pip install 'dexjax[warp]', "
            "or use engine 'mjx'"
        )
    from dexjax.physics.warp import WarpEngine  # Optional, and slow to import.

    return WarpEngine(scene, substeps)


def _on_nvidia() -> bool:
    return "NVIDIA" in jax.devices()[0].device_kind


def _warp_installed() -> bool:
    return importlib.util.find_spec("mujoco_warp") is not None
