"""What policies see of an object's surface: points, of all or one side.

The whole cloud is the paper's (ResDex, section 3.4: 512 points on the mesh). A point of
the other kind is seen by at least one of two fixed cameras. A cloud has the same number
of points in any case: seen points stand in for those that are not.
"""

from collections.abc import Callable, Set

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.hands import Hand
from dexjax.objects.object_set import ObjectSet
from dexjax.render.visible_points import bodies, visibility
from dexjax.scene.cameras import camera
from dexjax.tasks.grasp import surface
from dexjax.tasks.grasp.observations import (
    POINT_COUNT,
    POINTS,
    SEEN_POINTS,
    SURFACE,
    Sensed,
)

# (2, 3) m, world frame: to the right and left before the table.
CAMERAS = np.array([camera(name).position for name in ("main", "left")], np.float32)

# (observation, object, sensed, root pose (7,)) -> (P, 3) points, world frame, m.
Cloud = Callable[[str, jax.Array, Sensed, jax.Array], jax.Array]


def make_cloud(names: Set[str], hand: Hand, objects: ObjectSet) -> Cloud:
    """The points that observations are made of, a pure function.

    Args:
        names: of observations; only of these can the points be asked for.
        hand: that may hide points.
        objects: whose surfaces are seen.
    """
    if not names & {SURFACE, POINTS, SEEN_POINTS}:
        return _nothing
    hidden = SEEN_POINTS in names
    body = bodies(objects, POINT_COUNT, hidden)
    visible = visibility(hand, CAMERAS) if hidden else None

    def cloud(
        name: str, index: jax.Array, sensed: Sensed, root: jax.Array
    ) -> jax.Array:
        own = jax.tree.map(lambda x: x[index], body)
        pose = sensed.object_pos, sensed.object_quat
        if name == SURFACE:
            return placed(own.points[: surface.POINTS], *pose)
        points = placed(own.points, *pose)
        if name == POINTS:
            return points
        assert visible is not None
        shown = visible(own, *pose, root[:3], root[3:], sensed.joint_pos)
        return stand_in(points, shown)

    return cloud


def _nothing(name: str, index: jax.Array, sensed: Sensed, root: jax.Array) -> jax.Array:
    raise AssertionError(f"no points were made for {name!r}")


def placed(points: jax.Array, pos: jax.Array, quat: jax.Array) -> jax.Array:
    """Points (P, 3) of an object's frame in the world frame."""
    return pos + rotations.rotate(quat, points)


def stand_in(points: jax.Array, visible: jax.Array) -> jax.Array:
    """The visible ones of points (P, 3), each as often as it takes to make P.

    If none is visible all are at their own mean: nothing but a place is known.
    """
    chances = jnp.cumsum(visible)
    level = (jnp.arange(len(points)) + 0.5) / len(points) * chances[-1]
    chosen = jnp.minimum(jnp.searchsorted(chances, level), len(points) - 1)
    blind = jnp.broadcast_to(points.mean(axis=0), points.shape)
    return jnp.where(chances[-1] > 0, points[chosen], blind)
