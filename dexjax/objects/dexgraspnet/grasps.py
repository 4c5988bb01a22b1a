"""DexGraspNet's grasps: files of {qpos, scale}, read without running what they say."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.objects.dexgraspnet import safe_pickle

JOINT_NAMES = tuple(
    f"{finger}J{i}"
    for finger, first in (("FF", 3), ("MF", 3), ("RF", 3), ("LF", 4), ("TH", 4))
    for i in range(first, -1, -1)
)
_ROTATION = ("WRJRx", "WRJRy", "WRJRz")
_TRANSLATION = ("WRJTx", "WRJTy", "WRJTz")
# Grasps of one scale agree with it to float32.
_SCALE_TOLERANCE = 5e-4


class Grasp(NamedTuple):
    """A hand pose that holds an object.

    Attributes:
        rotation: (3, 3) palm frame in the object frame.
        translation: (3,) palm origin in the object frame, m.
        joints: (22,) finger joints in the order of `JOINT_NAMES`, rad.
        scale: the factor on the unit mesh, m.
    """

    rotation: np.ndarray
    translation: np.ndarray
    joints: np.ndarray
    scale: float


def read_grasp_files(path: Path) -> list[Grasp]:
    """Grasps of one object.

    Args:
        path: a .npy file of layout A, or a .npz file or a folder of them, layout B.

    Raises:
        DexjaxError: missing, damaged, or not grasps.
    """
    if path.is_dir():
        files = sorted(path.glob("*.npz"))
        if not files:
            raise DexjaxError(f"{path}: no .npz grasps in this folder")
        return [_grasp_b(file) for file in files]
    if path.suffix == ".npz":
        return [_grasp_b(path)]
    entries = safe_pickle.load_npy(path)
    if not isinstance(entries, list) or not entries:
        raise DexjaxError(f"{path}: not a list of grasps")
    return [_grasp(path, e, f"grasp {i}", False) for i, e in enumerate(entries)]


def grasps_at(grasps: list[Grasp], scale: float) -> list[Grasp]:
    """Those of `grasps` that were made for this scale."""
    return [g for g in grasps if abs(g.scale - scale) < _SCALE_TOLERANCE]


def _grasp_b(path: Path) -> Grasp:
    return _grasp(path, safe_pickle.load_npz(path), "grasp", inverse=True)


def _grasp(path: Path, entry: Any, which: str, inverse: bool) -> Grasp:
    """Checks one {qpos, scale} and turns it into a `Grasp`."""
    try:
        qpos = dict(entry)["qpos"]
        pose = [float(qpos[key]) for key in _ROTATION + _TRANSLATION]
        joints = [float(qpos[f"robot0:{name}"]) for name in JOINT_NAMES]
        scale = float(entry["scale"])
    except KeyError as error:
        raise DexjaxError(f"{path}: {which} lacks {error}") from None
    except (TypeError, ValueError, IndexError, OverflowError):
        raise DexjaxError(f"{path}: {which} is not a dict of numbers") from None
    if not np.isfinite([*pose, *joints, scale]).all() or scale <= 0:
        raise DexjaxError(f"{path}: {which} has a value that is not finite")
    return Grasp(
        rotation=Rotation.from_euler("xyz", pose[:3]).as_matrix(),
        translation=np.array(pose[3:]),
        joints=np.array(joints),
        scale=1.0 / scale if inverse else scale,
    )
