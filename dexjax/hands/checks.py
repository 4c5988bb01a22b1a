"""Whether a hand's description fits its MJCF file: the problems, one line each."""

from collections.abc import Iterator

import mujoco
import numpy as np

from dexjax.hands.actuators import actuator_problems, joint_names
from dexjax.hands.couplings import coupling_problems
from dexjax.hands.hand import Description
from dexjax.hands.world_checks import global_problems, world_problems

POSES = ("neutral", "open", "grasp")

_OBJECT, _SENSOR = mujoco.mjtObj, mujoco.mjtSensor
_FRAME = {
    "pos": _SENSOR.mjSENS_FRAMEPOS,
    "quat": _SENSOR.mjSENS_FRAMEQUAT,
    "linvel": _SENSOR.mjSENS_FRAMELINVEL,
    "angvel": _SENSOR.mjSENS_FRAMEANGVEL,
}
_WRENCH = {"force": _SENSOR.mjSENS_FORCE, "torque": _SENSOR.mjSENS_TORQUE}
_JOINT = {"pos": _SENSOR.mjSENS_JOINTPOS, "vel": _SENSOR.mjSENS_JOINTVEL}


def problems(description: Description, model: mujoco.MjModel) -> Iterator[str]:
    """What is wrong, most basic things first; later checks rely on earlier ones.

    Args:
        description: the description.
        model: its MJCF file, compiled alone.
    """
    yield from global_problems(description.mjcf)
    yield from _tree_problems(model)
    yield from world_problems(description.mjcf, model)
    yield from _name_problems(description, model)
    yield from actuator_problems(description, model)
    yield from coupling_problems(description, model)
    yield from _sensor_problems(description, model)
    yield from _pose_problems(description, model)
    yield from _contact_problems(model)


def _tree_problems(model: mujoco.MjModel) -> Iterator[str]:
    if model.nbody < 3 or model.body(1).name != "palm":
        yield "the first body must be called 'palm' and carry the fingers"
    free = model.njnt and model.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE
    if not free or model.joint(0).name != "root":
        yield "the body 'palm' needs a free joint called 'root'"
    for index in range(2, model.nbody):
        name, joint = model.body(index).name, model.body_jntadr[index]
        if model.body_rootid[index] != 1:
            yield f"body {name!r} does not hang on the body 'palm'"
        if (
            model.body_jntnum[index] != 1
            or model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_HINGE
            or model.jnt_pos[joint].any()
        ):
            yield (
                f"body {name!r} needs exactly one hinge, through its origin: join "
                "fixed bodies to their parents"
            )
    for joint in range(1, model.njnt):
        if not model.jnt_limited[joint]:
            yield f"joint {model.joint(joint).name!r} has no range"


def _name_problems(description: Description, model: mujoco.MjModel) -> Iterator[str]:
    centre = _find(model, _OBJECT.mjOBJ_SITE, "palm_center")
    if centre < 0 or model.site_bodyid[centre] != 1:
        yield "the body 'palm' needs a site called 'palm_center'"
    if not np.allclose(model.site_quat[centre], [1, 0, 0, 0]):
        yield "the site 'palm_center' must not be turned against the body 'palm'"
    wanted = [("site", _OBJECT.mjOBJ_SITE, name) for name in description.fingertips]
    wanted += [("body", _OBJECT.mjOBJ_BODY, name) for name in description.palm_links]
    joints = [
        name for before, after, _ in description.couplings for name in (before, after)
    ]
    wanted += [("joint", _OBJECT.mjOBJ_JOINT, name) for name in joints]
    for what, kind, name in wanted:
        if _find(model, kind, name) < 0:
            yield f"no {what} {name!r} in {description.mjcf.name}"


def _sensor_problems(description: Description, model: mujoco.MjModel) -> Iterator[str]:
    wanted = [
        (f"{joint}_{kind}", sensor, _OBJECT.mjOBJ_JOINT, joint)
        for kind, sensor in _JOINT.items()
        for joint in joint_names(model)
    ]
    sites = {"palm": "palm_center"} | {tip: tip for tip in description.fingertips}
    for owner, site in sites.items():
        kinds = _FRAME if owner == "palm" else _FRAME | _WRENCH
        wanted += [
            (f"{owner}_{kind}", sensor, _OBJECT.mjOBJ_SITE, site)
            for kind, sensor in kinds.items()
        ]
    for name, sensor, kind, target in wanted:
        tag = sensor.name.removeprefix("mjSENS_").lower()
        index = _find(model, _OBJECT.mjOBJ_SENSOR, name)
        if index < 0:
            yield f"no sensor {name!r}: it needs a {tag} of {target!r}"
        if (
            model.sensor_type[index] != sensor
            or model.sensor_objtype[index] != kind
            or model.sensor_objid[index] != _find(model, kind, target)
            or model.sensor_refid[index] >= 0
        ):
            yield f"sensor {name!r} must be a {tag} of {target!r} in the world's frame"
        if model.sensor_cutoff[index] or model.sensor_history[index].any():
            yield f"sensor {name!r} must have no cutoff, delay or interval"


def _pose_problems(description: Description, model: mujoco.MjModel) -> Iterator[str]:
    joints = joint_names(model)
    ranges = dict(zip(joints, model.jnt_range[1:], strict=True))
    for pose in POSES:
        if pose not in description.poses:
            yield f"no pose {pose!r}: it needs {', '.join(POSES)}"
    for pose, angles in description.poses.items():
        for joint in angles:
            if joint not in joints:
                yield f"pose {pose!r} has {joint!r}, which is no joint"
        for joint, (low, high) in ranges.items():
            angle = angles.get(joint, 0.0)
            if not low <= angle <= high:
                yield (
                    f"pose {pose!r} has {joint} at {angle:g} rad, "
                    f"must be within {low:g} to {high:g}"
                )


def _contact_problems(model: mujoco.MjModel) -> Iterator[str]:
    bits = np.stack([model.geom_contype, model.geom_conaffinity], axis=1)
    for index, (own, others) in enumerate(bits):
        name = model.geom(index).name or f"geom of {_carrier(model, index)!r}"
        if model.geom_priority[index]:
            yield (
                f"{name} has priority {model.geom_priority[index]}: leave it out, the "
                "friction of what is grasped decides"
            )
        if (own, others) not in ((1, 7), (0, 0)):
            yield (
                f"{name} has contype {own} and conaffinity {others}: give 1 and 7 to "
                "what collides, 0 and 0 to what is only seen"
            )
    if not bits.any():
        yield "no geom collides"


def _carrier(model: mujoco.MjModel, geom: int) -> str:
    return model.body(model.geom_bodyid[geom]).name


def _find(model: mujoco.MjModel, kind: mujoco.mjtObj, name: str) -> int:
    return int(mujoco.mj_name2id(model, kind, name))
