"""The bodies of a MuJoCo model as coloured meshes."""

from typing import Any

import mujoco
import numpy as np
import trimesh

from dexjax.render.picture import geom_colours

_SIDES = 24  # of what is round


def body_meshes(model: mujoco.MjModel) -> dict[str, trimesh.Trimesh]:
    """What can be seen of every body that has anything, in the body's frame, m.

    Planes are left out: they have no end. Colours are those of the pictures.
    """
    colours = geom_colours(model)
    found: dict[int, list[trimesh.Trimesh]] = {}
    for geom in range(model.ngeom):
        mesh = _geom_mesh(model, geom) if model.geom_rgba[geom, 3] > 0 else None
        if mesh is None:
            continue
        rotation = np.empty(9)
        mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation.reshape(3, 3), model.geom_pos[geom]
        mesh.apply_transform(pose)
        mesh.visual = trimesh.visual.ColorVisuals(
            mesh, vertex_colors=np.tile(_bytes(colours[geom]), (len(mesh.vertices), 1))
        )
        found.setdefault(int(model.geom_bodyid[geom]), []).append(mesh)
    join: Any = trimesh.util.concatenate
    return {
        model.body(body).name or f"body{body}": join(meshes)
        for body, meshes in found.items()
    }


def _bytes(colour: np.ndarray) -> np.ndarray:
    """(4,) uint8, opaque."""
    return np.append(np.clip(colour * 255, 0, 255), 255).astype(np.uint8)


def _geom_mesh(model: mujoco.MjModel, geom: int) -> trimesh.Trimesh | None:
    """A geom in its own frame; None for what has no surface to show."""
    kinds = mujoco.mjtGeom
    size, kind = model.geom_size[geom], model.geom_type[geom]
    create = trimesh.creation
    if kind == kinds.mjGEOM_SPHERE:
        return create.icosphere(subdivisions=2, radius=size[0])
    if kind == kinds.mjGEOM_CAPSULE:
        return create.capsule(2 * size[1], size[0], count=(_SIDES, _SIDES // 2))
    if kind == kinds.mjGEOM_CYLINDER:
        return _flat(create.cylinder(size[0], 2 * size[1], sections=_SIDES))
    if kind == kinds.mjGEOM_ELLIPSOID:
        ball = create.icosphere(subdivisions=2)
        ball.apply_scale(size)
        return ball
    if kind == kinds.mjGEOM_BOX:
        return _flat(create.box(2 * size))
    if kind == kinds.mjGEOM_MESH:
        return _flat(_mesh_asset(model, int(model.geom_dataid[geom])))
    return None


def _mesh_asset(model: mujoco.MjModel, mesh: int) -> trimesh.Trimesh:
    vertex, face = model.mesh_vertadr[mesh], model.mesh_faceadr[mesh]
    vertices = model.mesh_vert[vertex : vertex + model.mesh_vertnum[mesh]]
    faces = model.mesh_face[face : face + model.mesh_facenum[mesh]]
    return trimesh.Trimesh(vertices, faces, process=False)


def _flat(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """A mesh whose faces share no vertex, so that its edges stay sharp."""
    mesh.unmerge_vertices()
    return mesh
