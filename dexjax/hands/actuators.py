"""Whether a hand's actuators are what an action drives: the wrist's, and servos."""

from collections.abc import Iterator

import mujoco
import numpy as np

from dexjax.hands.hand import Description

WRIST = tuple(f"wrist_{kind}{axis}" for kind in "ft" for axis in "xyz")


def joint_names(model: mujoco.MjModel) -> list[str]:
    """The finger joints in `qpos` order."""
    return [model.joint(i).name for i in range(1, model.njnt)]


def actuator_problems(description: Description, model: mujoco.MjModel) -> Iterator[str]:
    """What is wrong with the actuators, first those of the wrist.

    Args:
        description: the description.
        model: its MJCF file, compiled alone.
    """
    names = [model.actuator(i).name for i in range(model.nu)]
    for index, wanted in enumerate(WRIST):
        if names[index : index + 1] != [wanted]:
            found = repr(names[index]) if index < model.nu else "none"
            yield f"actuator {index} must be {wanted!r}, found {found}"
        if not _drives_wrist(model, index):
            yield (
                f"actuator {wanted!r} must be a general actuator with jointinparent "
                f"'root', gear 1 in place {index}, ctrlrange -1 1 and biastype affine"
            )
    joints = joint_names(model)
    for index in range(len(WRIST), model.nu):
        name = names[index]
        if name not in joints or name != _driven_joint(model, index):
            yield f"actuator {name!r} must drive a joint and have its name"
        if not _is_servo(model, index):
            yield (
                f"actuator {name!r} is no position servo of an angle in rad: make it "
                "<position> with a positive kp, gear 1 and no timeconst"
            )
        if not model.actuator_ctrllimited[index]:
            yield f"actuator {name!r} has no ctrlrange"
    for index, name in enumerate(names):
        if _has_memory(model, index):
            yield (
                f"actuator {name!r} has a state of its own: leave out dyntype, "
                "timeconst and delay"
            )
    following = [follower for _, follower, _ in description.couplings]
    for joint in joints:
        if names.count(joint) + following.count(joint) != 1:
            yield (
                f"joint {joint!r} needs either an actuator of its name or a coupling "
                "in which it follows"
            )


def _drives_wrist(model: mujoco.MjModel, index: int) -> bool:
    return (
        model.actuator_trntype[index] == mujoco.mjtTrn.mjTRN_JOINTINPARENT
        and model.actuator_trnid[index, 0] == 0
        and np.array_equal(model.actuator_gear[index], np.eye(6)[index])
        and np.array_equal(model.actuator_ctrlrange[index], [-1, 1])
        and model.actuator_gaintype[index] == mujoco.mjtGain.mjGAIN_FIXED
        and model.actuator_biastype[index] == mujoco.mjtBias.mjBIAS_AFFINE
    )


def _is_servo(model: mujoco.MjModel, index: int) -> bool:
    """Whether the force is kp (ctrl - angle) - kv velocity, however it is written."""
    stiffness = model.actuator_gainprm[index, 0]
    offset, angle, velocity = model.actuator_biasprm[index, :3]
    return bool(
        model.actuator_gaintype[index] == mujoco.mjtGain.mjGAIN_FIXED
        and model.actuator_biastype[index] == mujoco.mjtBias.mjBIAS_AFFINE
        and model.actuator_gear[index, 0] == 1
        and stiffness > 0
        and np.isclose(angle, -stiffness)
        and offset == 0
        and velocity <= 0
    )


def _has_memory(model: mujoco.MjModel, index: int) -> bool:
    return bool(
        model.actuator_dyntype[index] != mujoco.mjtDyn.mjDYN_NONE
        or model.actuator_history[index].any()
    )


def _driven_joint(model: mujoco.MjModel, actuator: int) -> str | None:
    if model.actuator_trntype[actuator] != mujoco.mjtTrn.mjTRN_JOINT:
        return None
    return model.joint(model.actuator_trnid[actuator, 0]).name
