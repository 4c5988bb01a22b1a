"""Objects in a file of plain arrays, which can be read from anywhere.

A run keeps the objects that it was trained on in this way, whatever becomes of the
mesh files they came from. The file is an .npz archive with every field of an
`ObjectSet` and a format number; nothing in it is pickled.
"""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dexjax.errors import DexjaxError
from dexjax.objects.array_file import read_arrays
from dexjax.objects.object_set import ARRAYS, CODE, STRINGS, ObjectSet
from dexjax.objects.paths import expanded

SUFFIX = ".object.npz"
_FORMAT = 1
# Dimensions behind the first, which counts the objects; equal letters are equal sizes.
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "hulls": ("K", "V", 3),
    "hull_mask": ("K",),
    "mass": (),
    "com": (3,),
    "inertia": (3, 3),
    "friction": (),
    "points": ("P", 3),
    "normals": ("P", 3),
    "code": (CODE,),
    "grasp_translation": ("G", 3),
    "grasp_rotation": ("G", 4),
    "grasp_joints": ("G", "J"),
    "grasp_count": (),
    "rest_quat": (4,),
    "rest_height": (),
}
_UNIT = 1e-3  # How far the length of a unit vector may be off.


def save_object(objects: ObjectSet, path: Path) -> None:
    """Writes objects to a file, in one move.

    Args:
        objects: one or more.
        path: ends in `SUFFIX`; folders above it are made.

    Raises:
        DexjaxError: another ending, or it cannot be written.
    """
    path = expanded(path)
    if not path.name.endswith(SUFFIX):
        raise DexjaxError(f"{path}: must end in {SUFFIX}")
    fields: dict[str, Any] = {f: np.asarray(getattr(objects, f)) for f in ARRAYS}
    fields |= {f: np.array(getattr(objects, f), np.str_) for f in STRINGS}
    content = io.BytesIO()
    np.savez_compressed(content, format=np.array(_FORMAT), **fields)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(suffix=".npz", dir=path.parent)
    except OSError as error:
        raise DexjaxError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.getvalue())
        # mkstemp's files are for their owner alone; a result is for everybody.
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except OSError as error:
        Path(partial).unlink(missing_ok=True)
        raise DexjaxError(f"{path}: cannot be written ({error.strerror})") from None


def load_stored(path: Path) -> ObjectSet:
    """Reads what `save_object` wrote.

    Raises:
        DexjaxError: missing, damaged, of another format, or not what an object has.
    """
    path = expanded(path)
    try:
        fields = _read(path)
    except DexjaxError:
        raise
    except ValueError as error:
        raise DexjaxError(
            f"{path}: is damaged, or no stored object ({error})"
        ) from None
    _check_sizes(path, fields)
    _check_values(path, fields)
    for name in STRINGS:
        fields[name] = tuple(str(text) for text in fields[name])
    return ObjectSet(**fields)


def _read(path: Path) -> dict[str, Any]:
    fields = read_arrays(path, ("format", *ARRAYS, *STRINGS))
    form = fields.pop("format")
    if form.shape or form.dtype.kind not in "iu" or form != _FORMAT:
        raise ValueError(f"format {form!s:.40}, format {_FORMAT} is read")
    return fields


def _check_sizes(path: Path, fields: dict[str, Any]) -> None:
    count = len(np.atleast_1d(fields["names"]))
    sizes: dict[int | str, int] = {}
    for name, shape in _SHAPES.items():
        got = fields[name].shape
        fits = len(got) == 1 + len(shape) and got[0] == count > 0
        for wanted, found in zip(shape, got[1:], strict=False):
            size = (
                wanted if isinstance(wanted, int) else sizes.setdefault(wanted, found)
            )
            fits &= size == found
        if not fits:
            raise DexjaxError(
                f"{path}: {name} of {count} objects has the shape {got}, "
                f"expected {('objects', *shape)}"
            )
    for name in STRINGS:
        kind, shape = fields[name].dtype.kind, fields[name].shape
        if kind != "U" or shape != (count,):
            raise DexjaxError(f"{path}: {name} are not {count} texts")


def _check_values(path: Path, fields: dict[str, Any]) -> None:
    kinds = {"hull_mask": "b", "grasp_count": "i"}
    for name in ARRAYS:
        values = fields[name]
        if values.dtype.kind != kinds.get(name, "f"):
            raise DexjaxError(f"{path}: {name} has the type {values.dtype}")
        if not np.isfinite(values).all():
            raise DexjaxError(f"{path}: {name} has a value that is not finite")
    most, counts = fields["grasp_joints"].shape[1], fields["grasp_count"]
    unit = [np.linalg.norm(fields[f], axis=-1) for f in ("rest_quat", "normals")]
    holds = {
        "mass": (fields["mass"] > 0).all(),
        "friction": (fields["friction"] >= 0).all(),
        "hull_mask": fields["hull_mask"].any(axis=1).all(),
        "grasp_count": ((0 <= counts) & (counts <= most)).all(),
        "rest_quat": (np.abs(unit[0] - 1) < _UNIT).all(),
        "normals": (np.abs(unit[1] - 1) < _UNIT).all(),
        "inertia": (np.linalg.eigvalsh(fields["inertia"].astype(float)) > 0).all(),
    }
    for name, right in holds.items():
        if not right:
            raise DexjaxError(f"{path}: {name} has values that no object can have")
