"""The ResDex rewards as named terms (facts from the paper's appendix).

"base" trains base policies, "stage1" and "stage2" hyper-policies. "full-pose" is the
ablation of the paper's Figure 2: the base reward with the whole grasp proposal, wrist
and joints as in stage 1, in the place of its joint angles.

Distances: d_h object - palm, d_f summed over the fingertips, d_g object - goal, all
in m. A term is logged under its name before its scale is applied.

The paper measures d_h and d_f to the object's centre, where no palm can be that holds
a plate by its rim. They can be measured to the nearest of its surface instead; the
limits, which stay the paper's, are then looser where an object is large.

The paper's weights and limits are for the five fingertips and 22 joints of the
ShadowHand. For a hand with other numbers of them the sums over fingertips and joints
are scaled to these numbers, so that weights and limits keep their meaning.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.tasks.grasp.observations import Sensed

REWARDS = ("base", "full-pose", "stage1", "stage2")
# Of the object, to which the hand's distances are measured.
NEAR_TO = ("centre", "surface")

# Scales that the paper gives the terms of each reward.
SCALES = {
    "base": {"pose": 0.05, "reach": 1.0, "lift": 1.0, "move": 1.0, "bonus": 1.0},
    "full-pose": {
        "proposal": 0.5,
        "reach": 1.0,
        "lift": 1.0,
        "move": 1.0,
        "bonus": 1.0,
    },
    "stage1": {"reach": 1.0, "move": 1.0, "up": 1.0, "bonus": 1.0, "proposal": 0.5},
    "stage2": {"lift": 1.0, "move": 1.0, "bonus": 1.0},
}

FINGERTIPS = 5  # over how many the paper sums d_f
JOINTS = 22  # over how many it sums joint errors
NEAR_TIPS = 0.6  # m, sum over the fingertips
NEAR_PALM = 0.12  # m
NEAR_GOAL = 0.05  # m
NEAR_POSE = 6.0  # rad, L1 over the joints
NEAR_WRIST = 0.4  # m, L1 of the wrist's position in the object frame
NEAR_TURN = 1.0  # rad, of the wrist against the proposal
LIFTED = 0.01  # m above where the object lay


class Proposal(NamedTuple):
    """A grasp proposal of the world's object.

    Attributes:
        translation: (3,) m, hand root in the object frame.
        rotation: (4,) unit quaternion wxyz, hand root in the object frame.
        joints: (joints,) rad.
    """

    translation: jax.Array | np.ndarray
    rotation: jax.Array | np.ndarray
    joints: jax.Array | np.ndarray


class RewardInputs(NamedTuple):
    """All that a reward may depend on."""

    sensed: Sensed
    action: jax.Array  # (actions,) clipped to [-1, 1]
    goal: jax.Array  # (3,)
    targets: jax.Array  # (F + 1, 3) m, to which fingertips and palm have to come near
    rest_height: jax.Array  # () height of the object at the start of the episode
    proposal: Proposal
    compare: jax.Array  # () bool, whether the proposal counts in the base reward
    palm_offset: jax.Array  # (3,) m, palm centre in the hand's root frame


def reward_terms(situation: RewardInputs, reward: str) -> dict[str, jax.Array]:
    """Terms of one reward, unscaled; name -> ().

    Args:
        situation: the world after the step.
        reward: one of `REWARDS`.
    """
    made = {
        "base": _base,
        "full-pose": _full_pose,
        "stage1": _stage1,
        "stage2": _stage2,
    }
    return made[reward](situation)


def goal_distance(sensed: Sensed, goal: jax.Array) -> jax.Array:
    """d_g, () in m."""
    return jnp.linalg.norm(sensed.object_pos - goal)


def hand_distances(s: RewardInputs) -> tuple[jax.Array, jax.Array]:
    """(d_h, d_f), each () in m; d_f is scaled to five fingertips."""
    norm = jnp.linalg.norm
    d_h = norm(s.targets[-1] - s.sensed.palm_pos)
    d_f = norm(s.targets[:-1] - s.sensed.tip_pos, axis=1).sum()
    return d_h, d_f * (FINGERTIPS / len(s.sensed.tip_pos))


def _near(s: RewardInputs) -> jax.Array:
    d_h, d_f = hand_distances(s)
    return (d_f <= NEAR_TIPS) & (d_h <= NEAR_PALM)


def _reach(s: RewardInputs) -> jax.Array:
    d_h, d_f = hand_distances(s)
    return -1.0 * d_h - 0.5 * d_f


def _upward(s: RewardInputs) -> jax.Array:
    return 0.1 + 0.1 * s.action[2]


def _move(s: RewardInputs) -> jax.Array:
    return 0.9 - 2.0 * goal_distance(s.sensed, s.goal)


def _bonus(s: RewardInputs) -> jax.Array:
    d_g = goal_distance(s.sensed, s.goal)
    return jnp.where(d_g <= NEAR_GOAL, 1.0 / (1.0 + 10.0 * d_g), 0.0)


def _pose_error(s: RewardInputs) -> jax.Array:
    """L1 joint error to the proposal in rad, scaled to 22 joints."""
    error = jnp.abs(s.proposal.joints - s.sensed.joint_pos)
    return error.sum() * (JOINTS / len(error))


def _wrist_errors(s: RewardInputs) -> tuple[jax.Array, jax.Array]:
    """L1 distance (m) and angle (rad) of the hand root to the proposal.

    Both in the object frame and both of the root: the palm centre, which is what the
    sensors give, is moved back to the root before it is compared.
    """
    offset = rotations.rotate(s.sensed.palm_quat, s.palm_offset)
    root = s.sensed.palm_pos - offset - s.sensed.object_pos
    to_object = rotations.conjugate(s.sensed.object_quat)
    position = rotations.rotate(to_object, root)
    rotation = rotations.multiply(to_object, s.sensed.palm_quat)
    error = jnp.abs(position - s.proposal.translation).sum()
    return error, rotations.angle_between(rotation, s.proposal.rotation)


def proposal_distance(s: RewardInputs) -> jax.Array:
    """How far the hand is from the grasp proposal, (): 0.6 m, 0.04 rad, 0.1 rad."""
    wrist_error, wrist_angle = _wrist_errors(s)
    return 0.6 * wrist_error + 0.04 * wrist_angle + 0.1 * _pose_error(s)


def _base(s: RewardInputs) -> dict[str, jax.Array]:
    near = _near(s)
    pose_error = jnp.where(s.compare, _pose_error(s), 0.0)
    return {
        "pose": -pose_error,
        "reach": _reach(s),
        "lift": jnp.where(near, _upward(s), 0.0),
        "move": jnp.where(near & (pose_error <= NEAR_POSE), _move(s), 0.0),
        "bonus": _bonus(s),
    }


def _like_proposal(s: RewardInputs) -> jax.Array:
    """Whether hand and wrist are roughly as in the grasp proposal, () bool."""
    wrist_error, wrist_angle = _wrist_errors(s)
    near_wrist = (wrist_error <= NEAR_WRIST) & (wrist_angle <= NEAR_TURN)
    return near_wrist & (_pose_error(s) <= NEAR_POSE)


def _full_pose(s: RewardInputs) -> dict[str, jax.Array]:
    near = _near(s)
    return {
        "proposal": -proposal_distance(s),
        "reach": _reach(s),
        "lift": jnp.where(near, _upward(s), 0.0),
        "move": jnp.where(near & _like_proposal(s), _move(s), 0.0),
        "bonus": _bonus(s),
    }


def _stage1(s: RewardInputs) -> dict[str, jax.Array]:
    near = _near(s)
    off_table = s.sensed.object_pos[2] > s.rest_height + LIFTED
    return {
        "reach": _reach(s),
        "move": jnp.where(near & _like_proposal(s), _move(s), 0.0),
        "up": jnp.where(near & off_table, _upward(s), 0.0),
        "bonus": _bonus(s),
        "proposal": -proposal_distance(s),
    }


def _stage2(s: RewardInputs) -> dict[str, jax.Array]:
    near = _near(s)
    return {
        "lift": jnp.where(near, _upward(s), 0.0),
        "move": jnp.where(near, _move(s), 0.0),
        "bonus": _bonus(s),
    }
