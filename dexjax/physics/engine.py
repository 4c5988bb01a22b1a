"""What an engine is.

Everything above this package sees a world as a `PhysicsState`; an engine is written
for one world and is batched by `jax.vmap`.
"""

from typing import NamedTuple, Protocol

import jax

from dexjax.scene import Scene


class PhysicsState(NamedTuple):
    """One world between two control steps; under `vmap` every array gains a batch.

    All numbers are float32 whatever `JAX_ENABLE_X64` says.

    Attributes:
        qpos: (nq,) positions; m, rad and unit quaternions wxyz.
        qvel: (nv,) velocities; m/s and rad/s.
        act: (na,) actuator activations.
        qacc_warmstart: (nv,) accelerations that start the next solve.
        time: () s.
        sensordata: (nsensor,) sensor values. After a step they belong to the start of
            its last substep (one timestep before `qpos`), in every engine alike;
            after a reset they belong to `qpos` itself.
        object_id: () int32, which of the scene's models the world holds: an object in
            a variation of the physics.
    """

    qpos: jax.Array
    qvel: jax.Array
    act: jax.Array
    qacc_warmstart: jax.Array
    time: jax.Array
    sensordata: jax.Array
    object_id: jax.Array


class Engine(Protocol):
    """Steps one world; `jit`, `vmap`, `lax.scan`, `pmap` and `shard_map` apply.

    Attributes:
        name: "native", "mjx" or "warp".
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
