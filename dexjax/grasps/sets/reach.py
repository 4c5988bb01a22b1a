"""Inverse kinematics: joints that bring fingertips to points.

All in the palm's frame, as in `dexjax.hands.finger_state`.
"""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax.grasps.energy import all_joints
from dexjax.hands import Hand
from dexjax.hands.finger_state import finger_keypoints

STEPS = 16
_DAMPING_M = 0.01  # of a step; the larger, the shorter near a stretched finger
_STEP_RAD = 0.3  # longest step of a joint


Reach = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[jax.Array, jax.Array]]


def tip_radii(hand: Hand) -> np.ndarray:
    """How far each fingertip's site is below the finger's surface, (F,) m; at least 0.

    The geoms of its body are looked at as spheres and capsules.
    """
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    radii = np.zeros(len(hand.fingertips))
    for number, tip in enumerate(hand.fingertips):
        site = model.site(tip)
        for geom in np.flatnonzero(model.geom_bodyid == site.bodyid[0]):
            if model.geom_contype[geom]:
                below = _below(model, int(geom), site.pos)
                radii[number] = max(radii[number], below)
    return radii


def _below(model: mujoco.MjModel, geom: int, point: np.ndarray) -> float:
    """How far a point (3,) of a geom's body is below the geom's surface, m."""
    radius, half, _ = model.geom_size[geom]
    capsule = model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE
    axis = np.zeros(3)
    mujoco.mju_rotVecQuat(axis, np.array([0.0, 0, 1]), model.geom_quat[geom])
    half = half if capsule else 0.0
    away = point - model.geom_pos[geom]
    along = np.clip(away @ axis, -half, half)
    return float(radius - np.linalg.norm(away - along * axis))


def tip_positions(hand: Hand) -> Callable[[jax.Array], jax.Array]:
    """A function actuated (A,) rad -> fingertips (F, 3) m; coupled joints follow."""
    tips, joints = finger_keypoints(hand, 1), all_joints(hand)
    return lambda actuated: tips(joints(actuated))


def make_reach(hand: Hand, finger: np.ndarray, steps: int = STEPS) -> Reach:
    """A function that bends fingers to points by damped least squares.

    dq = J^T (J J^T + d^2 I)^-1 (point - tip) of each finger, within the joints' limits.

    Args:
        hand: F fingers.
        finger: (A,) which finger each actuated joint moves, alone.
        steps: of length dq.

    Returns:
        fn(start (n, A) rad, points (n, F, 3) m, used (n, F) bool) -> actuated joints
        (n, A) rad, and how far the tips of the used fingers are from their points at
        most, (n,) m. Fingers that are not used stay.
    """
    tips = tip_positions(hand)
    low, high = hand.joint_range[hand.actuated_index].T
    # The k-th joints of all fingers at once: none of them moves another's tip.
    number = np.array([(finger[:a] == finger[a]).sum() for a in range(len(finger))])
    together = np.eye(number.max() + 1)[:, number]
    damping = _DAMPING_M**2 * jnp.eye(3)

    def one(start: jax.Array, points: jax.Array, used: jax.Array):
        def step(actuated: jax.Array, _: None):
            at, move = jax.linearize(tips, actuated)
            slope = jax.vmap(move, out_axes=2)(jnp.asarray(together, at.dtype))
            error = (points - at) * used[:, None]
            damped = slope @ slope.swapaxes(1, 2) + damping
            solved = jnp.linalg.solve(damped, error[..., None])
            change = (slope * solved).sum(axis=1)[finger, number]
            change = jnp.clip(change, -_STEP_RAD, _STEP_RAD)
            return jnp.clip(actuated + change, low, high), None

        end, _ = jax.lax.scan(step, start, None, steps)
        away = jnp.linalg.norm(points - tips(end), axis=1)
        return end, (away * used).max()

    return jax.jit(jax.vmap(one))


def nearest_fingers(
    tips: np.ndarray, points: np.ndarray, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gives every point a finger of its own, the nearest ones together.

    Args:
        tips: (n, F, 3) m, of the fingertips.
        points: (n, K, 3) m, with K <= F.
        there: (n, K) bool, which points there are.

    Returns:
        (n, K) int, of the K fingers whose ways are shortest in sum; a point that is not
        there has one too. And their mean way, (n,) m.
    """
    ways = np.linalg.norm(points[:, :, None] - tips[:, None], axis=-1)
    ways = ways * there[..., None]
    most, fingers = ways.shape[1:]
    choices = np.array(list(itertools.permutations(range(fingers), most)))
    sums = ways[:, np.arange(most), choices].sum(axis=-1)
    return choices[sums.argmin(axis=1)], sums.min(axis=1) / there.sum(axis=1)
