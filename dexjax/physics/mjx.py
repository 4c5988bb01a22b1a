"""MuJoCo XLA: the engine for TPUs, and the only differentiable one."""

import jax
import jax.numpy as jnp

from dexjax.errors import DexjaxError
from dexjax.physics.engine import PhysicsState
from dexjax.physics.quiet import mjx
from dexjax.scene import Scene


class MjxEngine:
    """Steps one world in JAX; batch it by `jax.vmap`."""

    name = "mjx"

    def __init__(self, scene: Scene, substeps: int = 4):
        """Puts the scene's model on the device.

        Args:
            scene: of one object.
            substeps: physics steps in one control step.

        Raises:
            DexjaxError: if the scene has several objects.
        """
        if len(scene.models) > 1:
            raise DexjaxError(
                f"engine 'mjx' holds one object, this scene has {len(scene.models)}: "
                "use engine 'native' for object sets"
            )
        self.scene = scene
        self.substeps = substeps
        self._model = mjx.put_model(scene.model)
        self._blank = mjx.make_data(scene.model)

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """See `Engine.reset`."""
        qpos = jnp.asarray(qpos, jnp.float32)
        qvel = jnp.asarray(qvel, jnp.float32)
        data = mjx.forward(self._model, self._blank.replace(qpos=qpos, qvel=qvel))
        return PhysicsState(
            qpos=qpos,
            qvel=qvel,
            act=data.act,
            qacc_warmstart=jnp.zeros_like(qvel),
            time=jnp.zeros(()),
            sensordata=data.sensordata,
            object_id=jnp.asarray(object_id, jnp.int32),
        )

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """See `Engine.step`."""
        data = self._blank.replace(
            qpos=state.qpos,
            qvel=state.qvel,
            act=state.act,
            qacc_warmstart=state.qacc_warmstart,
            time=state.time,
            ctrl=ctrl,
        )

        def substep(data: mjx.Data, _: None) -> tuple[mjx.Data, None]:
            return mjx.step(self._model, data), None

        data, _ = jax.lax.scan(substep, data, length=self.substeps)
        return PhysicsState(
            qpos=data.qpos,
            qvel=data.qvel,
            act=data.act,
            qacc_warmstart=data.qacc_warmstart,
            time=data.time,
            sensordata=data.sensordata,
            object_id=state.object_id,
        )
