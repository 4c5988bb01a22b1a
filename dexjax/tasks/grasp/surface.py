"""An object's surface as it lies, seen from the hand.

A code says what an object is like in its own frame; how it lies is a quaternion beside
it. What matters to a grasp follows from both, but takes a network millions of steps to
find out: how far the object extends to every side, and where its surface is nearest to
fingertips and palm. Not in the paper.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

# Of an object's points that are looked at: a centimetre or so between them.
POINTS = 256
# (13, 3) unit vectors, world frame: to faces, edges and corners of a cube, one of each
# pair of opposites.
_CUBE = np.array(list(itertools.product((1, 0, -1), repeat=3))[:13], np.float32)
DIRECTIONS = _CUBE / np.linalg.norm(_CUBE, axis=1, keepdims=True)
SCALE = 10.0  # features are in units of 10 cm


def surface_features(
    points: jax.Array, centre: jax.Array, sites: jax.Array
) -> jax.Array:
    """Extents, then the way from every site to the nearest point, in 10 cm.

    Args:
        points: (P, 3) on the surface, world frame, m.
        centre: (3,) of the object, world frame, m.
        sites: (S, 3) on the hand, world frame, m.

    Returns:
        (26 + 3 S,): how far the object extends from its centre along `DIRECTIONS`, and
        against them; then vectors.
    """
    own = (points - centre).T
    ways = [nearest(points.T, site) for site in sites]
    return SCALE * jnp.concatenate([extents(own), *ways])


def nearest_points(points: jax.Array, sites: jax.Array) -> jax.Array:
    """Of points (P, 3) the one nearest to each of sites (S, 3), (S, 3)."""
    return jnp.stack([site + nearest(points.T, site) for site in sites])


def extents(points: jax.Array) -> jax.Array:
    """The largest component of points (3, P) along and against `DIRECTIONS`, (26,)."""
    along = jnp.asarray(DIRECTIONS) @ points
    return jnp.concatenate([along.max(axis=1), -along.min(axis=1)])


def nearest(points: jax.Array, site: jax.Array) -> jax.Array:
    """From a site (3,) to the nearest of points (3, P), (3,)."""
    way = points - site[:, None]
    squared = way[0] ** 2 + way[1] ** 2 + way[2] ** 2
    return way[:, squared.argmin()]
