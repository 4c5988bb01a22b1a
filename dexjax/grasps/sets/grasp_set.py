"""Grasp sets as arrays: joints, targets and where the object lies in the palm."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.palm import palm_pose
from dexjax.grasps.sets.trial import Grasps
from dexjax.hands import Hand
from dexjax.objects.array_file import read_arrays
from dexjax.objects.object_set import ObjectSet
from dexjax.scene import Scene


@dataclasses.dataclass(frozen=True)
class GraspSets:
    """n grasps of several objects with the palm turned several ways.

    Attributes:
        hand: its name.
        objects: names.
        turns: of the palm, names.
        digest: of the hand and the objects that they were found with.
        object: (n,) index into `objects`.
        turn: (n,) index into `turns`.
        joints: (n, J) rad, as the fingers stand.
        targets: (n, A) rad, that they are driven to.
        position: (n, 3) m, of the object in the frame of the palm's centre.
        quaternion: (n, 4) wxyz, of the object there.
        touching: (n, fingers + 1) bool, the palm last.
        depth: (n,) m, of the deepest contact.
    """

    hand: str
    objects: tuple[str, ...]
    turns: tuple[str, ...]
    digest: str
    object: np.ndarray
    turn: np.ndarray
    joints: np.ndarray
    targets: np.ndarray
    position: np.ndarray
    quaternion: np.ndarray
    touching: np.ndarray
    depth: np.ndarray

    def __len__(self) -> int:
        """How many grasps."""
        return len(self.object)

    def of(self, object_: int, turn: int) -> np.ndarray:
        """Indices of the grasps of one object with one turn of the palm."""
        return np.flatnonzero((self.object == object_) & (self.turn == turn))

    def subset(self, which: np.ndarray) -> "GraspSets":
        """Those of some indices, or of a mask."""
        arrays = {name: getattr(self, name)[which] for name in _ARRAYS}
        return dataclasses.replace(self, **arrays)


_ARRAYS = (
    *("object", "turn", "joints", "targets", "position", "quaternion", "touching"),
    "depth",
)
_NAMES = ("hand", "objects", "turns", "digest")


def digest(hand: Hand, objects: ObjectSet) -> str:
    """Of a hand's file and the shapes of objects: grasps are of these and no others."""
    found = hashlib.sha256(hand.xml.read_bytes())
    found.update(np.round(objects.hulls.astype(np.float64), 6).tobytes())
    return found.hexdigest()[:16]


def from_simulation(
    scene: Scene,
    turns: tuple[str, ...],
    source: ObjectSet,
    grasps: Grasps,
    touching: np.ndarray,
    depth: np.ndarray,
) -> GraspSets:
    """Grasp sets from what the simulation holds.

    Args:
        scene: of `palm_scene`.
        turns: that it was made with.
        source: the objects that it was made with.
        grasps: n of them.
        touching: (n, fingers + 1).
        depth: (n,) m.
    """
    centre, turned = palm_pose(scene)
    into = Rotation.from_quat(turned, scalar_first=True).inv()
    place = scene.object_qpos.start
    quat = Rotation.from_quat(grasps.qpos[:, place + 3 : place + 7], scalar_first=True)
    return GraspSets(
        scene.hand.name,
        source.names,
        turns,
        digest(scene.hand, source),
        scene.object_of(grasps.model).astype(np.uint16),
        scene.variation_of(grasps.model).astype(np.uint8),
        grasps.qpos[:, scene.finger_qpos].astype(np.float32),
        grasps.targets.astype(np.float32),
        into.apply(grasps.qpos[:, place : place + 3] - centre).astype(np.float32),
        (into * quat).as_quat(canonical=True, scalar_first=True).astype(np.float32),
        touching,
        depth.astype(np.float32),
    )


def to_simulation(scene: Scene, sets: GraspSets) -> Grasps:
    """The same grasps in a scene of a fixed palm that has their objects and turns.

    Raises:
        DexjaxError: if the scene is of another hand or other objects.
    """
    if scene.hand.name != sets.hand or len(scene.models) != len(sets.objects) * len(
        sets.turns
    ):
        raise DexjaxError(
            f"grasp sets of the {sets.hand} hand with {len(sets.objects)} objects and "
            f"{len(sets.turns)} turns do not fit a {scene.body} with "
            f"{len(scene.models)} models"
        )
    centre, turned = palm_pose(scene)
    out = Rotation.from_quat(turned, scalar_first=True)
    qpos = np.tile(scene.model.qpos0, (len(sets), 1))
    qpos[:, scene.finger_qpos] = sets.joints
    place = scene.object_qpos.start
    qpos[:, place : place + 3] = centre + out.apply(sets.position)
    quat = out * Rotation.from_quat(sets.quaternion, scalar_first=True)
    qpos[:, place + 3 : place + 7] = quat.as_quat(scalar_first=True)
    model = sets.object.astype(int) * len(sets.turns) + sets.turn
    return Grasps(model, qpos, sets.targets)


def write_sets(file: Path, sets: GraspSets) -> None:
    """Writes a file of plain arrays, whole or not at all.

    Raises:
        DexjaxError: if it cannot be written.
    """
    arrays: dict[str, Any] = {name: getattr(sets, name) for name in _ARRAYS}
    arrays |= {name: np.array(getattr(sets, name)) for name in _NAMES}
    partial = file.with_suffix(".partial.npz")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(partial, **arrays)
        partial.replace(file)
    except OSError as error:
        raise DexjaxError(f"cannot write {file}: {error.strerror}") from error


def read_sets(file: Path, hand: Hand | None = None) -> GraspSets:
    """Reads a file.

    Args:
        file: from `write_sets`.
        hand: that the grasps are to be of; any by default.

    Raises:
        DexjaxError: if there is none, it is damaged, or of another hand.
    """
    if not Path(file).exists():
        raise DexjaxError(f"no grasp sets {file}: make them with `dexjax grasp-sets`")
    try:
        found = read_arrays(Path(file), (*_NAMES, *_ARRAYS))
        _check(found)
    except ValueError as error:
        raise DexjaxError(f"grasp sets {file} are damaged: {error}") from error
    sets = GraspSets(
        str(found["hand"]),
        tuple(map(str, found["objects"])),
        tuple(map(str, found["turns"])),
        str(found["digest"]),
        **{name: found[name] for name in _ARRAYS},
    )
    if hand is not None and sets.hand != hand.name:
        raise DexjaxError(f"grasp sets {file} are of hand {sets.hand}, not {hand.name}")
    return sets


def _check(found: dict[str, np.ndarray]) -> None:
    """Raises `ValueError` for arrays that are no grasp sets."""
    count = found["object"].shape[0] if found["object"].ndim == 1 else -1
    for name in _ARRAYS:
        array = found[name]
        if array.shape[:1] != (count,):
            raise ValueError(f"{name} is of shape {array.shape}, not ({count}, …)")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} has a value that is not finite")
    for name, width in (("position", 3), ("quaternion", 4)):
        if found[name].shape != (count, width):
            raise ValueError(f"{name} is of shape {found[name].shape}")
    for name, list_ in (("object", "objects"), ("turn", "turns")):
        if count and int(found[name].max()) >= len(found[list_]):
            raise ValueError(f"{name} {found[name].max()} is none of {list_}")
    if count and not np.allclose(
        np.linalg.norm(found["quaternion"], axis=1), 1, 0, 0.01
    ):
        raise ValueError("a quaternion is not of length 1")
