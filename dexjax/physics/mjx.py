"""MuJoCo XLA: the engine for TPUs, and the only differentiable one."""

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.physics.engine import PhysicsState
from dexjax.physics.mjx_support import unsupported
from dexjax.physics.quiet import mjx
from dexjax.physics.stacking import StackedModels, stack_models
from dexjax.scene import Scene

# mypy sees nothing of a module that is imported quietly.
Data: TypeAlias = Any
Model: TypeAlias = Any
ConvexMesh: TypeAlias = Any

# m; a contact counts once it is deeper than minus the margin, so that with this one
# none ever does.
_NEVER_TOUCHES = -1.0
_FREE = mujoco.mjtJoint.mjJNT_FREE


class MjxEngine:
    """Steps one world in JAX; batch it by `jax.vmap`.

    `step` is differentiable with respect to `state` and `ctrl`: in forward mode
    (`jax.jvp`, `jax.jacfwd`) always, in reverse mode (`jax.grad`) only if the model's
    `opt.iterations` is 1, because MJX solves in a loop of unknown length otherwise.
    Through contact the derivative is that of the soft contact model: exact between the
    instants at which a contact begins, ends or changes its features, blind to them.
    """

    name = "mjx"

    def __init__(self, scene: Scene, substeps: int = 4):
        """Puts the scene's models on the device.

        Args:
            scene: of n models.
            substeps: physics steps in one control step.

        Raises:
            DexjaxError: if the objects differ in what MJX must compile, or the hand
                has what MJX does not know.
        """
        self.scene = scene
        self.substeps = substeps
        for problem in unsupported(scene.model):
            raise DexjaxError(problem)
        # Other fields are compiled in.
        fields_read = {f.name: f.type is jax.Array for f in mjx.Model.fields()} | {
            f"opt.{f.name}": f.type is jax.Array for f in mjx._src.types.Option.fields()
        }
        stacked = stack_models(scene, self.name, fields_read)
        self._model = mjx.put_model(stacked.template)
        self._blank = mjx.make_data(stacked.template)
        self._objects = (
            _differences(scene, stacked, self._model) if len(scene.models) > 1 else {}
        )

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """See `Engine.reset`."""
        qpos = jnp.asarray(qpos, jnp.float32)
        qvel = jnp.asarray(qvel, jnp.float32)
        object_id = jnp.asarray(object_id, jnp.int32)
        data = self._blank.replace(qpos=_wide(qpos), qvel=_wide(qvel))
        data = mjx.forward(self._model_of(object_id), data)
        return PhysicsState(
            qpos=qpos,
            qvel=qvel,
            act=data.act.astype(qpos.dtype),
            qacc_warmstart=jnp.zeros_like(qvel),
            time=jnp.zeros((), qpos.dtype),
            sensordata=data.sensordata.astype(qpos.dtype),
            object_id=object_id,
        )

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """See `Engine.step`."""
        model = self._model_of(state.object_id)
        data = self._blank.replace(
            qpos=_wide(state.qpos),
            qvel=_wide(state.qvel),
            act=_wide(state.act),
            qacc_warmstart=_wide(state.qacc_warmstart),
            time=_wide(state.time),
            ctrl=_wide(ctrl),
        )

        def substep(data: Data, _: None) -> tuple[Data, None]:
            # With tendons MJX turns some int32 into int64 under `JAX_ENABLE_X64`.
            return _like(data, mjx.step(model, data)), None

        data, _ = jax.lax.scan(substep, data, length=self.substeps)
        after = PhysicsState(
            qpos=data.qpos,
            qvel=data.qvel,
            act=data.act,
            qacc_warmstart=data.qacc_warmstart,
            time=data.time,
            sensordata=data.sensordata,
            object_id=state.object_id,
        )
        return _like(state, after)

    def _model_of(self, object_id: jax.Array) -> Model:
        """The model with one object's values in it."""
        picked = jax.tree.map(lambda x: x[object_id], self._objects)
        return self._model.tree_replace(picked)


def _wide(x: jax.Array) -> jax.Array:
    """As MJX computes: in float64 under `JAX_ENABLE_X64`, else in float32."""
    return jnp.asarray(x, jnp.result_type(float))


def _like(given: Any, tree: Any) -> Any:
    """A pytree with the types of another one of the same structure."""
    return jax.tree.map(lambda x, y: x.astype(y.dtype), tree, given)


def _differences(scene: Scene, stacked: StackedModels, model: Model) -> dict[str, Any]:
    """What `Model.tree_replace` takes, with the leading dimension n.

    Args:
        scene: of n models.
        stacked: what differs between them.
        model: MJX's, of the template.
    """
    meshes = _object_meshes(scene)
    hulls = _hulls(scene, meshes)
    geom_pos, geom_margin = _hidden(stacked, hulls, meshes)
    fields = stacked.fields | {
        "geom_pos": geom_pos,
        "geom_margin": geom_margin,
        "stat.meaninertia": np.array([each.stat.meaninertia for each in scene.models]),
    }
    collide = set(stacked.template.geom_dataid[~stacked.padding.all(axis=0)])
    place = {mesh: i for i, mesh in enumerate(meshes)}

    def convex(mesh: int, shared: ConvexMesh) -> ConvexMesh:
        if mesh not in collide:
            return None
        if mesh in place:
            return jax.tree.map(lambda x: jnp.asarray(x[:, place[mesh]]), hulls)
        count = len(scene.models)
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), shared)

    objects: dict[str, Any] = {n: jnp.asarray(value) for n, value in fields.items()}
    shared = model._impl.mesh_convex
    objects["_impl.mesh_convex"] = tuple(convex(i, own) for i, own in enumerate(shared))
    return objects


