"""Start states near a grasp: part of the work is done already.

A policy that never lifted an object by chance has nothing to learn from. Begun near a
grasp, or with the object in the hand, an episode needs luck for its last part alone,
and what is learned there spreads backwards to the usual start (Florensa et al. 2017,
reverse curriculum; Peng et al. 2018, reference state initialisation).
"""

import itertools
from collections.abc import Iterator

import mujoco
import numpy as np

from dexjax import rotations
from dexjax.scene import Scene

DEPTH = 2e-3  # m, how far the hand may be in the object or the table
STEP = 2e-3  # m that a hand in the way goes back at a time
OPEN = 0.05  # m before the grasp the fingers are open as at the usual start
FARTHEST = 0.1  # m before the grasp
LOOSEST = 0.02  # m before the grasp: no farther with the object in the hand
LIFT = 0.2  # m, highest that a grasped object is


def near_grasps(
    scene: Scene,
    qpos: np.ndarray,
    translation: np.ndarray,
    rotation: np.ndarray,
    joints: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Moves the hand of every start state near a grasp.

    In half of the states up to 10 cm before it, away from the object, the fingers the
    more open the farther. In the others the grasp is closed as far as nothing overlaps
    and the object somewhere between table and goal. A hand that would be in the object,
    the table goes back until it is not; where that never is, the usual start stays.
    Fingers may overlap one another: they push themselves apart.

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
    offset = np.asarray(rotations.rotate(place[..., 3:], translation))
    quat = np.asarray(rotations.multiply(place[..., 3:], rotation))
    goal = qpos.astype(float)
    pos = place[..., :3] + offset
    goal[..., scene.root_qpos] = np.concatenate([pos, quat], axis=-1)
    goal[..., scene.finger_qpos] = joints
    centre = np.asarray(rotations.rotate(quat, scene.hand.palm_center))
    away = offset + centre
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    share = np.random.default_rng(seed).uniform(size=qpos.shape[:2])
    lifted = np.arange(qpos.shape[1]) % 2 == 1
    return np.stack(
        [
            _one_object(scene, i, qpos[i].astype(float), goal[i], away[i], own, lifted)
            for i, own in enumerate(share)
        ]
    ).astype(np.float32)


def _one_object(
    scene: Scene,
    index: int,
    start: np.ndarray,
    goal: np.ndarray,
    away: np.ndarray,
    share: np.ndarray,
    lifted: np.ndarray,
) -> np.ndarray:
    """States (count, nq) with shares (count,) of the largest distance or height."""
    model = scene.models[index]
    data = mujoco.MjData(model)
    ours = ~np.isin(model.geom_bodyid, [0, model.body("object").id])
    found = start.copy()
    for row, each in enumerate(share):
        ways = [_retreat(scene, start[row], goal[row], away[row], FARTHEST * each, 0.0)]
        if lifted[row]:
            ways.insert(
                0, _retreat(scene, start[row], goal[row], away[row], 0.0, LIFT * each)
            )
        for state in itertools.chain(*ways):
            if _depth(model, data, state, ours) <= DEPTH:
                found[row] = state
                break
    return found


def _retreat(
    scene: Scene,
    start: np.ndarray,
    goal: np.ndarray,
    away: np.ndarray,
    back: float,
    height: float,
) -> Iterator[np.ndarray]:
    """States (nq,) ever farther before a grasp, hand and object so much higher."""
    fingers, root, thing = scene.finger_qpos, scene.root_qpos, scene.object_qpos
    for distance in np.arange(back, LOOSEST if height else FARTHEST, STEP):
        state = goal.copy()
        state[root.start : root.start + 3] += distance * away
        state[[root.start + 2, thing.start + 2]] += height
        opened = min(distance / OPEN, 1.0)
        state[fingers] += opened * (start - goal)[fingers]
        yield state


def _depth(
    model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray, ours: np.ndarray
) -> float:
    """How deep any of our geoms (ngeom,) bool is in another, m."""
    data.qpos[:] = qpos
    mujoco.mj_fwdPosition(model, data)
    one, other = ours[data.contact.geom].T
    return float(-data.contact.dist[one != other].min(initial=0.0))
