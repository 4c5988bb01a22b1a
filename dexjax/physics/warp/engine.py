"""MuJoCo Warp: the fast engine on an NVIDIA GPU; on a CPU it serves the tests."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import warp as wp

from dexjax.errors import DexjaxError
from dexjax.physics.engine import PhysicsState
from dexjax.physics.warp.batch import Batches
from dexjax.scene import Scene

# Worlds that are reset in one launch: the start states of thousands of objects are more
# worlds than are ever stepped.
_RESET_WORLDS = 4096

_Floats, _Ints = wp.array[wp.float32], wp.array[wp.int32]


class WarpEngine:
    """Steps all worlds of a batch in one launch of `mujoco_warp`, called from JAX.

    Contacts and constraint rows have fixed room. Where it does not suffice, the worlds
    concerned do not advance in time, which `guard.is_broken` sees, and one line on
    standard output says which bound it was and what was needed. The room for contacts
    is shared by all worlds of a batch: if it runs out, all are concerned.
    """

    name = "warp"

    def __init__(
        self,
        scene: Scene,
        substeps: int = 4,
        contacts: int = 96,
        constraints: int = 320,
    ):
        """Prepares the scene's models; memory is taken at the first step.

        Args:
            scene: n objects.
            substeps: physics steps in one control step.
            contacts: room per world for pairs of geoms that come close, on average
                over the worlds of a batch.
            constraints: room in every world for rows of the constraint solver; a
                contact of condim 4 takes six.

        Raises:
            DexjaxError: if JAX runs on a device that Warp does not know, or objects
                differ in what they must share.
        """
        _check_device()
        self.scene = scene
        self.substeps = substeps
        self._batches = Batches(scene, contacts, constraints)
        self._advance = self._callable_advance()
        self._sense = self._callable_sense()

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """See `Engine.reset`."""
        model = self.scene.model
        object_id = jnp.asarray(object_id, jnp.int32)
        qpos, qvel = jnp.asarray(qpos, jnp.float32), jnp.asarray(qvel, jnp.float32)
        (sensordata,) = self._sense(qpos, qvel, object_id[None])
        return PhysicsState(
            qpos=qpos,
            qvel=qvel,
            act=jnp.zeros(model.na, jnp.float32),
            qacc_warmstart=jnp.zeros(model.nv, jnp.float32),
            time=jnp.zeros((), jnp.float32),
            sensordata=sensordata,
            object_id=object_id,
        )

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """See `Engine.step`."""
        qpos, qvel, act, warmstart, time, sensordata = self._advance(
            state.qpos,
            state.qvel,
            state.act,
            state.qacc_warmstart,
            state.time[None],
            state.object_id[None],
            jnp.asarray(ctrl, jnp.float32),
        )
        return PhysicsState(
            qpos, qvel, act, warmstart, time[0], sensordata, state.object_id
        )

    def _callable_advance(self) -> Callable:
        model = self.scene.model

        # Written for one world: under `vmap` the worlds arrive one after another.
        def advance(
            qpos: _Floats,
            qvel: _Floats,
            act: _Floats,
            warmstart: _Floats,
            time: _Floats,
            object_id: _Ints,
            ctrl: _Floats,
            qpos_out: _Floats,
            qvel_out: _Floats,
            act_out: _Floats,
            warmstart_out: _Floats,
            time_out: _Floats,
            sensordata_out: _Floats,
        ):
            batch = self._batches.of(object_id.device, object_id.size)
            data = batch.data
            state = (data.qpos, data.qvel, data.act, data.qacc_warmstart, data.time)
            given = (qpos, qvel, act, warmstart, time)
            wanted = (qpos_out, qvel_out, act_out, warmstart_out, time_out)
            for ours, theirs in zip(state, given, strict=True):
                wp.copy(ours, theirs)
            wp.copy(data.ctrl, ctrl)
            wp.copy(batch.object_id, object_id)
            wp.copy(batch.start, time)
            batch.run("advance", lambda: batch.advance(self.substeps))
            for ours, theirs in zip(state, wanted, strict=True):
                wp.copy(theirs, ours)
            wp.copy(sensordata_out, data.sensordata)

        return wp.jax_callable(
            advance,
            num_outputs=6,
            graph_mode=wp.JaxCallableGraphMode.NONE,  # `Batch.run` captures by itself.
            output_dims={
                "qpos_out": model.nq,
                "qvel_out": model.nv,
                "act_out": model.na,
                "warmstart_out": model.nv,
                "time_out": 1,
                "sensordata_out": model.nsensordata,
            },
        )

    def _callable_sense(self) -> Callable:
        model = self.scene.model
        nq, nv, nsensordata = model.nq, model.nv, model.nsensordata

        def sense(
            qpos: _Floats,
            qvel: _Floats,
            object_id: _Ints,
            sensordata_out: _Floats,
        ):
            worlds = object_id.size
            size = min(worlds, _RESET_WORLDS)
            batch = self._batches.of(object_id.device, size)
            data = batch.data
            for unused in (data.act, data.qacc_warmstart, data.time, data.ctrl):
                unused.zero_()
            # The last part overlaps the one before, so that all are of one size.
            for first in [*range(0, worlds - size, size), worlds - size]:
                _copy_rows(data.qpos, qpos, size, nq, source=first)
                _copy_rows(data.qvel, qvel, size, nv, source=first)
                _copy_rows(batch.object_id, object_id, size, 1, source=first)
                batch.run("sense", batch.sense)
                _copy_rows(
                    sensordata_out, data.sensordata, size, nsensordata, target=first
                )

        return wp.jax_callable(
            sense,
            graph_mode=wp.JaxCallableGraphMode.NONE,
            output_dims={"sensordata_out": nsensordata},
        )


def _copy_rows(
    out: wp.array, given: wp.array, rows: int, width: int, target=0, source=0
) -> None:
    """Copies rows of a width, counted from rows `target` and `source`."""
    wp.copy(out, given, target * width, source * width, rows * width)


def _check_device() -> None:
    backend = jax.default_backend()
    wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
    if backend not in ("cpu", "gpu"):
        raise DexjaxError(
            f"engine 'warp' runs on NVIDIA GPUs, JAX runs on {backend}: "
            "use engine 'mjx'"
        )
    if backend == "gpu" and not wp.is_cuda_available():
        raise DexjaxError(
            "engine 'warp' needs CUDA, and Warp finds no NVIDIA driver: "
            "use engine 'mjx'"
        )
