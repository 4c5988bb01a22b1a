"""MuJoCo XLA: the engine for TPUs, and the only differentiable one."""

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.physics.engine import PhysicsState
from dexjax.physics.quiet import mjx
from dexjax.physics.stacking import StackedModels, stack_models
from dexjax.scene import Scene

# m; a contact counts once it is deeper than minus the margin, so that with this one
# none ever does.
_NEVER_TOUCHES = -1.0


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
            scene: n objects.
            substeps: physics steps in one control step.

        Raises:
            DexjaxError: if the objects differ in what MJX must compile.
        """
        self.scene = scene
        self.substeps = substeps
        # Other fields are compiled in.
        fields_read = {f.name: f.type is jax.Array for f in mjx.Model.fields()}
        stacked = stack_models(scene, self.name, fields_read)
        self._model = mjx.put_model(stacked.template)
        self._blank = mjx.make_data(stacked.template)
        self._objects = _differences(scene, stacked) if len(scene.models) > 1 else {}

    def reset(
        self, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
    ) -> PhysicsState:
        """See `Engine.reset`."""
        qpos = jnp.asarray(qpos, jnp.float32)
        qvel = jnp.asarray(qvel, jnp.float32)
        object_id = jnp.asarray(object_id, jnp.int32)
        data = self._blank.replace(qpos=qpos, qvel=qvel)
        data = mjx.forward(self._model_of(object_id), data)
        return PhysicsState(
            qpos=qpos,
            qvel=qvel,
            act=data.act,
            qacc_warmstart=jnp.zeros_like(qvel),
            time=jnp.zeros(()),
            sensordata=data.sensordata,
            object_id=object_id,
        )

    def step(self, state: PhysicsState, ctrl: jax.Array) -> PhysicsState:
        """See `Engine.step`."""
        model = self._model_of(state.object_id)
        data = self._blank.replace(
            qpos=state.qpos,
            qvel=state.qvel,
            act=state.act,
            qacc_warmstart=state.qacc_warmstart,
            time=state.time,
            ctrl=ctrl,
        )

        def substep(data: mjx.Data, _: None) -> tuple[mjx.Data, None]:
            return mjx.step(model, data), None

        data, _ = jax.lax.scan(substep, data, length=self.substeps)
        return PhysicsState(
            qpos=data.qpos,
            qvel=data.qvel,
            act=data.act,
            qacc_warmstart=data.qacc_warmstart,
            time=data.time,
            sensordata=data.sensordata,
            object_id=state.object_id,
        )

    def _model_of(self, object_id: jax.Array) -> mjx.Model:
        """The model with one object's values in it."""
        picked = jax.tree.map(lambda x: x[object_id], self._objects)
        return self._model.tree_replace(picked)


def _differences(scene: Scene, stacked: StackedModels) -> dict:
    """What `Model.tree_replace` takes, with the leading dimension n."""
    models = scene.models
    hulls = _hulls(scene)
    geom_pos, geom_margin = _hidden(stacked, hulls)
    fields = stacked.fields | {
        "geom_pos": geom_pos,
        "geom_margin": geom_margin,
        "stat.meaninertia": np.array([model.stat.meaninertia for model in models]),
    }
    objects = {name: jnp.asarray(value) for name, value in fields.items()}
    collide = set(stacked.template.geom_dataid[~stacked.padding.all(axis=0)])
    objects["_impl.mesh_convex"] = tuple(
        jax.tree.map(lambda x, i=i: jnp.asarray(x[:, i]), hulls)
        if i in collide
        else None
        for i in range(stacked.template.nmesh)
    )
    return objects


def _hulls(scene: Scene) -> mjx._src.types.ConvexMesh:
    """All hulls, (n, K, …), each a simplicial polytope of V vertices.

    `mjx.put_model` makes the same of a model, in a tenth of a second: minutes for
    thousands. Here all are made at once.

    Raises:
        DexjaxError: if a hull has another number of vertices or faces.
    """
    model = scene.model
    count = model.nmesh
    vertices = model.nmeshvert // count
    faces = 2 * vertices - 4
    for other, name in zip(scene.models, scene.objects.names, strict=True):
        sizes = np.stack([other.mesh_vertnum, other.mesh_facenum], axis=1)
        if (sizes != [vertices, faces]).any():
            raise DexjaxError(
                f"engine 'mjx' needs hulls of {vertices} vertices and {faces} faces, "
                f"object {name!r} has others: build it with dexjax.objects"
            )
    vert = np.stack([m.mesh_vert.reshape(count, vertices, 3) for m in scene.models])
    face = np.stack([m.mesh_face.reshape(count, faces, 3) for m in scene.models])
    return _convex(vert, face)


def _convex(vert: np.ndarray, face: np.ndarray) -> mjx._src.types.ConvexMesh:
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
    stacked: StackedModels, hulls: mjx._src.types.ConvexMesh
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and margins of geoms (n, ngeom, …) at which padding touches nothing.

    MJX compiles which geoms may touch, for all objects alike. It then keeps the deepest
    contacts, those of padding among them; so padding also goes where it is met last: to
    the centre of the object's thickest hull.
    """
    model, padding = stacked.template, stacked.padding
    shape = padding.shape
    position = stacked.fields.get("geom_pos", model.geom_pos)
    position = np.broadcast_to(position, (*shape, 3)).copy()
    depth = np.einsum("nkfd,nkfd->nkf", hulls.face[..., 0, :], hulls.face_normal)
    inside = np.full(shape, -np.inf)
    (mesh_geoms,) = np.nonzero(model.geom_dataid >= 0)
    inside[:, mesh_geoms] = depth.min(axis=-1)[:, model.geom_dataid[mesh_geoms]]
    inside[padding] = -np.inf
    thickest = np.argmax(inside, axis=1)
    centre = position[np.arange(len(padding)), thickest]
    position = np.where(padding[..., None], centre[:, None], position)
    return position, np.where(padding, _NEVER_TOUCHES, model.geom_margin)
