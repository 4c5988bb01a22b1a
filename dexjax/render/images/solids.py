"""A scene as solids that rays are cast at: polyhedra, tubes and rectangles.

They are what the simulation collides with. Each belongs to a body and is given in that
body's frame.
"""

from typing import NamedTuple

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.scene import Scene

_BOX, _MESH, _SPHERE, _CAPSULE, _CYLINDER, _PLANE = _KINDS = tuple(
    int(getattr(mujoco.mjtGeom, f"mjGEOM_{name}"))
    for name in ("BOX", "MESH", "SPHERE", "CAPSULE", "CYLINDER", "PLANE")
)
# A half-space that holds everything: what is padded with.
_EVERYWHERE = (0.0, 0.0, 0.0, -1.0)
_ENDLESS = 1e3  # m, half of a side of a plane that has no size


class Polyhedra(NamedTuple):
    """Convex ones, n . x + d <= 0 for all faces; they may differ between models.

    Attributes:
        body: (P,) int32.
        thing: (P,) int32, index in `Solids.things`.
        faces: (models, P) int32, how many each has; 0 where there is none.
        planes: (models, P, F, 4) outward unit normals and offsets, m.
        ball: (models, P, 4) centre and radius of a ball around each, m.
    """

    body: np.ndarray
    thing: np.ndarray
    faces: np.ndarray
    planes: np.ndarray
    ball: np.ndarray


class Tubes(NamedTuple):
    """Capsules, spheres and cylinders.

    Attributes:
        body, thing: (T,) int32.
        ends: (T, 2, 3) of the axis, m.
        radius: (T,) m.
        flat: (T,) bool, ends are discs instead of half-spheres.
    """

    body: np.ndarray
    thing: np.ndarray
    ends: np.ndarray
    radius: np.ndarray
    flat: np.ndarray


class Rectangles(NamedTuple):
    """Flat ones, seen from the side that their z axis points to.

    Attributes:
        body, thing: (R,) int32.
        centre: (R, 3) m.
        axes: (R, 3, 3) with x, y, z as rows.
        half: (R, 2) m, along x and y.
    """

    body: np.ndarray
    thing: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    half: np.ndarray


class Solids(NamedTuple):
    """Everything that can be seen of a scene.

    Attributes:
        things: names of what segmentation tells apart: the bodies below the world and
            the world's own geoms; "hand" and "arm" are one each.
        polyhedra, tubes, rectangles: see there.
    """

    things: tuple[str, ...]
    polyhedra: Polyhedra
    tubes: Tubes
    rectangles: Rectangles


def solids(scene: Scene) -> Solids:
    """The solids of a scene; what is wholly transparent is left out.

    Raises:
        DexjaxError: for a geom of a kind that cannot be drawn.
    """
    model = scene.model
    _check_kinds(model)
    things = _things(scene)
    names = tuple(dict.fromkeys(things))
    number = np.array([names.index(name) for name in things], np.int32)
    seen = _visible(model)
    kind = model.geom_type
    polyhedra = np.flatnonzero(np.isin(kind, (_BOX, _MESH)) & seen)
    # Padding of some models may be a hull in others.
    for other in scene.models[1:]:
        more = np.isin(other.geom_type, (_BOX, _MESH)) & _visible(other)
        polyhedra = np.union1d(polyhedra, np.flatnonzero(more))
    tubes = np.flatnonzero(np.isin(kind, (_SPHERE, _CAPSULE, _CYLINDER)) & seen)
    flat = np.flatnonzero((kind == _PLANE) & seen)
    return Solids(
        names,
        _polyhedra(scene, polyhedra, number),
        _tubes(model, tubes, number),
        _rectangles(model, flat, number),
    )


def _check_kinds(model: mujoco.MjModel) -> None:
    for geom in np.flatnonzero(_visible(model) & ~np.isin(model.geom_type, _KINDS)):
        kind = mujoco.mjtGeom(model.geom_type[geom]).name.removeprefix("mjGEOM_")
        raise DexjaxError(
            f"geom {model.geom(geom).name!r} is of type {kind.lower()}, cameras see "
            "box, mesh, sphere, capsule, cylinder and plane"
        )


def _visible(model: mujoco.MjModel) -> np.ndarray:
    return model.geom_rgba[:, 3] > 0


