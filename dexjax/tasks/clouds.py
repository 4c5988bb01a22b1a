"""What policies see of an object's surface: points, of all or one side.

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
from dexjax.tasks import surface
from dexjax.tasks.observations import SURFACE, VISION, Sensed

POINTS = 512
# (2, 3) m, world frame: to the right and left before the table; the first is the camera
# "main" of the scene.
CAMERAS = np.array([[0.46, -0.58, 0.42], [0.46, 0.58, 0.42]], np.float32)
# m, between the spheres that stand for a capsule of the hand.
_SPACING = 0.012
# m; a ray may run through so much of a hull: its own, at a grazing angle.
_GRAZE = 0.003


# (object, sensed, root pose (7,)) -> (P, 3) points, world frame; None without a cloud.
Cloud = Callable[[jax.Array, Sensed, jax.Array], jax.Array | None]


def cloud_of(kind: str, hand: Hand, objects: ObjectSet) -> Cloud:
    """The points that an observation of some kind is made of, a pure function.

    Args:
        kind: one of `OBSERVATIONS`.
        hand: that may hide points.
        objects: whose surfaces are seen.
    """
    if kind != SURFACE and kind not in VISION:
        return lambda index, sensed, root: None
    hidden = kind == "seen-points"
    body = bodies(objects, hidden)
    visible = seen(hand) if hidden else None

    def cloud(index: jax.Array, sensed: Sensed, root: jax.Array) -> jax.Array:
        own = jax.tree.map(lambda x: x[index], body)
        pose = sensed.object_pos, sensed.object_quat
        if kind == SURFACE:
            return placed(own.points[: surface.POINTS], *pose)
        points = placed(own.points, *pose)
        if visible is None:
            return points
        shown = visible(own, *pose, root[:3], root[3:], sensed.joint_pos)
        return stand_in(points, shown)

    return cloud


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
        hiding = jnp.concatenate([hiding, spheres.radius[:, None]], axis=1)
        points = body.points.T

        def by(camera: jax.Array) -> jax.Array:
            ray = camera[:, None] - points
            assert body.solid is not None
            hidden = _through(body.solid, points, ray) | _hidden(hiding, points, ray)
            return (_dot(ray, body.normals.T) > 0) & ~hidden

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


# Both loops below go over few things and have the points as the innermost dimension:
# compiled for a CPU that is far faster than reductions over all at once.


def _through(solid: Solid, points: jax.Array, ray: jax.Array) -> jax.Array:
    """Whether rays (3, P) from points (3, P) run through a hull (Cyrus and Beck)."""
    length = jnp.sqrt(_dot(ray, ray))

    def hull(hit: jax.Array, planes: jax.Array) -> tuple[jax.Array, None]:
        enter, leave = jnp.zeros_like(length), jnp.ones_like(length)
        for plane in planes:
            above, slope = _dot(points, plane) + plane[3], _dot(ray, plane)
            # A ray along a plane leaves it at once, or never.
            slope = jnp.where(jnp.abs(slope) < 1e-12, 1e-12, slope)
            crossing = -above / slope
            enter = jnp.where(slope < 0, jnp.maximum(enter, crossing), enter)
            leave = jnp.where(slope > 0, jnp.minimum(leave, crossing), leave)
        return hit | ((leave - enter) * length > _GRAZE), None

    return jax.lax.scan(hull, jnp.zeros_like(length, bool), solid.planes)[0]


def _hidden(spheres: jax.Array, points: jax.Array, ray: jax.Array) -> jax.Array:
    """Whether a sphere, of (n, 4) centre and radius, lies on the way along rays (3, P).

    Args:
        spheres: m.
        points: (3, P) where the rays begin, m.
        ray: to where they end.
    """
    squared = _dot(ray, ray)

    def sphere(hit: jax.Array, each: jax.Array) -> tuple[jax.Array, None]:
        to_centre = each[:3, None] - points
        share = jnp.clip(_dot(to_centre, ray) / squared, 0.0, 1.0)
        nearest = to_centre - share * ray
        return hit | (_dot(nearest, nearest) < each[3] ** 2), None

    return jax.lax.scan(sphere, jnp.zeros_like(squared, bool), spheres)[0]


def _dot(a: jax.Array, b: jax.Array) -> jax.Array:
    """Scalar products of vectors (3, …), term by term."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