def _object_meshes(scene: Scene) -> np.ndarray:
    """Indices of the meshes of objects: a hand may have some of its own."""
    model = scene.model
    bodies = {
        int(model.jnt_bodyid[joint])
        for joint in range(model.njnt)
        if model.jnt_type[joint] == _FREE and model.joint(joint).name != "root"
    }
    own = [i for i in range(model.ngeom) if int(model.geom_bodyid[i]) in bodies]
    meshes = np.unique(model.geom_dataid[own])
    return meshes[meshes >= 0]


def _hulls(scene: Scene, meshes: np.ndarray) -> ConvexMesh:
    """All hulls, (n, K, …), each a simplicial polytope of V vertices.

    `mjx.put_model` makes the same of a model, in a tenth of a second: minutes for
    thousands. Here all are made at once.

    Args:
        scene: of n models.
        meshes: (K,) indices of the hulls.

    Raises:
        DexjaxError: if a hull has another number of vertices or faces.
    """
    vertices = int(scene.model.mesh_vertnum[meshes[0]])
    faces = 2 * vertices - 4
    for other, name in zip(scene.models, scene.objects.names, strict=True):
        sizes = np.stack([other.mesh_vertnum, other.mesh_facenum], axis=1)[meshes]
        if (sizes != [vertices, faces]).any():
            raise DexjaxError(
                f"engine 'mjx' needs hulls of {vertices} vertices and {faces} faces, "
                f"object {name!r} has others: build it with dexjax.objects"
            )

    def rows(values: np.ndarray, starts: np.ndarray, count: int) -> np.ndarray:
        return np.stack([values[starts[mesh] :][:count] for mesh in meshes])

    vert = [rows(m.mesh_vert, m.mesh_vertadr, vertices) for m in scene.models]
    face = [rows(m.mesh_face, m.mesh_faceadr, faces) for m in scene.models]
    return _convex(np.stack(vert), np.stack(face))


def _convex(vert: np.ndarray, face: np.ndarray) -> ConvexMesh:
    """MJX's description of polytopes.

    Args:
        vert: (…, V, 3).
        face: (…, 2V - 4, 3) vertices of each triangle, counter-clockwise outside.
    """
    corner = _take(vert, face)
    a, b, c = (corner[..., i, :] for i in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    # Every edge is a side of two triangles: sorted by their ends, twins are neighbours.
    side = np.sort(np.stack([face, np.roll(face, 1, axis=-1)], axis=-1), axis=-1)
    side = side.reshape(*face.shape[:-2], -1, 2)
    order = np.argsort(side[..., 0] * vert.shape[-2] + side[..., 1], axis=-1)
    twins = order.reshape(*order.shape[:-1], -1, 2)
    return mjx._src.types.ConvexMesh(
        vert=vert.astype(np.float32),
        face=corner.astype(np.float32),
        face_normal=normal.astype(np.float32),
        edge=_take(side, twins[..., 0]).astype(np.int32),
        edge_face_normal=_take(normal, twins // 3).astype(np.float32),
    )


def _take(rows: np.ndarray, index: np.ndarray) -> np.ndarray:
    """rows (…, R, d) at index (…, *shape) -> (…, *shape, d)."""
    batch = rows.ndim - 2
    flat = index.reshape(*index.shape[:batch], -1, 1)
    taken = np.take_along_axis(rows, flat, axis=-2)
    return taken.reshape(*index.shape, rows.shape[-1])


def _hidden(
    stacked: StackedModels, hulls: ConvexMesh, meshes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and margins of geoms (n, ngeom, …) at which padding touches nothing.

    MJX compiles which geoms may touch, for all objects alike. It then keeps the deepest
    contacts, those of padding among them; so padding also goes where it is met last: to
    the centre of the thickest hull of its body.
    """
    model, padding = stacked.template, stacked.padding
    shape = padding.shape
    position = stacked.fields.get("geom_pos", model.geom_pos)
    position = np.broadcast_to(position, (*shape, 3)).copy()
    depth = np.einsum("nkfd,nkfd->nkf", hulls.face[..., 0, :], hulls.face_normal)
    inside = np.full(shape, -np.inf)
    has_mesh = np.isin(model.geom_dataid, meshes)
    place = np.searchsorted(meshes, model.geom_dataid[has_mesh])
    inside[:, has_mesh] = depth.min(axis=-1)[:, place]
    inside[padding] = -np.inf
    centre = position.copy()
    for body in np.unique(model.geom_bodyid[has_mesh]):
        own = np.flatnonzero(has_mesh & (model.geom_bodyid == body))
        thickest = own[np.argmax(inside[:, own], axis=1)]
        centre[:, own] = position[np.arange(len(padding)), thickest][:, None]
    position = np.where(padding[..., None], centre, position)
    return position, np.where(padding, _NEVER_TOUCHES, model.geom_margin)
