"""Which points of an object the cameras see: rays through hulls and a hand's spheres.

A point is seen by a camera if nothing of the object and no link of the hand lies on the
way to it.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.contact_geometry import hand_spheres, place
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.solid import Solid, make_solid

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


def bodies(objects: ObjectSet, points: int, hidden: bool = True) -> Body:
    """The bodies of all objects of a set, stacked.

    Args:
        objects: the set.
        points: of each that are looked at.
        hidden: whether anything is to be hidden: planes of thousands of hulls take a
            while.
    """
    solid = None
    if hidden:
        hulls = objects.hulls.shape[1]
        planes = [make_solid(objects, i, hulls).planes for i in range(len(objects))]
        solid = Solid(jnp.stack(planes))
    return Body(
        jnp.asarray(objects.points[:, :points]),
        jnp.asarray(objects.normals[:, :points]),
        solid,
    )


def visibility(
    hand: Hand, cameras: np.ndarray
) -> Callable[[Body, jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]:
    """A pure function that says which points of an object the cameras see.

    Args:
        hand: that may hide points.
        cameras: (C, 3) their places, world frame, m.

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
        eyes = rotations.rotate(back, cameras - object_pos)
        hiding = rotations.rotate(back, centres - object_pos)
        hiding = jnp.concatenate([hiding, spheres.radius[:, None]], axis=1)
        points = body.points.T

        def by(camera: jax.Array) -> jax.Array:
            ray = camera[:, None] - points
            assert body.solid is not None
            hidden = _through(body.solid, points, ray) | _hidden(hiding, points, ray)
            return (_dot(ray, body.normals.T) > 0) & ~hidden

        return jax.vmap(by)(eyes).any(axis=0)

    return visible


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
