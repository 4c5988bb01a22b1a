"""What a vision policy sees of an object: points on its surface, of all or one side.

The whole cloud is the paper's (ResDex, section 3.4: 512 points on the mesh). A point of
the other kind is seen by at least one of two fixed cameras: nothing of the object and
no link of the hand lies on the way to it. A cloud has the same number of points in any
case: seen points stand in for those that are not.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.surface import hand_spheres, place
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.solid import Solid, make_solid

POINTS = 512
# (2, 3) m, world frame: to the right and left before the table; the first is the camera
# "main" of the scene.
CAMERAS = np.array([[0.46, -0.58, 0.42], [0.46, 0.58, 0.42]], np.float32)
# m, between the spheres that stand for a capsule of the hand.
_SPACING = 0.012
# m; a ray may run through so much of a hull: its own, at a grazing angle.
_GRAZE = 0.003


class Body(NamedTuple):
    """What seeing an object takes; arrays may have a leading dimension (objects,).

    Attributes:
        points: (P, 3) on the surface, object frame, m.
        normals: (P, 3) outward there.
        solid: its collision hulls, which hide what is behind them; None where nothing
            is to be hidden.
    """

    points: jax.Array
    normals: jax.Array
    solid: Solid | None


def bodies(objects: ObjectSet, hidden: bool = True) -> Body:
    """The bodies of all objects of a set, stacked.

    Args:
        objects: the set.
        hidden: whether anything is to be hidden: planes of thousands of hulls take a
            while.
    """
    solid = None
    if hidden:
        hulls = objects.hulls.shape[1]
        planes = [make_solid(objects, i, hulls).planes for i in range(len(objects))]
        solid = Solid(jnp.stack(planes))
    return Body(
        jnp.asarray(objects.points[:, :POINTS]),
        jnp.asarray(objects.normals[:, :POINTS]),
        solid,
    )


def placed(points: jax.Array, pos: jax.Array, quat: jax.Array) -> jax.Array:
    """Points (P, 3) of an object's frame in the world frame."""
    return pos + rotations.rotate(quat, points)


def seen(
    hand: Hand,
) -> Callable[[Body, jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]:
    """A pure function that says which points of an object the cameras see.

    Returns:
        fn(body, object_pos (3,), object_quat (4,), root_pos (3,), root_quat (4,),
        joints (joints,)) -> (P,) bool.
    """
    kinematics, spheres = forward_kinematics(hand), hand_spheres(hand, _SPACING)

    def visible(
        body: Body,
        object_pos: jax.Array,
        object_quat: jax.Array,
        root_pos: jax.Array,
        root_quat: jax.Array,
        joints: jax.Array,
    ) -> jax.Array:
        links = kinematics(root_pos, root_quat, joints)
        centres = place(links, spheres.link, spheres.centre)
        back = rotations.conjugate(object_quat)
        cameras = rotations.rotate(back, CAMERAS - object_pos)
        hiding = rotations.rotate(back, centres - object_pos)

        def by(camera: jax.Array) -> jax.Array:
            ray = camera - body.points
            faces = (ray * body.normals).sum(-1) > 0
            assert body.solid is not None
            own = _through(body.solid, body.points, ray)
            return faces & ~own & ~_hidden(hiding, spheres.radius, body.points, ray)

        return jax.vmap(by)(cameras).any(axis=0)

    return visible


def stand_in(points: jax.Array, visible: jax.Array) -> jax.Array:
    """The visible ones of points (P, 3), each as often as it takes to make P.

    If none is visible all are at their own mean: nothing but a place is known.
    """
    chances = jnp.cumsum(visible)
    level = (jnp.arange(len(points)) + 0.5) / len(points) * chances[-1]
    chosen = jnp.minimum(jnp.searchsorted(chances, level), len(points) - 1)
    blind = jnp.broadcast_to(points.mean(axis=0), points.shape)
    return jnp.where(chances[-1] > 0, points[chosen], blind)


def _through(solid: Solid, points: jax.Array, ray: jax.Array) -> jax.Array:
    """Whether rays (P, 3) from points (P, 3) run through a hull (Cyrus and Beck)."""
    normals, offsets = solid.planes[..., :3], solid.planes[..., 3]
    above = jnp.einsum("kfi,pi->pkf", normals, points) + offsets
    slope = jnp.einsum("kfi,pi->pkf", normals, ray)
    crossing = -above / jnp.where(slope == 0, 1e-12, slope)
    enter = jnp.where(slope < 0, crossing, -jnp.inf).max(axis=-1)
    leave = jnp.where(slope > 0, crossing, jnp.inf).min(axis=-1)
    # Beside a plane that the ray runs along it is outside for good.
    outside = ((slope == 0) & (above > 0)).any(axis=-1)
    length = jnp.linalg.norm(ray, axis=-1)[:, None]
    inside = (jnp.minimum(leave, 1.0) - jnp.maximum(enter, 0.0)) * length
    return ((inside > _GRAZE) & ~outside).any(axis=-1)


def _hidden(
    centres: jax.Array, radius: np.ndarray, points: jax.Array, ray: jax.Array
) -> jax.Array:
    """Whether a sphere (n, 3) lies on the way along rays (P, 3) from points (P, 3)."""
    to_centre = centres - points[:, None]
    squared = (ray * ray).sum(-1)[:, None]
    share = jnp.clip((to_centre * ray[:, None]).sum(-1) / squared, 0.0, 1.0)
    nearest = to_centre - share[..., None] * ray[:, None]
    return ((nearest * nearest).sum(-1) < radius**2).any(axis=-1)
