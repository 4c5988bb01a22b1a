"""Reading a hand: its description, a small YAML file, and its MJCF file.

docs/bring-your-own-hand.md explains the fields and what the MJCF file has to name.
"""

import dataclasses
import difflib
import functools
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import yaml

from dexjax.errors import DexjaxError
from dexjax.hands.checks import WRIST, joint_names, one_line, problems
from dexjax.hands.files import HANDS, mjcf_path
from dexjax.hands.hand import Description, Hand, LinkTree


@functools.cache
def load_hand(name: str = "shadow") -> Hand:
    """A built-in hand by its name, or any hand by the path of its description.

    Raises:
        DexjaxError: for an unknown name, an unreadable file, or a description that
            does not fit its MJCF file: names what is missing or wrong.
    """
    if name in HANDS:
        return read_hand(mjcf_path(f"{name}_hand.yaml"))
    if not name.endswith((".yaml", ".yml")):
        near = difflib.get_close_matches(name, HANDS, n=3, cutoff=0.5)
        raise DexjaxError(
            f"unknown hand {name!r}: choose from {near or list(HANDS)}, or give the "
            ".yaml file of your own"
        )
    return read_hand(Path(name))


def read_hand(path: Path) -> Hand:
    """The hand of a description, checked; see `load_hand`."""
    description = _read(path)
    try:
        model = mujoco.MjModel.from_xml_path(str(description.mjcf))
    except ValueError as error:
        raise DexjaxError(f"{description.mjcf}: {one_line(error)}") from None
    for problem in problems(description, model):
        raise DexjaxError(f"{path}: {problem}")
    return _make_hand(description, model)


def _read(path: Path) -> Description:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DexjaxError(f"hand {path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DexjaxError(f"{path} is not YAML: {one_line(error)}") from None
    if not isinstance(found, dict):
        raise DexjaxError(f"{path} describes no hand: it has no fields")
    fields = {field.name: field for field in dataclasses.fields(Description)}
    for name in found:
        if name not in fields:
            raise DexjaxError(
                f"{path}: unknown field {name!r}, has {', '.join(fields)}"
            )
    for name, field in fields.items():
        if name not in found and field.default is dataclasses.MISSING:
            raise DexjaxError(f"{path}: the field {name!r} is missing")
    values = {}
    for name, value in found.items():
        try:
            values[name] = _PARSERS[name](value)
        except ValueError as error:
            raise DexjaxError(f"{path}: {name}: {error}") from None
    description = Description(**values)
    folder = path.resolve().parent
    return dataclasses.replace(description, mjcf=folder / description.mjcf)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} should be a name")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} should be a number")
    return float(value)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{value!r} should be a list of names")
    return tuple(_text(name) for name in value)


def _quaternion(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"{value!r} should be four numbers, w x y z")
    numbers = tuple(_number(x) for x in value)
    if abs(np.linalg.norm(numbers) - 1.0) > 1e-3:
        raise ValueError(f"{value!r} should have length 1")
    return numbers


def _poses(value: Any) -> dict[str, dict[str, float]]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} should be joint angles by name of the pose")
    for name, angles in value.items():
        if not isinstance(angles, dict):
            raise ValueError(f"pose {name!r} should be angles by joint")
    return {
        name: {joint: _number(angle) for joint, angle in angles.items()}
        for name, angles in value.items()
    }


def _couplings(value: Any) -> tuple[tuple[str, str, float], ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} should be a list")
    for item in value:
        if not isinstance(item, list) or len(item) != 3:
            raise ValueError(f"{item!r} should be [driving, following, ratio]")
    return tuple((_text(a), _text(b), _number(ratio)) for a, b, ratio in value)


_PARSERS: dict[str, Any] = {
    "name": _text,
    "mjcf": lambda value: Path(_text(value)),
    "fingertips": _names,
    "start_quat": _quaternion,
    "poses": _poses,
    "palm_links": _names,
    "couplings": _couplings,
}


def _make_hand(description: Description, model: mujoco.MjModel) -> Hand:
    joints = tuple(joint_names(model))
    actuated = tuple(model.actuator(i).name for i in range(len(WRIST), model.nu))
    links = tuple(model.body(i).name for i in range(1, model.nbody))
    carriers = {links[body - 1] for body in model.geom_bodyid}
    finger_links = tuple(
        link for link in links if link in carriers - set(description.palm_links)
    )
    return Hand(
        name=description.name,
        xml=description.mjcf,
        joints=joints,
        actuated=actuated,
        couplings=description.couplings,
        fingertips=description.fingertips,
        links=links,
        finger_links=finger_links,
        joint_range=_frozen(model.jnt_range[1:]),
        actuated_index=_frozen([joints.index(name) for name in actuated], int),
        poses={
            name: _frozen([angles.get(joint, 0.0) for joint in joints])
            for name, angles in description.poses.items()
        },
        keypoints=_keypoints(description, model, finger_links),
        start_quat=_frozen(description.start_quat),
        palm_center=_frozen(model.site("palm_center").pos),
        tree=_link_tree(model),
    )


def _link_tree(model: mujoco.MjModel) -> LinkTree:
    return LinkTree(
        parent=_frozen(model.body_parentid[1:] - 1, int),
        position=_frozen(model.body_pos[1:]),
        quaternion=_frozen(model.body_quat[1:]),
        axis=_frozen(np.vstack([np.zeros(3), model.jnt_axis[1:]])),
    )


def _keypoints(
    description: Description, model: mujoco.MjModel, finger_links: tuple[str, ...]
) -> tuple[tuple[str, tuple[float, float, float]], ...]:
    """The palm's centre, then finger by finger the links' origins and the tip."""
    points = [("palm", tuple(model.site("palm_center").pos.tolist()))]
    for tip in description.fingertips:
        body = int(model.site(tip).bodyid[0])
        chain = [(model.body(body).name, tuple(model.site(tip).pos.tolist()))]
        while body:
            if model.body(body).name in finger_links:
                chain.append((model.body(body).name, (0.0, 0.0, 0.0)))
            body = int(model.body_parentid[body])
        points += reversed(chain)
    return tuple(points)


def _frozen(values: object, dtype: type = np.float32) -> np.ndarray:
    array: np.ndarray = np.array(values, dtype)
    array.setflags(write=False)
    return array
