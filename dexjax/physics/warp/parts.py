"""What batches of mujoco_warp have in common: a scene's models, compared and joined.

Every world may hold another model of the scene: what differs between them lies in
tables, the meshes of all of them one after another.
"""

import dataclasses

import mujoco
import mujoco_warp as mjw
import numpy as np
import warp as wp

from dexjax.physics.stacking import stack_models
from dexjax.scene import Scene

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


def _exchanged() -> dict[str, bool]:
    """Fields that mujoco_warp reads -> whether they may differ between worlds."""
    structures = {"": mjw.Model, "opt.": mjw.Option}
    return {
        prefix + field.name: getattr(field.type, "shape", ())[:1] == ("*",)
        for prefix, structure in structures.items()
        for field in dataclasses.fields(structure)
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
