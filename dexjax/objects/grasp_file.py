"""Grasp proposals in a file, and from there in an object set.

A file holds, for every object by name, the hand's root in the object's frame (m, unit
quaternion wxyz) and the joint angles (rad), in half precision: 0.1 mm, 0.05 degrees.
The first `valid` ones of an object held it in simulation, the others are the best that
were found by energy alone.
"""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dexjax.errors import DexjaxError
from dexjax.objects.array_file import read_arrays
from dexjax.objects.object_set import ObjectSet


class GraspFile(NamedTuple):
    """What a file holds, G proposals of each of n objects.

    Attributes:
        hand: the hand's name, (), str.
        names: (n,) str.
        translation: (n, G, 3) m.
        rotation: (n, G, 4).
        joints: (n, G, joints) rad.
        valid: (n,) int, how many of the first held the object.
    """

    hand: np.ndarray
    names: np.ndarray
    translation: np.ndarray
    rotation: np.ndarray
    joints: np.ndarray
    valid: np.ndarray


def write_grasps(file: Path, grasps: GraspFile) -> None:
    """Writes a file.

    Raises:
        DexjaxError: if it cannot be written.
    """
    half = {
        name: getattr(grasps, name).astype(np.float16)
        for name in ("translation", "rotation", "joints")
    }
    file = Path(file)
    partial = file.with_suffix(".partial.npz")
    try:
        np.savez_compressed(partial, **grasps._replace(**half)._asdict())
        partial.replace(file)
    except OSError as error:
        raise DexjaxError(f"cannot write {file}: {error.strerror}") from error


def read_grasps(file: Path) -> GraspFile:
    """Reads a file.

    Raises:
        DexjaxError: if there is none, or it is damaged.
    """
    if not Path(file).exists():
        raise DexjaxError(
            f"no grasp proposals {file}: make them with `dexjax proposals`"
        )
    try:
        found = GraspFile(**read_arrays(Path(file), GraspFile._fields))
        _check(found)
    except ValueError as error:
        raise DexjaxError(f"grasp proposals {file} are damaged: {error}") from error
    length = np.linalg.norm(found.rotation.astype(np.float32), axis=-1, keepdims=True)
    single = {
        name: getattr(found, name).astype(np.float32)
        for name in ("translation", "joints")
    }
    return found._replace(rotation=found.rotation / length, **single)


def _check(found: GraspFile) -> None:
    """Raises `ValueError` for arrays that are no proposals."""
    count = found.names.shape[0] if found.names.ndim == 1 else 0
    most, joints = (0, 0, *found.joints.shape)[-2:]
    wanted = {
        "hand": ("U", ()),
        "names": ("U", (count,)),
        "translation": ("f", (count, most, 3)),
        "rotation": ("f", (count, most, 4)),
        "joints": ("f", (count, most, joints)),
        "valid": ("iu", (count,)),
    }
    for name, (kinds, shape) in wanted.items():
        array = getattr(found, name)
        if array.dtype.kind not in kinds or array.shape != shape:
            raise ValueError(f"{name} is of {array.dtype} {array.shape}, not {shape}")
        if kinds == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} has a value that is not finite")
    if not found.rotation.any(axis=-1).all():
        raise ValueError("a rotation has no length")


def count_valid(objects: ObjectSet, grasps: GraspFile) -> np.ndarray:
    """How many proposals of each object held it in simulation, (n,) int."""
    valid = dict(zip(map(str, grasps.names), grasps.valid.tolist(), strict=True))
    return np.array([valid.get(name, 0) for name in objects.names])


def with_grasps(objects: ObjectSet, grasps: GraspFile) -> ObjectSet:
    """The objects with those proposals; one that the file lacks keeps its own.

    Raises:
        DexjaxError: if the proposals are of a hand with other joints.
    """
    joints = objects.grasp_joints.shape[2]
    if grasps.joints.shape[2] != joints:
        raise DexjaxError(
            f"grasp proposals of hand {str(grasps.hand)!r} have "
            f"{grasps.joints.shape[2]} joints, these objects' {joints}"
        )
    place = {str(name): i for i, name in enumerate(grasps.names)}
    rows = np.array([place.get(name, -1) for name in objects.names])
    known, own = rows >= 0, objects.grasp_joints.shape[1]
    count = max(own, grasps.joints.shape[1])

    def joined(kept: np.ndarray, stored: np.ndarray) -> np.ndarray:
        out = np.zeros((len(objects), count, kept.shape[2]), np.float32)
        out[:, :own] = kept
        out[known] = 0.0
        out[known, : stored.shape[1]] = stored[rows[known]]
        return out

    return dataclasses.replace(
        objects,
        grasp_translation=joined(objects.grasp_translation, grasps.translation),
        grasp_rotation=joined(objects.grasp_rotation, grasps.rotation),
        grasp_joints=joined(objects.grasp_joints, grasps.joints),
        grasp_count=np.where(known, grasps.joints.shape[1], objects.grasp_count).astype(
            np.int32
        ),
    )
