"""What an engine is, and how one is chosen.

Everything above this package sees a world as a `PhysicsState`; an engine is written
for one world and is batched by `jax.vmap`.
"""

from typing import NamedTuple, Protocol

import jax

from dexjax.errors import DexjaxError
from dexjax.scene import Scene

ENGINES = ("auto", "native", "mjx")


class PhysicsState(NamedTuple):
    """One world between two control steps; under `vmap` every array gains a batch.

    Attributes:
        qpos: (nq,) positions; m, rad and unit quaternions wxyz.
        qvel: (nv,) velocities; m/s and rad/s.
        act: (na,) actuator activations.
        qacc_warmstart: (nv,) accelerations that start the next solve.
        time: () s.
        sensordata: (nsensor,) sensor values. After a step they belong to the start of
            its last substep (one timestep before `qpos`), in every engine alike;
            after a reset they belong to `qpos` itself.
        object_id: () int32, which object of the scene the world holds.
    """

    qpos: jax.Array
    qvel: jax.Array
    act: jax.Array
    qacc_warmstart: jax.Array
    time: jax.Array
    sensordata: jax.Array
    object_id: jax.Array


class Engine(Protocol):
    """Steps one world; `jit`, `vmap`, `lax.scan` and `pmap` apply.

    Attributes:
        name: "native" or "mjx".
        scene: what it steps.
        substeps: physics steps in one control step.
    """

    name: str
    scene: Scene
    substeps: int

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """A world at rest history: time 0, no warm start, sensors of this instant."""
        ...

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """One control step of `substeps` physics steps under a held `ctrl` (nu,)."""
        ...


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
        from dexjax.physics.native import NativeEngine

        return NativeEngine(scene, substeps, threads)
    from dexjax.physics.mjx import MjxEngine

    return MjxEngine(scene, substeps)
