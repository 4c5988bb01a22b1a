"""Trying in-hand grasps out: does the object come to rest between the fingers?"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax.grasps.sets.palm import finger_of_geoms, near_turns, palm_pose
from dexjax.physics.engine import Engine
from dexjax.scene import Scene

RAMP = 3  # control steps in which the fingers go to their new targets
HOLD = 8  # control steps for which the object must then be held
_LOOKED = 3  # the last of them, in which it must not move
MOVED_M, MOVED_RAD = 0.001, 0.02
NEAR_M = 0.07  # of the palm's centre
FINGERS = 2  # that must touch at least
DEPTH_M = 0.001  # of the deepest contact
# What holds is turned by 45 degrees two ways, for so many control steps each, in which
# the object moves by so much at most.
TILTS, _TILTED = 2, 5
_SLIPPED_M, _SLIPPED_RAD = 0.005, 0.15


class Grasps(NamedTuple):
    """n grasps as the simulation has them.

    Attributes:
        model: (n,) int, of the scene.
        qpos: (n, nq) hand and object.
        targets: (n, actuated) rad, that the fingers are driven to.
    """

    model: np.ndarray
    qpos: np.ndarray
    targets: np.ndarray

    def subset(self, which: np.ndarray) -> "Grasps":
        """Those of some indices, or of a mask."""
        return Grasps(self.model[which], self.qpos[which], self.targets[which])

    @staticmethod
    def joined(parts: list["Grasps"]) -> "Grasps":
        """One after another."""
        return Grasps(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


class Tried(NamedTuple):
    """What became of n grasps.

    Attributes:
        grasps: at the end.
        rests: (n,) whether the object lies still near the palm.
        steady: (n,) whether it hardly moves when the palm is turned by 45 degrees.
        touching: (n, fingers + 1) bool, the palm last.
        depth: (n,) m, of the deepest contact; only of those at rest.
        valid: (n,) at rest and steady, touched by enough fingers and by none too deep.
    """

    grasps: Grasps
    rests: np.ndarray
    steady: np.ndarray
    touching: np.ndarray
    depth: np.ndarray
    valid: np.ndarray

    def subset(self, which: np.ndarray) -> "Tried":
        """Those of some indices, or of a mask."""
        return Tried(self.grasps.subset(which), *(part[which] for part in self[1:]))


Trial = Callable[[Grasps, np.ndarray], Tried]


def make_trial(engine: Engine, ramp: int = RAMP, hold: int = HOLD) -> Trial:
    """A function that drives fingers to new targets and looks what becomes of it.

    Args:
        engine: of a scene with a fixed palm, see palm.py.
        ramp: control steps until the fingers have their new targets.
        hold: control steps after that.

    Returns:
        fn(grasps, targets (n, actuated)) -> Tried.
    """
    scene = engine.scene
    centre, _ = palm_pose(scene)
    place = scene.object_qpos
    run, near = _simulation(engine, ramp, hold), near_turns(scene)

    def trial(grasps: Grasps, targets: np.ndarray) -> Tried:
        # Neighbours take turns.
        number = np.arange(len(targets))[:, None] + np.arange(TILTS)
        turned = np.take_along_axis(near[grasps.model], number % near.shape[1], axis=1)
        arrays = run(grasps.model, grasps.qpos, grasps.targets, targets, turned)
        before, after, tilted = (np.asarray(array) for array in arrays)
        rests = lies_still(before[:, place], after[:, place], centre)
        moved, slipped = apart(after[:, place], tilted[..., place])
        kept = (moved <= _SLIPPED_M) & (slipped <= _SLIPPED_RAD)
        steady = np.all(kept, axis=0)
        touching, depth = touches(scene, grasps.model, after, rests)
        enough = touching[:, :-1].sum(axis=1) >= FINGERS
        end = Grasps(grasps.model, after, np.asarray(targets, np.float32))
        valid = rests & steady & enough & (depth <= DEPTH_M)
        return Tried(end, rests, steady, touching, depth, valid)

    return trial


def _simulation(engine: Engine, ramp: int, hold: int) -> Callable:
    """Steps worlds; gives `qpos` shortly before the end, at it, and turned then."""
    shares = jnp.clip((jnp.arange(ramp + hold) + 1) / max(ramp, 1), 0.0, 1.0)

    @jax.jit
    def run(model, qpos, start, targets, turned):
        still = jnp.zeros((len(model), engine.scene.model.nv))
        worlds = jax.vmap(engine.reset)(qpos, still, model)

        def step(worlds, share):
            ctrl = start + share * (targets - start)
            return jax.vmap(engine.step)(worlds, ctrl), None

        almost, _ = jax.lax.scan(step, worlds, shares[:-_LOOKED])
        end, _ = jax.lax.scan(step, almost, shares[-_LOOKED:])

        def tilt(_, other):
            own = end._replace(object_id=other)
            return None, jax.lax.scan(step, own, jnp.ones(_TILTED))[0].qpos

        return almost.qpos, end.qpos, jax.lax.scan(tilt, None, turned.T)[1]

    return run


def lies_still(before: np.ndarray, after: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Whether objects have hardly moved and are near the palm, (n,) bool.

    Args:
        before: (n, 7) position m and quaternion wxyz, world.
        after: the same, a little later.
        centre: (3,) m, of the palm.
    """
    moved, turned = apart(before, after)
    away = np.linalg.norm(after[:, :3] - centre, axis=1)
    # What diverged compares as False.
    return (moved <= MOVED_M) & (turned <= MOVED_RAD) & (away <= NEAR_M)


def apart(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far poses (…, 7) are apart: m and rad."""
    moved = np.linalg.norm(one[..., :3] - other[..., :3], axis=-1)
    same = np.abs(np.sum(one[..., 3:] * other[..., 3:], axis=-1))
    return moved, 2.0 * np.arccos(np.clip(same, 0.0, 1.0))


def touches(
    scene: Scene, model: np.ndarray, qpos: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which fingers touch the object, and how deep the deepest contact is.

    By MuJoCo C, whatever the engine was.

    Args:
        scene: of a fixed palm.
        model: (n,) of the scene.
        qpos: (n, nq).
        wanted: (n,) which of them; others touch nothing.

    Returns:
        touching (n, fingers + 1) bool, the palm last, and depth (n,) m.
    """
    finger, body = finger_of_geoms(scene), scene.model.body("object").id
    touching = np.zeros((len(model), len(scene.hand.fingertips) + 1), bool)
    depth = np.zeros(len(model))
    data = mujoco.MjData(scene.model)
    for i in np.flatnonzero(wanted):
        own = scene.models[model[i]]
        data.qpos[:] = qpos[i]
        mujoco.mj_kinematics(own, data)
        mujoco.mj_comPos(own, data)
        mujoco.mj_collision(own, data)
        geoms = data.contact.geom
        held = (own.geom_bodyid[geoms] == body).any(axis=1)
        touched = finger[geoms].max(axis=1)[held]
        touching[i, touched[touched >= 0]] = True
        depth[i] = max(0.0, -data.contact.dist.min(initial=0.0))
    return touching, depth
