"""Models and data of mujoco_warp for a batch of worlds.

Every world may hold another object: the model then has a row per world for what differs
between objects, filled from tables of all objects before each control step.
"""

import contextlib
import operator
from collections.abc import Callable, Iterator

import mujoco_warp as mjw
import warp as wp

from dexjax.errors import DexjaxError
from dexjax.physics.warp import kernels
from dexjax.physics.warp.parts import Parts, Resident
from dexjax.scene import Scene

# Contacts or constraint rows were left out; too few solver iterations are no fault.
_OVERFLOW = int(
    mjw.OverflowType.NEFC
    | mjw.OverflowType.NJMAX_NNZ
    | mjw.OverflowType.BROADPHASE
    | mjw.OverflowType.NARROWPHASE
    | mjw.OverflowType.CCD
)


class Batch:
    """The model and data of a number of worlds on the present device.

    Attributes:
        worlds: how many.
        model: of mujoco_warp; what differs between objects has a row per world.
        data: of mujoco_warp.
        object_id: (worlds,).
        start: (worlds,) s, time before the control step.
        need: (2,) the most constraint rows of a world, and contact pairs of all, that
            there is room for or that were reported.
    """

    def __init__(
        self,
        parts: Parts,
        resident: Resident,
        worlds: int,
        contacts: int,
        constraints: int,
    ):
        """Takes the memory; see `WarpEngine` for the last two arguments."""
        self.worlds = worlds
        # mujoco_warp takes a single row for one shared by all worlds, in which no geom
        # can be missing.
        rows = max(worlds, 2)
        options = [name for name in parts.fields if name.startswith("opt.")]
        batched = dict.fromkeys(parts.fields.keys() - set(options), rows)
        self.model = mjw.put_model(parts.template, batched)
        for name in options:
            option = name.removeprefix("opt.")
            shared = getattr(self.model.opt, option)
            setattr(self.model.opt, option, wp.zeros(rows, dtype=shared.dtype))
        self.model.opt.warn_overflow = 0  # `note_need` speaks instead.
        self.model.npolygonmax, self.model.nmeshdegmax = parts.polygons
        for name, mesh in resident.meshes.items():
            setattr(self.model, name, mesh)
        self.data = mjw.make_data(
            parts.template,
            nworld=worlds,
            naconmax=worlds * contacts,
            njmax=constraints,
            njmax_nnz=constraints * parts.template.nv,
        )
        self._tables = resident.tables
        self.object_id = wp.zeros(worlds, dtype=int)
        self.start = wp.zeros(worlds, dtype=float)
        self.need = wp.array([constraints, worlds * contacts], dtype=int)
        self._graphs: dict[str, wp.Graph | None] = {}

    def _pick_objects(self) -> None:
        """Fills the model's rows with the values of each world's object."""
        for name, table in self._tables.items():
            row = operator.attrgetter(name)(self.model)
            flat = wp.array(
                ptr=row.ptr,
                dtype=table.dtype,
                shape=(row.shape[0], table.shape[1]),
                device=row.device,
            )
            pick = kernels.pick_ints if table.dtype is wp.int32 else kernels.pick_floats
            wp.launch(
                pick, (self.worlds, table.shape[1]), [table, self.object_id], [flat]
            )

    def advance(self, substeps: int) -> None:
        """Launches physics steps of the state in `data` under its `ctrl`."""
        data = self.data
        self._pick_objects()
        data.overflow.zero_()
        for _ in range(substeps):
            mjw.step(self.model, data)
            counted = [data.nefc, data.ncollision, data.nacon]
            bounds = [data.njmax, data.naconmax]
            wp.launch(kernels.note_need, self.worlds, counted + bounds, [self.need])
        judged = [data.overflow, _OVERFLOW, self.start]
        wp.launch(kernels.judge, self.worlds, judged, [data.time])

    def sense(self) -> None:
        """Launches what computes the sensors of the state in `data`."""
        self._pick_objects()
        mjw.forward(self.model, self.data)

    def run(self, name: str, launch: Callable[[], None]) -> None:
        """Launches kernels: on CUDA the first time singly, then as one graph."""
        if name not in self._graphs:
            with _memory_for(self.worlds):
                launch()
            self._graphs[name] = None
            return
        graph = self._graphs[name]
        if graph is None and self.object_id.device.is_cuda:
            with wp.ScopedCapture() as capture:
                launch()
            graph = self._graphs[name] = capture.graph
        if graph is None:
            launch()
        else:
            wp.capture_launch(graph)


class Batches:
    """Batches of a scene, each made when first asked for and kept."""

    def __init__(self, scene: Scene, contacts: int, constraints: int):
        """See `WarpEngine`."""
        self._parts = Parts.of(scene)
        self._bounds = (contacts, constraints)
        self._resident: dict[str, Resident] = {}
        self._made: dict[tuple[str, int], Batch] = {}

    def of(self, device: wp.Device, worlds: int) -> Batch:
        """The batch of a number of worlds on a device.

        Raises:
            DexjaxError: if its memory does not suffice.
        """
        name, parts = device.alias, self._parts
        if (name, worlds) not in self._made:
            with wp.ScopedDevice(device), _memory_for(worlds):
                if name not in self._resident:
                    self._resident[name] = Resident(parts)
                batch = Batch(parts, self._resident[name], worlds, *self._bounds)
            self._made[name, worlds] = batch
        return self._made[name, worlds]


@contextlib.contextmanager
def _memory_for(worlds: int) -> Iterator[None]:
    """Says what to do when an allocation in here fails."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if "alloc" not in str(error):
            raise
        raise DexjaxError(
            f"engine 'warp' finds no memory for {worlds} worlds ({error}): use fewer, "
            "or leave it more of the card (XLA_PYTHON_CLIENT_MEM_FRACTION)"
        ) from error
