"""Start states on the way to a grasp and to the goal: part of the work is done already.

A policy that never lifted an object by chance has nothing to learn from. Begun near a
grasp, or with the object in the hand, an episode needs luck for its last part alone,
and what is learned there spreads backwards to the usual start (Florensa et al. 2017,
reverse curriculum; Peng et al. 2018, reference state initialisation).
"""

from collections.abc import Iterator

import mujoco
import numpy as np

from dexjax import rotations
from dexjax.scene import Scene

DEPTH = 1e-3  # m, how far the hand may overlap anything
BACK = 0.1  # share of the way that a hand in the way goes back at a time
LIFT = 0.2  # m, highest that a grasped object is


def on_the_way(
    scene: Scene,
    qpos: np.ndarray,
    translation: np.ndarray,
    rotation: np.ndarray,
    joints: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Moves the hand of every start state along the straight way to a grasp.

    In half of the states by a share of the way drawn from all of it; where the hand
    would be in the object, the table or itself, it goes back until it is not. In the
    others the object is in the grasp, as far closed as nothing overlaps, somewhere
    between table and goal; grasps that do not come free of the object however far the
    fingers open are only approached.

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
    share = np.random.default_rng(seed).uniform(0.0, 2.0, size=qpos.shape[:2])
    return np.stack(
        [
            _one_object(scene, i, qpos[i].astype(float), goal[i], share[i])
            for i in range(len(qpos))
        ]
    ).astype(np.float32)


def _one_object(
    scene: Scene, index: int, start: np.ndarray, goal: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """States (count, nq): shares (count,) up to 1 of the way to a grasp, 2 lifted."""
    model = scene.models[index]
    data = mujoco.MjData(model)
    ours = ~np.isin(model.geom_bodyid, [0, model.body("object").id])

    def free(state: np.ndarray) -> bool:
        return _depth(model, data, state, ours) <= DEPTH

    def first_free(states: Iterator[np.ndarray]) -> np.ndarray | None:
        return next(filter(free, states), None)

    found = start.copy()
    for row, each in enumerate(share):
        state = None
        if each > 1.0:
            height = LIFT * (each - 1.0)
            state = first_free(_grasped(scene, start[row], goal[row], height))
        if state is None:
            part = each % 1.0
            state = first_free(_approaching(scene, start[row], goal[row], part))
        if state is not None:
            found[row] = state
    return found


def _approaching(
    scene: Scene, start: np.ndarray, goal: np.ndarray, share: float
) -> Iterator[np.ndarray]:
    """States (nq,) from a share of the way backwards; the fingers close late."""
    for part in np.arange(share, 0.0, -BACK):
        yield _blend(scene, start, goal, part, part**2)


def _grasped(
    scene: Scene, start: np.ndarray, goal: np.ndarray, height: float
) -> Iterator[np.ndarray]:
    """States (nq,) of hand and object so much higher, with ever wider fingers."""
    for closed in np.arange(1.0, 0.0, -BACK):
        state = _blend(scene, start, goal, 1.0, closed)
        for place in (scene.root_qpos, scene.object_qpos):
            state[place.start + 2] += height
        yield state


def _blend(
    scene: Scene, start: np.ndarray, goal: np.ndarray, share: float, closed: float
) -> np.ndarray:
    """A state (nq,) these shares of wrist and fingers on the way to another."""
    turn = slice(scene.root_qpos.start + 3, scene.root_qpos.stop)
    goal = goal.copy()
    goal[turn] *= 1.0 if start[turn] @ goal[turn] >= 0.0 else -1.0
    state = start + share * (goal - start)
    state[turn] /= np.linalg.norm(state[turn])
    fingers = scene.finger_qpos
    state[fingers] = start[fingers] + closed * (goal - start)[fingers]
    return state


def _depth(
    model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray, ours: np.ndarray
) -> float:
    """How deep any of our geoms (ngeom,) bool is in anything, m."""
    data.qpos[:] = qpos
    mujoco.mj_fwdPosition(model, data)
    touching = ours[data.contact.geom].any(axis=1)
    return float(-data.contact.dist[touching].min(initial=0.0))
