"""Choosing an engine by name or by device."""

import importlib.util

import jax

from dexjax.errors import DexjaxError
from dexjax.physics.engine import Engine
from dexjax.scene import Scene

ENGINES = ("auto", "native", "mjx", "warp")


def resolve_engine(name: str) -> str:
    """Turns "auto" into the engine for the present device.

    Args:
        name: one of `ENGINES`.

    Raises:
        DexjaxError: for an unknown name, or if JAX finds no device.
    """
    if name not in ENGINES:
        raise DexjaxError(f"engine {name!r}: choose from {', '.join(ENGINES)}")
    backend = _backend()
    if name != "auto":
        return name
    if backend == "cpu":
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
    # Each is imported when used: MJX and Warp take seconds.
    if name == "native":
        from dexjax.physics.native import NativeEngine

        return NativeEngine(scene, substeps, threads)
    if name == "mjx":
        from dexjax.physics.mjx import MjxEngine

        return MjxEngine(scene, substeps)
    if not _warp_installed():
        raise DexjaxError(
            "engine 'warp' is not installed: pip install 'dexjax[warp]', "
            "or use engine 'mjx'"
        )
    from dexjax.physics.warp.engine import WarpEngine

    return WarpEngine(scene, substeps)


def _backend() -> str:
    """What JAX runs on: "cpu", "gpu" or "tpu".

    Raises:
        DexjaxError: if it runs on nothing: names the variable that asks for too much.
    """
    try:
        return jax.default_backend()
    except (RuntimeError, AssertionError) as error:
        # JAX asserts where it is told to use a platform that it has no plugin for.
        asked = jax.config.jax_platforms  # type: ignore[attr-defined]
        if asked:
            raise DexjaxError(
                f"JAX_PLATFORMS={asked} names what JAX does not find here: leave it "
                "unset, or set it to cpu"
            ) from None
        reason = str(error).partition("\n")[0]
        raise DexjaxError(f"JAX finds no device: {reason}") from None


def _on_nvidia() -> bool:
    return "NVIDIA" in jax.devices()[0].device_kind


def _warp_installed() -> bool:
    return importlib.util.find_spec("mujoco_warp") is not None
