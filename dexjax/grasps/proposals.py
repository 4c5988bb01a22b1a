"""Grasp proposals of many objects: found by energy, tried out, the best ones kept."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.grasps.energy import Table, penetration, rest_table
from dexjax.grasps.opposition import Surface
from dexjax.grasps.synthesis import Grasps, make_synthesis
from dexjax.grasps.validation import closing_targets, make_trial
from dexjax.hands.hand import WRIST_ACTIONS
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.solid import Solid, make_solid
from dexjax.physics.engine import Engine

# N, on either side: what a light thing is squeezed with, and at most.
_PRESS = (10.0, 20.0)
# Times what friction would need to carry the object's weight.
_SAFETY = 2.0
_GRAVITY = 9.81


class Tried(NamedTuple):
    """Grasps of some objects and what became of them; arrays (objects, grasps, …).

    Attributes:
        grasps: as they were found.
        held: (objects, grasps, 6) bool, one for each direction of gravity.
        slip: (objects, grasps, 6) m.
        depth: (objects, grasps) m, of the deepest point of the hand in the object.
    """

    grasps: Grasps
    held: np.ndarray
    slip: np.ndarray
    depth: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """(objects, grasps) bool: held whichever way gravity pulls."""
        return np.asarray(self.held.all(axis=-1))


def squeeze(objects: ObjectSet) -> np.ndarray:
    """(objects,) N with which either side presses: more on heavy, slippery things."""
    needed = objects.mass * _GRAVITY / (2 * objects.friction)
    return np.clip(_SAFETY * needed, *_PRESS).astype(np.float32)


def make_proposer(
    engine: Engine, count: int
) -> Callable[[jax.Array, np.ndarray], Tried]:
    """A function that finds and tries out grasps.

    Args:
        engine: over a scene that holds the objects, with servos at the wrist.
        count: grasps of each object.

    Returns:
        fn(key, indices (n,) of objects) -> `Tried` (n, count, …); any other n compiles
        anew.
    """
    scene = engine.scene
    over_grasps = jax.vmap(make_synthesis(scene.hand), (0, None, None, None))
    find, try_out = jax.jit(jax.vmap(over_grasps)), make_tester(engine)

    def propose(key: jax.Array, indices: np.ndarray) -> Tried:
        keys = jax.random.split(key, (len(indices), count))
        return try_out(find(keys, *_places(scene.objects, indices)), indices)

    return propose


def make_tester(engine: Engine) -> Callable[[Grasps, np.ndarray], Tried]:
    """A function that tries grasps out, wherever they are from.

    Args:
        engine: see `make_proposer`.

    Returns:
        fn(grasps (n, count, …), indices (n,) of their objects) -> `Tried`.
    """
    scene = engine.scene
    hand, objects = scene.hand, scene.objects
    press = squeeze(objects)
    stiffness = float(scene.model.actuator_gainprm[WRIST_ACTIONS, 0])
    close = jax.vmap(closing_targets(hand, stiffness), (0, None, None))
    close = jax.jit(jax.vmap(close))
    depth = jax.jit(jax.vmap(jax.vmap(penetration(hand), (0, None))))
    trial = jax.jit(jax.vmap(jax.vmap(make_trial(engine))))

    def try_out(grasps: Grasps, indices: np.ndarray) -> Tried:
        solids = _solids(objects, indices)
        targets = close(grasps.pose, solids, press[indices])
        ids = np.asarray(indices, np.int32)[:, None]
        ids = np.broadcast_to(ids, grasps.joints.shape[:2])
        pose = grasps.pose
        found = trial(pose.translation, pose.rotation, grasps.joints, targets, ids)
        deep = depth(pose, solids)
        return jax.device_get(Tried(grasps, found.held, found.slip, deep))

    return try_out


def best(tried: Tried, keep: int) -> np.ndarray:
    """(objects, keep) indices: the valid grasps first, each kind by its energy."""
    order = np.where(tried.valid, 0.0, 1e6) + np.asarray(tried.grasps.energy)
    return np.argsort(order, axis=1)[:, :keep]


def _places(objects: ObjectSet, indices: np.ndarray) -> tuple[Solid, Surface, Table]:
    """What the energy needs of every object, stacked."""
    points, normals = objects.points[indices], objects.normals[indices]
    tables = [rest_table(objects.rest_quat[i], objects.rest_height[i]) for i in indices]
    table = jax.tree.map(lambda *parts: jnp.stack(parts), *tables)
    surface = Surface(jnp.asarray(points), jnp.asarray(normals))
    return _solids(objects, indices), surface, table


def _solids(objects: ObjectSet, indices: np.ndarray) -> Solid:
    """The hulls of objects, stacked."""
    hulls = objects.hulls.shape[1]
    planes = [make_solid(objects, int(i), hulls).planes for i in indices]
    return Solid(jnp.stack(planes))
