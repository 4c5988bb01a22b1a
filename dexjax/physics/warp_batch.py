"""Models and data of mujoco_warp for a batch of worlds, and the kernels between them.

Every world may hold another object: the model then has a row per world for what differs
between objects, filled from tables of all objects before each control step.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import mujoco
import mujoco_warp as mjw
import numpy as np
import warp as wp

from dexjax.errors import DexjaxError
from dexjax.physics.stacking import stack_models
from dexjax.scene import Scene

# Contacts or constraint rows were left out; too few solver iterations are no fault.
_OVERFLOW = int(
    mjw.OverflowType.NEFC
    | mjw.OverflowType.NJMAX_NNZ
    | mjw.OverflowType.BROADPHASE
    | mjw.OverflowType.NARROWPHASE
    | mjw.OverflowType.CCD
)
# Where one model's addresses of mesh data start counting, by the size that counts them.
_MESH_ADDRESSES = {
    "mesh_vertadr": "nmeshvert",
    "mesh_graphadr": "nmeshgraph",
    "mesh_polyadr": "nmeshpoly",
    "mesh_polyvertadr": "nmeshpolyvert",
    "mesh_polymapadr": "nmeshpolymap",
}
_MESH_DATA = (
    "mesh_vertnum",
    "mesh_vert",
    "mesh_graph",
    "mesh_polynum",
    "mesh_polynormal",
    "mesh_polyvertnum",
    "mesh_polyvert",
    "mesh_polymapnum",
    "mesh_polymap",
)


@dataclasses.dataclass(frozen=True)
class Parts:
    """What all batches of a scene are made from.

    Attributes:
        template: the model but for what differs between objects.
        fields: name -> (n, width), the values that differ, flattened.
        meshes: name -> array, the meshes of all objects one after another.
        polygons: the largest number of sides of a mesh polygon, and of polygons that
            meet at a vertex.
    """

    template: mujoco.MjModel
    fields: dict[str, np.ndarray]
    meshes: dict[str, np.ndarray]
    polygons: tuple[int, int]

    @staticmethod
    def of(scene: Scene) -> "Parts":
        """Compares and joins the models of a scene.

        Raises:
            DexjaxError: if objects differ in what all worlds must share.
        """
        models = scene.models
        stacked = stack_models(scene, "warp", _exchanged())
        # mujoco_warp never resets a world by itself and does not know the flag.
        autoreset = int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
        stacked.template.opt.disableflags &= ~autoreset
        polygons = (
            max(model.npolygonmax for model in models),
            max(model.nmeshdegmax for model in models),
        )
        if len(models) == 1:
            return Parts(stacked.template, {}, {}, polygons)
        mesh = _mesh_of_geom(models, stacked.padding)
        fields = stacked.fields | {"geom_dataid": mesh}
        fields = {name: x.reshape(len(models), -1) for name, x in fields.items()}
        return Parts(stacked.template, fields, _joined_meshes(models), polygons)


class Resident:
    """What all batches on the present device share.

    Attributes:
        tables: `Parts.fields` there.
        meshes: `Parts.meshes` there.
    """

    def __init__(self, parts: Parts):
        """Copies them there."""
        self.tables = {
            name: wp.array(value, dtype=_scalar(value))
            for name, value in parts.fields.items()
        }
        types = {field.name: field.type for field in dataclasses.fields(mjw.Model)}
        self.meshes = {
            name: wp.array(value, dtype=types[name].dtype)
            for name, value in parts.meshes.items()
        }


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
        self.model = mjw.put_model(parts.template, dict.fromkeys(parts.fields, rows))
        self.model.opt.warn_overflow = 0  # `_note_need` speaks instead.
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
            row = getattr(self.model, name)
            flat = wp.array(
                ptr=row.ptr,
                dtype=table.dtype,
                shape=(row.shape[0], table.shape[1]),
                device=row.device,
            )
            pick = _pick_ints if table.dtype is wp.int32 else _pick_floats
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
            wp.launch(_note_need, self.worlds, counted + bounds, [self.need])
        judged = [data.overflow, _OVERFLOW, self.start]
        wp.launch(_judge, self.worlds, judged, [data.time])

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


@wp.kernel(enable_backward=False)
def _pick_floats(
    table: wp.array2d[float], object_id: wp.array[int], out: wp.array2d[float]
):
    world, i = wp.tid()
    out[world, i] = table[wp.clamp(object_id[world], 0, table.shape[0] - 1), i]


@wp.kernel(enable_backward=False)
def _pick_ints(table: wp.array2d[int], object_id: wp.array[int], out: wp.array2d[int]):
    world, i = wp.tid()
    out[world, i] = table[wp.clamp(object_id[world], 0, table.shape[0] - 1), i]


@wp.kernel(enable_backward=False)
def _note_need(
    rows: wp.array[int],
    near_pairs: wp.array[int],
    contacts: wp.array[int],
    rows_bound: int,
    contacts_bound: int,
    need: wp.array[int],
):
    world = wp.tid()
    if rows[world] > need[0]:
        # Of all worlds only those that need more than was ever reported speak.
        if wp.atomic_max(need, 0, rows[world]) < rows[world]:
            wp.printf(
                "engine 'warp': constraints=%d is too small, a world that needs %d is "
                "reset\n",
                rows_bound,
                rows[world],
            )
    if world == 0:
        wanted = wp.max(near_pairs[0], contacts[0])
        if wanted > need[1]:
            need[1] = wanted
            worlds = rows.shape[0]
            wp.printf(
                "engine 'warp': contacts=%d is too small, all %d worlds are reset; "
                "%d would do\n",
                contacts_bound / worlds,
                worlds,
                (wanted + worlds - 1) / worlds,
            )


@wp.kernel(enable_backward=False)
def _judge(
    overflow: wp.array[int], faults: int, start: wp.array[float], time: wp.array[float]
):
    """Holds the time of worlds in which something was left out."""
    world = wp.tid()
    if overflow[world] & faults:
        time[world] = start[world]


def _exchanged() -> dict[str, bool]:
    """Fields that mujoco_warp reads -> whether they may differ between worlds."""
    return {
        field.name: getattr(field.type, "shape", ())[:1] == ("*",)
        for field in dataclasses.fields(mjw.Model)
    }


def _mesh_of_geom(models: tuple[mujoco.MjModel, ...], padding: np.ndarray):
    """Which of the joined meshes every geom has, (n, ngeom); -1 for none."""
    own = np.stack([model.geom_dataid for model in models])
    first = np.cumsum([0, *(model.nmesh for model in models[:-1])])
    return np.where((own < 0) | padding, -1, own + first[:, None]).astype(np.int32)


def _joined_meshes(models: tuple[mujoco.MjModel, ...]) -> dict[str, np.ndarray]:
    """The mesh data of all models, addresses shifted accordingly."""
    joined = {
        name: np.concatenate([getattr(model, name) for model in models])
        for name in _MESH_DATA
    }
    for name, counted in _MESH_ADDRESSES.items():
        first = np.cumsum([0, *(getattr(model, counted) for model in models[:-1])])
        joined[name] = np.concatenate(
            [
                getattr(model, name) + shift
                for model, shift in zip(models, first, strict=True)
            ]
        )
    return joined


def _scalar(value: np.ndarray) -> type:
    return wp.int32 if np.issubdtype(value.dtype, np.integer) else wp.float32
