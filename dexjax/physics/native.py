"""MuJoCo C on CPU threads, behind a host callback."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco import rollout

from dexjax.physics.engine import PhysicsState
from dexjax.scene import Scene, check_equal_sizes


class NativeEngine:
    """Steps worlds with `mujoco.rollout`; about 15 times MJX on a CPU.

    Under `vmap` all worlds of a batch go to MuJoCo in one call. One dedicated thread
    owns the rollout pool: called from XLA's own threads, as `pmap` would, the pool
    crashes.
    """

    name = "native"

    def __init__(self, scene: Scene, substeps: int = 4, threads: int | None = None):
        """Starts the threads.

        Args:
            scene: n objects.
            substeps: physics steps in one control step.
            threads: of MuJoCo; all cores by default.

        Raises:
            DexjaxError: if the models are of unequal size.
        """
        check_equal_sizes(scene.models, scene.objects.names)
        self.scene = scene
        self.substeps = substeps
        self.threads = threads or os.cpu_count() or 1
        self._owner = ThreadPoolExecutor(1, thread_name_prefix="mujoco")
        self._rollout = rollout.Rollout(nthread=self.threads)
        self._data = [mujoco.MjData(scene.model) for _ in range(self.threads)]

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """See `Engine.reset`."""
        model = self.scene.model
        object_id = jnp.asarray(object_id, jnp.int32)
        sensordata = jax.pure_callback(
            self._sense,
            jax.ShapeDtypeStruct((model.nsensordata,), jnp.float32),
            qpos,
            qvel,
            object_id,
            vmap_method="broadcast_all",
        )
        return PhysicsState(
            qpos=jnp.asarray(qpos, jnp.float32),
            qvel=jnp.asarray(qvel, jnp.float32),
            act=jnp.zeros(model.na),
            qacc_warmstart=jnp.zeros(model.nv),
            time=jnp.zeros(()),
            sensordata=sensordata,
            object_id=object_id,
        )

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """See `Engine.step`."""
        result = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, jnp.float32),
            state._replace(object_id=None),
        )
        stepped = jax.pure_callback(
            self._advance, result, state, ctrl, vmap_method="broadcast_all"
        )
        return stepped._replace(object_id=state.object_id)

    def _advance(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        return self._owner.submit(self._advance_on_owner, state, ctrl).result()

    def _advance_on_owner(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """Steps all worlds of a batch; runs on the thread that owns the pool."""
        model = self.scene.model
        batch = np.shape(state.time)
        start = self._start_rows(state, batch)
        warmstart = _rows(state.qacc_warmstart, batch).astype(np.float64)
        models = self._models(state.object_id, len(start))
        last, warmstart, sensors = self._simulate(
            models, start, self._held(_rows(ctrl, batch)), warmstart
        )
        nq, nv, na = model.nq, model.nv, model.na
        parts = (
            (last[:, 1 : 1 + nq], (nq,)),
            (last[:, 1 + nq : 1 + nq + nv], (nv,)),
            (last[:, 1 + nq + nv :], (na,)),
            (warmstart, (nv,)),
            (last[:, 0], ()),
            (sensors, (model.nsensordata,)),
        )
        with np.errstate(over="ignore"):
            arrays = [x.astype(np.float32).reshape(batch + shape) for x, shape in parts]
        return PhysicsState(*arrays, object_id=None)

    def _simulate(
        self,
        models: list[mujoco.MjModel],
        start: np.ndarray,
        control: np.ndarray,
        warmstart: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`mujoco.rollout` over one control step, all float64.

        Args:
            models: one per world.
            start: (worlds, 1 + nq + nv + na) full physics states.
            control: (worlds, substeps, nu).
            warmstart: (worlds, nv).

        Returns:
            Final states, their warm starts and the sensors of the last substep.
        """
        model = self.scene.model
        states = np.empty((len(start), self.substeps, start.shape[1]))
        sensors = np.empty((len(start), self.substeps, model.nsensordata))
        self._rollout.rollout(
            models,
            self._data,
            start,
            control,
            skip_checks=True,
            nstep=self.substeps,
            initial_warmstart=warmstart,
            state=states,
            sensordata=sensors,
        )
        speeds = slice(1 + model.nq, 1 + model.nq + model.nv)
        before = states[:, -2] if self.substeps > 1 else start
        # Explicit Euler: the last acceleration is the last change of velocity.
        change = states[:, -1, speeds] - before[:, speeds]
        return states[:, -1], change / model.opt.timestep, sensors[:, -1]

    def raw_rate(self, state: PhysicsState, ctrl: np.ndarray) -> float:
        """Control steps/s of `mujoco.rollout` alone: no JAX and no conversions.

        Args:
            state: (worlds, …) where to start.
            ctrl: (steps, worlds, nu) what to apply.
        """
        return self._owner.submit(self._raw_rate, state, ctrl).result()

    def _raw_rate(self, state: PhysicsState, ctrl: np.ndarray) -> float:
        batch = np.shape(state.time)
        start = self._start_rows(state, batch)
        warmstart = _rows(state.qacc_warmstart, batch).astype(np.float64)
        models = self._models(state.object_id, len(start))
        controls = [self._held(step) for step in ctrl]
        began = time.perf_counter()
        for control in controls:
            last, warmstart, _ = self._simulate(models, start, control, warmstart)
            start = np.ascontiguousarray(last)
        return len(ctrl) * len(start) / (time.perf_counter() - began)

    def _held(self, ctrl: np.ndarray) -> np.ndarray:
        """Repeats ctrl (worlds, nu) for every substep, (worlds, substeps, nu)."""
        return np.repeat(ctrl[:, None], self.substeps, axis=1).astype(np.float64)

    def _start_rows(self, state: PhysicsState, batch: tuple[int, ...]) -> np.ndarray:
        """MuJoCo's full physics states (worlds, 1 + nq + nv + na)."""
        parts = (state.time, state.qpos, state.qvel, state.act)
        return np.concatenate(
            [_rows(part, batch) for part in parts], axis=1, dtype=np.float64
        )

    def _models(self, object_id: jax.Array, worlds: int) -> list[mujoco.MjModel]:
        models = self.scene.models
        if len(models) == 1:
            return [models[0]] * worlds
        return [models[i] for i in np.asarray(object_id).ravel()]

    def _sense(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> np.ndarray:
        return self._owner.submit(self._sense_on_owner, qpos, qvel, object_id).result()

    def _sense_on_owner(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> np.ndarray:
        batch = np.shape(object_id)
        qpos, qvel = _rows(qpos, batch), _rows(qvel, batch)
        models = self._models(object_id, len(qpos))
        data = self._data[0]
        sensors = np.empty((len(qpos), self.scene.model.nsensordata), np.float32)
        for i, model in enumerate(models):
            mujoco.mj_resetData(model, data)
            data.qpos[:], data.qvel[:] = qpos[i], qvel[i]
            mujoco.mj_forward(model, data)
            sensors[i] = data.sensordata
        return sensors.reshape(batch + (-1,))


def _rows(array: jax.Array, batch: tuple[int, ...]) -> np.ndarray:
    """Flattens the batch dimensions: (worlds, features)."""
    array = np.asarray(array)
    return array.reshape(int(np.prod(batch)), -1)
