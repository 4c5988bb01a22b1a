"""Reading a hand: its description, a small YAML file, and its MJCF file.

docs/bring-your-own-hand.md explains the fields and what the MJCF file has to name.
"""

import dataclasses
import difflib
import functools
import os
import re
import reprlib
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands.actuators import WRIST, joint_names
from dexjax.hands.checks import problems
from dexjax.hands.files import HANDS, hand_spec, mjcf_path, one_line, quiet_mujoco
from dexjax.hands.hand import Description, Hand, LinkTree
from dexjax.reading import read_yaml

_FOLDER_NAME = re.compile(r"\w[\w.+-]{0,63}")
_MOST_BYTES = 16 << 20  # of an MJCF file
_LARGEST = 1e6  # of any number in a description


@functools.cache
def load_hand(name: str = "shadow") -> Hand:
    """A built-in hand by its name, or any hand by the path of its description.

    Raises:
        DexjaxError: for an unknown name, an unreadable file, or a description that
            does not fit its MJCF file: names what is missing or wrong.
    """
    if name in HANDS:
        return read_hand(mjcf_path(f"{name}_hand.yaml"))
    if not name.lower().endswith((".yaml", ".yml")):
        near = difflib.get_close_matches(name, HANDS, n=3, cutoff=0.5)
        raise DexjaxError(
            f"unknown hand {name!r}: choose from {near or list(HANDS)}, or give the "
            ".yaml file of your own"
        )
    return read_hand(_expanded(name))


def read_hand(path: Path) -> Hand:
    """The hand of a description, checked; see `load_hand`."""
    description = _read(path)
    model = _compile_alone(description.mjcf)
    for problem in problems(description, model):
        raise DexjaxError(one_line(f"{path}: {problem}"))
    return _make_hand(description, model)


def _compile_alone(mjcf: Path) -> mujoco.MjModel:
    if not os.path.isfile(mjcf):
        raise DexjaxError(one_line(f"{mjcf}: there is no such MJCF file"))
    if os.path.getsize(mjcf) > _MOST_BYTES:
        raise DexjaxError(
            f"{mjcf} is too large: at most {_MOST_BYTES >> 20} MB, with its meshes in "
            "files of their own"
        )
    try:
        with quiet_mujoco():
            model = hand_spec(mjcf).compile()
        model.names.decode()
        return model
    except UnicodeDecodeError as error:
        text = ascii(error.object[max(error.start - 10, 0) : error.end + 10])
        raise DexjaxError(f"{mjcf}: a name is not UTF-8: {text}") from None
    except (ValueError, mujoco.FatalError) as error:
        raise DexjaxError(one_line(f"{mjcf}: {error}")) from None


def _read(path: Path) -> Description:
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise DexjaxError(f"{path} describes no hand: it has no fields")
    fields = {field.name: field for field in dataclasses.fields(Description)}
    for name in found:
        if name not in fields:
            raise DexjaxError(
                f"{path}: unknown field {_short(name)}, has {', '.join(fields)}"
            )
    for name, field in fields.items():
        if name not in found and field.default is dataclasses.MISSING:
            raise DexjaxError(f"{path}: the field {name!r} is missing")
    values = {}
    for name, value in found.items():
        try:
            values[name] = _PARSERS[name](value)
        except ValueError as error:
            raise DexjaxError(one_line(f"{path}: {name}: {error}")) from None
    description = Description(**values)
    folder = path.resolve().parent
    return dataclasses.replace(description, mjcf=folder / description.mjcf.expanduser())


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{_short(value)} should be a name: in quotes if need be")
    return value


def _expanded(path: str) -> Path:
    """The path, with a leading ~ as the shell reads it."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DexjaxError(f"{path!r}: there is no such home folder") from None


def _folder_name(value: Any) -> str:
    if not _FOLDER_NAME.fullmatch(_text(value)):
        raise ValueError(
            f"{_short(value)} should be of letters, digits, '-' and '_': it names the "
            "folders of runs"
        )
    return value


def _number(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not abs(value) <= _LARGEST:
        raise ValueError(f"{_short(value)} should be a number")
    return float(value)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{_short(value)} should be a list of names")
    names = tuple(_text(name) for name in value)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{_short(name)} comes twice")
    return names


def _quaternion(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"{_short(value)} should be four numbers, w x y z")
    numbers = tuple(_number(x) for x in value)
    if not abs(np.linalg.norm(numbers) - 1.0) <= 1e-3:
        raise ValueError(f"{_short(value)} should have length 1")
    return numbers


def _poses(value: Any) -> dict[str, dict[str, float]]:
    if not isinstance(value, dict):
        raise ValueError(f"{_short(value)} should be joint angles by name of the pose")
    for name, angles in value.items():
        if not isinstance(angles, dict):
            raise ValueError(f"pose {_short(name)} should be angles by joint")
    return {
        _text(name): {_text(joint): _number(angle) for joint, angle in angles.items()}
        for name, angles in value.items()
    }


def _couplings(value: Any) -> tuple[tuple[str, str, float], ...]:
    if not isinstance(value, list):
        raise ValueError(f"{_short(value)} should be a list")
    for item in value:
        if not isinstance(item, list) or len(item) != 3:
            raise ValueError(f"{_short(item)} should be [driving, following, ratio]")
    return tuple((_text(a), _text(b), _number(ratio)) for a, b, ratio in value)


def _short(value: Any) -> str:
    return reprlib.repr(value)


_PARSERS: dict[str, Any] = {
    "name": _folder_name,
    "mjcf": lambda value: _expanded(_text(value)),
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
    carriers = {links[body - 1] for body in model.geom_bodyid[model.geom_contype > 0]}
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
