"""Objects as unions of half-spaces: signed distances in JAX.

A convex hull is where n_f . x + d_f <= 0 for all of its faces f. The largest of these
values is the signed distance inside the hull and in front of its faces, and a lower
bound of the distance beyond an edge; its zero set is the surface exactly, and that is
what contacts are drawn to. The union of hulls is the least over them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial import ConvexHull

from dexjax.objects.object_set import ObjectSet

# Far (m) from everything: the distance of a hull that is only padding.
_NOWHERE = 1e3
# m, over which normals turn from one face to the next.
_BLEND = 0.003


class Solid(NamedTuple):
    """One object, or with a leading dimension several.

    Attributes:
        planes: (K, F, 4) outward unit normal and offset of every face, m.
    """

    planes: jax.Array


def make_solid(objects: ObjectSet, index: int, hulls: int | None = None) -> Solid:
    """The collision hulls of one object of a set, in the object's frame.

    Args:
        objects: the set.
        index: which object.
        hulls: K, at least as many as the object has; by default as many.
    """
    real = objects.hulls[index][objects.hull_mask[index]].astype(float)
    faces = 2 * real.shape[1] - 4
    planes = np.zeros((hulls or len(real), faces, 4), np.float32)
    planes[..., 3] = _NOWHERE
    for k, corners in enumerate(real):
        planes[k] = np.resize(ConvexHull(corners).equations, (faces, 4))
    return Solid(jnp.asarray(planes))


def signed_distance(solid: Solid, points: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Signed distances of points to an object's surface, negative inside.

    Args:
        solid: one object.
        points: (n, 3) in its frame, m.

    Returns:
        (n,) distances, m, and (n, 3) outward unit normals of the faces that give them.
        Gradients with respect to the points are these normals.
    """
    hulls, faces, _ = solid.planes.shape
    flat = solid.planes.reshape(-1, 4)
    still = jax.lax.stop_gradient(points)
    values = (still @ flat[:, :3].T + flat[:, 3]).reshape(-1, hulls, faces)
    hull = values.max(axis=2).argmin(axis=1)
    rows = jnp.take_along_axis(values, hull[:, None, None], axis=1)[:, 0]
    chosen = solid.planes[hull, rows.argmax(axis=1)]
    normals = chosen[:, :3]
    return (normals * points).sum(-1) + chosen[:, 3], normals


def smooth_normals(solid: Solid, points: jax.Array) -> jax.Array:
    """Outward unit normals (n, 3) that turn gradually from one face to the next.

    The mean of the normals of the nearest hull's faces, weighted by how near the point
    is to each: with it, where forces point has a gradient on a surface of flat faces.

    Args:
        solid: one object.
        points: (n, 3) in its frame near the surface, m.
    """
    normals, offsets = solid.planes[..., :3], solid.planes[..., 3]
    values = jnp.einsum("kfi,ni->nkf", normals, points) + offsets
    hull = jax.lax.stop_gradient(values.max(axis=2).argmin(axis=1))
    rows = jnp.take_along_axis(values, hull[:, None, None], axis=1)[:, 0]
    blend = jnp.einsum("nf,nfi->ni", jax.nn.softmax(rows / _BLEND), normals[hull])
    return blend / jnp.sqrt((blend * blend).sum(-1, keepdims=True) + 1e-12)
