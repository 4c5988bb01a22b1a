"""What a hand's fingers are doing, in the palm's frame: keypoints, and a state of them.

The palm's frame has its origin at the palm's centre and the axes of the hand's root.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations
from dexjax.errors import DexjaxError
from dexjax.hands.hand import Hand
from dexjax.hands.kinematics import forward_kinematics

# Of each finger: its tip alone, or its last joint but one as well (DexterityGen, IV-B).
PER_FINGER = (1, 2)


def finger_keypoints(
    hand: Hand, per_finger: int = 2
) -> Callable[[jax.Array], jax.Array]:
    """A function from joints to keypoints of the fingers.

    Args:
        hand: F fingers.
        per_finger: 1 for the tips, 2 for the last joints but one and the tips.

    Returns:
        fn(joints (…, J) rad) -> (…, F * per_finger, 3) m in the palm's frame: finger by
        finger, the tip last.

    Raises:
        DexjaxError: for another number of keypoints.
    """
    if per_finger not in PER_FINGER:
        raise DexjaxError(f"{per_finger} keypoints per finger: choose 1 or 2")
    kinematics = forward_kinematics(hand)
    links, offsets = _places(hand)
    chosen = np.arange(len(links)).reshape(-1, 2)[:, 2 - per_finger :].ravel()
    links, offsets = links[chosen], offsets[chosen]
    origin, upright = jnp.asarray(-hand.palm_center), jnp.array([1.0, 0, 0, 0])

    def one(joints: jax.Array) -> jax.Array:
        poses = kinematics(origin, upright, joints)
        turned = rotations.rotate(poses.quaternion[links], offsets)
        return poses.position[links] + turned

    def keypoints(joints: jax.Array) -> jax.Array:
        flat = joints.reshape(-1, joints.shape[-1])
        return jax.vmap(one)(flat).reshape(*joints.shape[:-1], len(links), 3)

    return keypoints


def hand_state(hand: Hand) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """A function to the state of a hand at one instant (DexterityGen, IV-B).

    Returns:
        fn(joints (…, J) rad, targets (…, A) rad) -> (…, 3 F + J + 2 A): fingertips in
        the palm's frame, m; joints; targets; targets - joints.
    """
    tips, actuated = finger_keypoints(hand, 1), hand.actuated_index

    def state(joints: jax.Array, targets: jax.Array) -> jax.Array:
        at = tips(joints)
        flat = at.reshape(*at.shape[:-2], -1)
        error = targets - joints[..., actuated]
        return jnp.concatenate([flat, joints, targets, error], axis=-1)

    return state


def state_size(hand: Hand) -> int:
    """Features of `hand_state`."""
    tips, joints, targets = (
        len(part) for part in (hand.fingertips, hand.joints, hand.actuated)
    )
    return 3 * tips + joints + 2 * targets


def _places(hand: Hand) -> tuple[np.ndarray, np.ndarray]:
    """Links (2 F,) and points (2 F, 3) m on them: last joint but one, then tip."""
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    number = {name: i for i, name in enumerate(hand.links)}
    links, offsets = [], []
    for tip in hand.fingertips:
        site = model.site(tip)
        body, point = int(site.bodyid[0]), np.array(site.pos)
        # A tip may be on a body that is fixed to the last link.
        while model.body(body).name not in number:
            turned = np.zeros(3)
            mujoco.mju_rotVecQuat(turned, point, model.body_quat[body])
            point = turned + model.body_pos[body]
            body = int(model.body_parentid[body])
        last = number[model.body(body).name]
        links += [int(hand.tree.parent[last]), last]
        offsets += [np.zeros(3), point]
    return np.array(links), np.array(offsets, np.float32)
