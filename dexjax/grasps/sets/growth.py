"""Growing a set: seeds by closing the fingers at random, then walks from what holds.

DexterityGen (section III-A) grows its sets by RRT, where every new node is mended until
it is free of collisions. Here a simulated step is the mending: fingers of a grasp are
sent to targets nearby, and where the object comes to rest again is a new grasp, which
the hand can go to from the old one.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.grasps.sets.palm import palm_pose
from dexjax.grasps.sets.trial import Grasps
from dexjax.scene import Scene

# A walk moves each finger with this chance, by a normal angle of one of these spreads.
MOVES, SPREADS_RAD = 0.6, (0.1, 0.2, 0.35)
# rad, targets are so near to where the joints are: further would only press harder.
LEAD_RAD = 0.5
SEED_SPREAD_M = 0.012  # of an object's place about the palm's centre
# Cells in which grasps are counted, so that all places and turns become as frequent.
CELL_M, CELL_RAD = 0.01, 0.5


def random_seeds(
    scene: Scene, model: np.ndarray, rng: np.random.Generator
) -> tuple[Grasps, np.ndarray]:
    """Open hands with an object anywhere in them, and targets that close the fingers.

    Args:
        scene: of a fixed palm.
        model: (n,) of the scene.
        rng: draws places, turns and targets.

    Returns:
        Grasps to start from and targets (n, actuated) rad.
    """
    count, hand = len(model), scene.hand
    centre, _ = palm_pose(scene)
    low, high = hand.joint_range[hand.actuated_index].T
    qpos = np.tile(scene.model.qpos0, (count, 1))
    qpos[:, scene.finger_qpos] = hand.poses["open"]
    place = scene.object_qpos.start
    qpos[:, place : place + 3] = centre + rng.normal(0, SEED_SPREAD_M, (count, 3))
    turns = Rotation.random(count, rng).as_quat(scalar_first=True)
    qpos[:, place + 3 : place + 7] = turns
    start = np.tile(hand.poses["open"][hand.actuated_index], (count, 1))
    targets = low + (high - low) * rng.beta(2, 2, (count, len(low)))
    return Grasps(model, qpos, start), targets


def walk_targets(
    scene: Scene, grasps: Grasps, finger: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Targets (n, actuated) rad near those of grasps, some of the fingers moved.

    Args:
        scene: of a fixed palm.
        grasps: n of them.
        finger: (actuated,) which finger each joint is of.
        rng: draws fingers and angles.
    """
    hand, count = scene.hand, len(grasps.model)
    low, high = hand.joint_range[hand.actuated_index].T
    moves = rng.random((count, finger.max() + 1)) < MOVES
    spread = rng.choice(SPREADS_RAD, (count, 1))
    change = moves[:, finger] * rng.normal(0, spread, (count, len(finger)))
    joints = grasps.qpos[:, scene.finger_qpos][:, hand.actuated_index]
    targets = np.clip(grasps.targets + change, joints - LEAD_RAD, joints + LEAD_RAD)
    return np.clip(targets, low, high)


def cells_of(scene: Scene, grasps: Grasps) -> np.ndarray:
    """Which cell of models, places and turns each grasp is in, (n,) int.

    Cells are numbered as they come; two grasps of one cell have the same number.
    """
    place = scene.object_qpos.start
    where = np.round(grasps.qpos[:, place : place + 3] / CELL_M)
    quat = grasps.qpos[:, place + 3 : place + 7]
    turn = Rotation.from_quat(quat, scalar_first=True).as_rotvec()
    key = np.column_stack([grasps.model, where, np.round(turn / CELL_RAD)])
    return np.unique(key.astype(np.int64), axis=0, return_inverse=True)[1].ravel()


def choose_parents(
    scene: Scene,
    grasps: Grasps,
    wanted: np.ndarray,
    lacking: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Indices (count,) of grasps to walk from: of a model all cells as often.

    Args:
        scene: of a fixed palm.
        grasps: all that there are.
        wanted: (n,) bool, which of them may be chosen.
        lacking: (models,) how many grasps each set lacks: as often it is chosen, so
            that all are full at about the same time.
        count: how many are chosen, with replacement; none if none may be.
        rng: draws them.
    """
    rows = np.flatnonzero(wanted & (lacking[grasps.model] > 0))
    if not len(rows):
        return rows
    own = grasps.subset(rows)
    cell = cells_of(scene, own)
    weight = 1.0 / np.bincount(cell)[cell]
    weight *= lacking[own.model] / np.bincount(own.model, weight)[own.model]
    return rows[rng.choice(len(rows), count, p=weight / weight.sum())]