def _things(scene: Scene) -> list[str]:
    """What every geom belongs to."""
    model, found = scene.model, []
    for geom in range(model.ngeom):
        body = model.geom_bodyid[geom]
        if body == 0:
            found.append(model.geom(geom).name or "world")
            continue
        names = {model.body(body).name}
        while model.body_parentid[body] != 0:
            body = model.body_parentid[body]
            names.add(model.body(body).name)
        root = model.body(body).name
        hand = set(scene.hand.links) & names
        found.append("hand" if hand else root)
    return found


def _frames(model: mujoco.MjModel, geoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 3) and axes (n, 3, 3) of geoms in their bodies' frames."""
    axes = np.empty((len(geoms), 9))
    for row, geom in zip(axes, geoms, strict=True):
        mujoco.mju_quat2Mat(row, model.geom_quat[geom])
    return model.geom_pos[geoms], axes.reshape(-1, 3, 3)


def _polyhedra(scene: Scene, geoms: np.ndarray, thing: np.ndarray) -> Polyhedra:
    found = [[_faces(model, geom) for geom in geoms] for model in scene.models]
    most = max((len(planes) for row in found for planes, _ in row), default=1)
    shape = (len(scene.models), len(geoms))
    faces, ball = np.zeros(shape, np.int32), np.zeros((*shape, 4), np.float32)
    planes = np.tile(np.array(_EVERYWHERE, np.float32), (*shape, most, 1))
    for m, (model, row) in enumerate(zip(scene.models, found, strict=True)):
        places, axes = _frames(model, geoms)
        for p, (own, corners) in enumerate(row):
            faces[m, p] = len(own)
            if not len(own):
                continue
            normals = own[:, :3] @ axes[p].T
            offsets = own[:, 3] - normals @ places[p]
            planes[m, p, : len(own)] = np.column_stack([normals, offsets])
            middle = (corners.max(axis=0) + corners.min(axis=0)) / 2
            radius = np.linalg.norm(corners - middle, axis=1).max()
            ball[m, p] = [*(places[p] + axes[p] @ middle), radius]
    body = scene.model.geom_bodyid[geoms].astype(np.int32)
    return Polyhedra(body, thing[geoms], faces, planes, ball)


def _faces(model: mujoco.MjModel, geom: int) -> tuple[np.ndarray, np.ndarray]:
    """Planes (F, 4) and corners (V, 3) of a geom in its own frame; of none for none."""
    if not _visible(model)[geom]:
        return np.zeros((0, 4)), np.zeros((0, 3))
    if model.geom_type[geom] == _BOX:
        return _box(model.geom_size[geom])
    return _mesh(model, model.geom_dataid[geom])


def _box(half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    normals = np.concatenate([np.eye(3), -np.eye(3)])
    return np.column_stack([normals, -np.tile(half, 2)]), signs * half


def _mesh(model: mujoco.MjModel, mesh: int) -> tuple[np.ndarray, np.ndarray]:
    """The convex hull that MuJoCo collides with, as the polygons that it stores."""
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    corners = model.mesh_vert[first : first + count].astype(float)
    start, number = model.mesh_polyadr[mesh], model.mesh_polynum[mesh]
    normals = model.mesh_polynormal[start : start + number].astype(float)
    any_corner = model.mesh_polyvert[model.mesh_polyvertadr[start : start + number]]
    offsets = -np.einsum("ij,ij->i", normals, corners[any_corner])
    return np.column_stack([normals, offsets]), corners


def _tubes(model: mujoco.MjModel, geoms: np.ndarray, thing: np.ndarray) -> Tubes:
    places, axes = _frames(model, geoms)
    kind = model.geom_type[geoms]
    half = np.where(kind == _SPHERE, 0.0, model.geom_size[geoms, 1])
    along = axes[..., 2] * half[:, None]
    return Tubes(
        model.geom_bodyid[geoms].astype(np.int32),
        thing[geoms],
        np.stack([places - along, places + along], axis=1).astype(np.float32),
        model.geom_size[geoms, 0].astype(np.float32),
        kind == _CYLINDER,
    )


def _rectangles(
    model: mujoco.MjModel, geoms: np.ndarray, thing: np.ndarray
) -> Rectangles:
    places, axes = _frames(model, geoms)
    half = model.geom_size[geoms, :2]
    half = np.where(half > 0, half, _ENDLESS)
    return Rectangles(
        model.geom_bodyid[geoms].astype(np.int32),
        thing[geoms],
        places.astype(np.float32),
        axes.transpose(0, 2, 1).astype(np.float32),
        half.astype(np.float32),
    )
