"""Trying a hand out: poses without self-collision, and rest."""

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands.description import load_hand
from dexjax.hands.files import quiet_mujoco, world_spec
from dexjax.hands.hand import Hand

HEIGHT = 0.5  # m, of the palm above the table
SECONDS = 2.0
# A hand that a policy is to steer stands still when its controls do.
LARGEST_DRIFT = 0.02  # m or rad


def report_hand(name: str = "shadow") -> list[str]:
    """Reads, checks and simulates a hand, and says what a policy sees of it.

    Args:
        name: as in `load_hand`.

    Returns:
        A few lines of text.

    Raises:
        DexjaxError: for what does not fit, or does not work in simulation.
    """
    hand = load_hand(name)
    check_hand(hand)
    actions = f"6 of the wrist, {len(hand.actuated)} joints"
    return [
        f"{hand.name}: {hand.xml}",
        f"{len(hand.joints)} joints: {', '.join(hand.joints)}",
        f"{hand.action_size} actions: {actions}",
        f"{len(hand.fingertips)} fingertips: {', '.join(hand.fingertips)}",
        "fits its MJCF file, does not collide with itself, rests",
    ]


def check_hand(hand: Hand) -> None:
    """Simulates a hand over the table, holding its poses.

    Raises:
        DexjaxError: if a pose collides with itself, or the hand does not rest in the
            start pose: names the links or the joint.
    """
    with quiet_mujoco():
        model = world_spec(hand.xml).compile()
        for pose in hand.poses:
            _check_pose(hand, pose, model)
        _check_rest(hand, model)


def _posed(hand: Hand, pose: str, model: mujoco.MjModel) -> mujoco.MjData:
    data = mujoco.MjData(model)
    data.qpos[:] = np.r_[0, 0, HEIGHT, hand.start_quat, hand.poses[pose]]
    data.ctrl[6:] = hand.poses[pose][hand.actuated_index]
    mujoco.mj_forward(model, data)
    return data


def _check_pose(hand: Hand, pose: str, model: mujoco.MjModel) -> None:
    for contact in _posed(hand, pose, model).contact:
        if contact.dist >= 0:  # within a margin
            continue
        links = [model.body(model.geom_bodyid[geom]).name for geom in contact.geom]
        raise DexjaxError(
            f"hand {hand.name!r}: {links[0]} and {links[1]} overlap by "
            f"{-1000 * contact.dist:.1f} mm in pose {pose!r}"
        )


def _check_rest(hand: Hand, model: mujoco.MjModel) -> None:
    data = _posed(hand, "open", model)
    start = data.qpos.copy()
    for _ in range(round(SECONDS / model.opt.timestep)):
        mujoco.mj_step(model, data)
    drift = np.abs(data.qpos - start)
    worst = int(np.argmax(np.nan_to_num(drift, nan=np.inf)))
    if not drift[worst] <= LARGEST_DRIFT:
        what = "root" if worst < 7 else hand.joints[worst - 7]
        raise DexjaxError(
            f"hand {hand.name!r} does not rest: {what} moved by {drift[worst]:.3g} in "
            f"{SECONDS:g} s; give its bodies gravcomp, its joints damping and armature"
        )
