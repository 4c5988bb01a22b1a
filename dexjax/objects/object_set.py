"""An `ObjectSet`: objects as stacked arrays, all of one size, chosen by an integer."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import flax.struct
import numpy as np
import trimesh

from dexjax.errors import DexjaxError
from dexjax.objects.geometry.hulls import HULLS, VERTICES, make_hulls
from dexjax.objects.geometry.resting import rest_quaternion
from dexjax.objects.geometry.surface_points import pieces_surface, sample_surface

POINTS = 1024
CODE = 64
JOINTS = 22
# kg/m^3 of the solid, as in the released ResDex code.
DENSITY = 500.0
# kg; a thin-walled cup at that density would weigh a few grams, which neither the
# contact solver nor a real cup does.
MASS_RANGE = (0.03, 1.0)
FRICTION = 1.0
# m; a centre of mass so near a plane of symmetry lies in it, but for rounding. MuJoCo
# stores a smaller mass matrix for one that is hardly off the origin.
_NOISE = 1e-5


@flax.struct.dataclass
class ObjectSet:
    """n objects; every array has the leading dimension n.

    The object frame is the frame of the source mesh, centred on its bounding box.

    Attributes:
        hulls: (n, K, V, 3) collision hulls in the object frame, m.
        hull_mask: (n, K) False where a hull is padding.
        mass: (n,) kg.
        com: (n, 3) centre of mass in the object frame, m.
        inertia: (n, 3, 3) about the centre of mass, object axes, kg m^2.
        friction: (n,) sliding friction.
        points: (n, P, 3) samples on the surface, object frame, m.
        normals: (n, P, 3) outward unit normals there.
        code: (n, 64) shape code; zeros where no encoder has filled it.
        grasp_translation: (n, G, 3) palm position in the object frame, m.
        grasp_rotation: (n, G, 4) palm orientation in the object frame, wxyz.
        grasp_joints: (n, G, 22) finger joints, rad.
        grasp_count: (n,) how many of the G proposals are real; 0 for none.
        rest_quat: (n, 4) orientation in which the object rests on a table, wxyz.
        rest_height: (n,) height of the frame's origin above the table then, m.
        names, categories, splits: one string per object.
    """

    hulls: np.ndarray
    hull_mask: np.ndarray
    mass: np.ndarray
    com: np.ndarray
    inertia: np.ndarray
    friction: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    code: np.ndarray
    grasp_translation: np.ndarray
    grasp_rotation: np.ndarray
    grasp_joints: np.ndarray
    grasp_count: np.ndarray
    rest_quat: np.ndarray
    rest_height: np.ndarray
    names: tuple[str, ...] = flax.struct.field(pytree_node=False)
    categories: tuple[str, ...] = flax.struct.field(pytree_node=False)
    splits: tuple[str, ...] = flax.struct.field(pytree_node=False)

    def __len__(self) -> int:
        """How many objects."""
        return len(self.names)

    def subset(self, which: Sequence[str] | Sequence[int] | np.ndarray) -> "ObjectSet":
        """The objects with the given names or indices, in that order.

        Raises:
            DexjaxError: a name or an index that the set does not have.
        """
        chosen = [self._index(item) for item in which]
        fields: dict[str, Any] = {f: getattr(self, f)[chosen] for f in ARRAYS}
        for f in STRINGS:
            fields[f] = tuple(getattr(self, f)[i] for i in chosen)
        return ObjectSet(**fields)

    def _index(self, item: str | int) -> int:
        if isinstance(item, str):
            if item not in self.names:
                raise DexjaxError(f"no object named {item!r} in this set")
            return self.names.index(item)
        if not 0 <= item < len(self):
            raise DexjaxError(f"object {item} is outside 0 ... {len(self) - 1}")
        return int(item)

    @staticmethod
    def concatenate(sets: Iterable["ObjectSet"]) -> "ObjectSet":
        """One set of all objects; grasp proposals are padded to the longest list.

        Raises:
            DexjaxError: no sets, or hulls or points of different sizes.
        """
        sets = list(sets)
        if not sets:
            raise DexjaxError("cannot join zero object sets")
        most = max(s.grasp_joints.shape[1] for s in sets)
        sets = [_pad_grasps(s, most) for s in sets]
        for s in sets:
            for field in ARRAYS:
                want, got = getattr(sets[0], field).shape, getattr(s, field).shape
                if field == "hulls" and got[1] > want[1]:
                    raise DexjaxError(
                        f"object {s.names[0]!r} has {got[1]} hulls, more than the "
                        f"{want[1]} of this set: build it with hulls={want[1]}"
                    )
                if want[1:] != got[1:]:
                    raise DexjaxError(
                        f"{s.names[0]!r} has {field} of size {got[1:]}, "
                        f"{sets[0].names[0]!r} of {want[1:]}: build both alike"
                    )
        fields: dict[str, Any] = {
            f: np.concatenate([getattr(s, f) for s in sets]) for f in ARRAYS
        }
        for f in STRINGS:
            fields[f] = sum((getattr(s, f) for s in sets), ())
        return ObjectSet(**fields)


STRINGS = ("names", "categories", "splits")
ARRAYS = tuple(f for f in ObjectSet.__dataclass_fields__ if f not in STRINGS)
_GRASPS = ("grasp_translation", "grasp_rotation", "grasp_joints")


def build_object(
    name: str,
    category: str,
    pieces: list[np.ndarray],
    mesh: trimesh.Trimesh | None = None,
    *,
    filled: trimesh.Trimesh | None = None,
    up: str = "z",
    split: str = "train",
    hulls: int = HULLS,
    vertices: int = VERTICES,
) -> ObjectSet:
    """An object set of one, from convex pieces and a closed surface.

    Args:
        name: the object's name.
        category: its category.
        pieces: convex point sets (n, 3) in the object frame, m.
        mesh: its closed surface in the same frame, which gives points and normals;
            that of the pieces by default.
        filled: closed surface of its material, which gives the mass; `mesh` by default,
            but for cavities.
        up: the axis that points upwards in the object frame, "y" or "z".
        split: which split it belongs to.
        hulls: K.
        vertices: V.
    """
    shaped = make_hulls(pieces, hulls, vertices)
    joined = pieces if mesh is None else None
    mesh = pieces_surface(pieces) if mesh is None else mesh
    mass, com, inertia = _mass_properties(mesh if filled is None else filled)
    points, normals = sample_surface(mesh, POINTS, pieces=joined)
    quat = rest_quaternion(np.concatenate(pieces), com, up)
    height = resting_height(shaped.vertices[shaped.mask], quat)
    empty = np.zeros((1, 0, 3), np.float32)
    return ObjectSet(
        hulls=shaped.vertices[None].astype(np.float32),
        hull_mask=shaped.mask[None],
        mass=np.array([mass], np.float32),
        com=com[None].astype(np.float32),
        inertia=inertia[None].astype(np.float32),
        friction=np.array([FRICTION], np.float32),
        points=points[None].astype(np.float32),
        normals=normals[None].astype(np.float32),
        code=np.zeros((1, CODE), np.float32),
        grasp_translation=empty,
        grasp_rotation=np.zeros((1, 0, 4), np.float32),
        grasp_joints=np.zeros((1, 0, JOINTS), np.float32),
        grasp_count=np.zeros(1, np.int32),
        rest_quat=np.asarray(quat, np.float32)[None],
        rest_height=np.array([height], np.float32),
        names=(name,),
        categories=(category,),
        splits=(split,),
    )


def resting_height(hulls: np.ndarray, quat: np.ndarray) -> float:
    """Height (m) of the origin of hulls (k, V, 3) that lie on a table, turned so."""
    return float(-(hulls.reshape(-1, 3) @ rotation_matrix(quat)[2]).min())


def rotation_matrix(quat: np.ndarray) -> np.ndarray:
    """(3, 3) rotation of a unit quaternion (4,) wxyz."""
    return trimesh.transformations.quaternion_matrix(quat)[:3, :3]


def _mass_properties(mesh: trimesh.Trimesh) -> tuple[float, np.ndarray, np.ndarray]:
    """Mass (kg), centre of mass (3,) and inertia (3, 3) of the solid in `mesh`."""
    mass = float(np.clip(DENSITY * mesh.volume, *MASS_RANGE))
    inertia = np.asarray(mesh.moment_inertia) * (mass / mesh.mass)
    com = np.asarray(mesh.center_mass)
    com = np.where(np.abs(com) < _NOISE, 0.0, com)
    return mass, com, (inertia + inertia.T) / 2


def _pad_grasps(objects: ObjectSet, count: int) -> ObjectSet:
    missing = count - objects.grasp_joints.shape[1]
    pad = ((0, 0), (0, missing), (0, 0))
    padded: dict[str, Any] = {f: np.pad(getattr(objects, f), pad) for f in _GRASPS}
    return dataclasses.replace(objects, **padded)
