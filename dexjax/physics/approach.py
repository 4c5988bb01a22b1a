"""Start states on the way to a grasp: the hand has come nearer the object already.

A policy that never lifted an object by chance has nothing to learn from. Begun near a
grasp, an episode needs luck for its last part alone, and what is learned there spreads
backwards to the usual start (Florensa et al. 2017, reverse curriculum; Peng et al.
2018, reference state initialisation).
"""

import mujoco
import numpy as np

from dexjax import rotations
from dexjax.scene import Scene

DEPTH = 1e-3  # m, how far the hand may overlap anything
BACK = 0.1  # share of the way that a hand in the way goes back at a time


def on_the_way(
    scene: Scene,
    qpos: np.ndarray,
    translation: np.ndarray,
    rotation: np.ndarray,
    joints: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Moves the hand of every start state along the straight way to a grasp.

    By a share of the way drawn from all of it; where the hand would be in the object,
    the table or itself, it goes back until it is not.

    Args:
        scene: n objects.
        qpos: (n, count, nq) start states.
        translation: (n, count, 3) m, hand root in the object frame.
        rotation: (n, count, 4) wxyz, hand root in the object frame.
        joints: (n, count, joints) rad.
        seed: of the draw.

    Returns:
        qpos (n, count, nq), float32.
    """
    place = qpos[..., scene.object_qpos].astype(float)
    pos = place[..., :3] + np.asarray(rotations.rotate(place[..., 3:], translation))
    quat = np.asarray(rotations.multiply(place[..., 3:], rotation))
    goal = qpos.astype(float)
    goal[..., scene.root_qpos] = np.concatenate([pos, quat], axis=-1)
    goal[..., scene.finger_qpos] = joints
    share = np.random.default_rng(seed).uniform(size=qpos.shape[:2])
    return np.stack(
        [
            _before_contact(scene, i, qpos[i].astype(float), goal[i], share[i])
            for i in range(len(qpos))
        ]
    ).astype(np.float32)


def _before_contact(
    scene: Scene, index: int, start: np.ndarray, goal: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """States (count, nq) of one object, moved by at most these shares (count,)."""
    model = scene.models[index]
    data = mujoco.MjData(model)
    ours = ~np.isin(model.geom_bodyid, [0, model.body("object").id])
    found = start.copy()
    for row in range(len(start)):
        for part in np.arange(share[row], 0.0, -BACK):
            state = _blend(scene, start[row], goal[row], part)
            if _depth(model, data, state, ours) <= DEPTH:
                found[row] = state
                break
    return found


def _blend(
    scene: Scene, start: np.ndarray, goal: np.ndarray, share: float
) -> np.ndarray:
    """A state (nq,) a share of the way from one to another; fingers close late."""
    turn = slice(scene.root_qpos.start + 3, scene.root_qpos.stop)
    goal = goal.copy()
    goal[turn] *= 1.0 if start[turn] @ goal[turn] >= 0.0 else -1.0
    state = start + share * (goal - start)
    fingers = scene.finger_qpos
    state[fingers] = start[fingers] + share**2 * (goal - start)[fingers]
    state[turn] /= np.linalg.norm(state[turn])
    return state


def _depth(
    model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray, ours: np.ndarray
) -> float:
    """How deep any of our geoms (ngeom,) bool is in anything, m."""
    data.qpos[:] = qpos
    mujoco.mj_fwdPosition(model, data)
    touching = ours[data.contact.geom].any(axis=1)
    return float(-data.contact.dist[touching].min(initial=0.0))
