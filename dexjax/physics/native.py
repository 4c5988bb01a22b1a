"""MuJoCo C on CPU threads, behind a host callback."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco import rollout

from dexjax.physics.engine import PhysicsState
from dexjax.physics.host_call import Arrays, HostFunction
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
            scene: of n models.
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
        self._advance = HostFunction(self._on_owner(self._advance_all))
        self._sense = HostFunction(self._on_owner(self._sense_all))

    def _on_owner(self, function: Callable) -> Callable:
        return lambda *arguments: self._owner.submit(function, *arguments).result()

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """See `Engine.reset`."""
        model = self.scene.model
        object_id = jnp.asarray(object_id, jnp.int32)
        qpos, qvel = jnp.asarray(qpos, jnp.float32), jnp.asarray(qvel, jnp.float32)
        sensors = jax.ShapeDtypeStruct((model.nsensordata,), jnp.float32)
        return PhysicsState(
            qpos=qpos,
            qvel=qvel,
            act=jnp.zeros(model.na, jnp.float32),
            qacc_warmstart=jnp.zeros(model.nv, jnp.float32),
            time=jnp.zeros((), jnp.float32),
            sensordata=self._sense([sensors], qpos, qvel, object_id)[0],
            object_id=object_id,
        )

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """See `Engine.step`."""
        parts = state[:-1]
        results = [jax.ShapeDtypeStruct(x.shape, jnp.float32) for x in parts]
        stepped = self._advance(results, *state, jnp.asarray(ctrl, jnp.float32))
        return PhysicsState(*[*stepped, state.object_id])

    def _advance_all(self, inputs: Arrays, outputs: Arrays) -> None:
        """Steps all worlds of a batch; runs on the thread that owns the pool.

        Args:
            inputs: a `PhysicsState` and ctrl.
            outputs: a `PhysicsState` without its object.
        """
        model = self.scene.model
        arrays: list[Any] = inputs[:-1]
        state, ctrl = PhysicsState(*arrays), inputs[-1]
        models = self._models(state.object_id)
        worlds = len(models)
        last, warmstart, sensors = self._simulate(
            models,
            self._start_rows(state, worlds),
            self._held(_rows(ctrl, worlds)),
            _rows(state.qacc_warmstart, worlds).astype(np.float64),
        )
        nq, nv = model.nq, model.nv
        qpos, qvel, act = np.split(last[:, 1:], [nq, nq + nv], axis=1)
        results = (qpos, qvel, act, warmstart, last[:, 0], sensors)
        with np.errstate(over="ignore"):
            for output, result in zip(outputs, results, strict=True):
                output[...] = result.reshape(output.shape)

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
        models = self._models(state.object_id)
        start = self._start_rows(state, len(models))
        warmstart = _rows(state.qacc_warmstart, len(models)).astype(np.float64)
        controls = [self._held(step) for step in ctrl]
        began = time.perf_counter()
        for control in controls:
            last, warmstart, _ = self._simulate(models, start, control, warmstart)
            start = np.ascontiguousarray(last)
        return len(ctrl) * len(start) / (time.perf_counter() - began)

    def _held(self, ctrl: np.ndarray) -> np.ndarray:
        """Repeats ctrl (worlds, nu) for every substep, (worlds, substeps, nu)."""
        return np.repeat(ctrl[:, None], self.substeps, axis=1).astype(np.float64)

    def _start_rows(self, state: PhysicsState, worlds: int) -> np.ndarray:
        """MuJoCo's full physics states (worlds, 1 + nq + nv + na)."""
        parts = (state.time, state.qpos, state.qvel, state.act)
        return np.concatenate(
            [_rows(part, worlds) for part in parts], axis=1, dtype=np.float64
        )

    def _models(self, object_id: jax.Array | np.ndarray) -> list[mujoco.MjModel]:
        return [self.scene.models[i] for i in np.asarray(object_id).ravel()]

    def _sense_all(self, inputs: Arrays, outputs: Arrays) -> None:
        """Sensors of qpos and qvel; runs on the thread that owns the pool."""
        qpos, qvel, object_id = inputs
        models = self._models(object_id)
        qpos, qvel = _rows(qpos, len(models)), _rows(qvel, len(models))
        sensors = _rows(outputs[0], len(models))
        data = self._data[0]
        for i, model in enumerate(models):
            mujoco.mj_resetData(model, data)
            data.qpos[:], data.qvel[:] = qpos[i], qvel[i]
            mujoco.mj_forward(model, data)
            sensors[i] = data.sensordata


def _rows(array: jax.Array | np.ndarray, worlds: int) -> np.ndarray:
    """Flattens the batch dimensions: (worlds, features)."""
    return np.asarray(array).reshape(worlds, -1)
