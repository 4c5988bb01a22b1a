"""What is kept of every control step of every world."""

from typing import NamedTuple

import numpy as np

from dexjax.data.spec import TransitionSpec
from dexjax.errors import DexjaxError

# Steps that end with a drop and teach nothing but dropping: 2 s at 10 Hz.
SAFE_STEPS = 20


class Steps(NamedTuple):
    """Control steps of many worlds.

    All arrays have the leading dimensions (worlds, steps). Poses are in the frame of
    the palm's centre. The action of step t is targets[t + 1] - targets[t]; the last
    step of an episode has none, as what follows is another episode.

    Attributes:
        joints: (…, J) float16 rad, before the action.
        targets: (…, A) float16 rad, in force before the action.
        position: (…, 3) float16 m, of the object.
        quaternion: (…, 4) float16 wxyz, of the object.
        forces: (…, 3 F) float16 N, at the fingertips.
        object: uint16, index into the spec's objects.
        turn: uint8, how the palm is turned: index into the spec's turns.
        expert: uint8, who acts: index into the spec's experts.
        mode: uint8, index into the spec's modes.
        begins: bool, the first step of an episode.
        reached: bool, a goal was reached in this step.
        safe: bool, from `mark_safe`.
    """

    joints: np.ndarray
    targets: np.ndarray
    position: np.ndarray
    quaternion: np.ndarray
    forces: np.ndarray
    object: np.ndarray
    turn: np.ndarray
    expert: np.ndarray
    mode: np.ndarray
    begins: np.ndarray
    reached: np.ndarray
    safe: np.ndarray


def layout(spec: TransitionSpec) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Type and trailing shape of every array, by name."""
    half, byte, flag = np.dtype(np.float16), np.dtype(np.uint8), np.dtype(bool)
    return {
        "joints": (half, (spec.joints,)),
        "targets": (half, (spec.actuated,)),
        "position": (half, (3,)),
        "quaternion": (half, (4,)),
        "forces": (half, (3 * spec.fingertips,)),
        "object": (np.dtype(np.uint16), ()),
        "turn": (byte, ()),
        "expert": (byte, ()),
        "mode": (byte, ()),
        "begins": (flag, ()),
        "reached": (flag, ()),
        "safe": (flag, ()),
    }


def check_steps(steps: Steps, spec: TransitionSpec) -> None:
    """Refuses steps that are none of a spec.

    Raises:
        DexjaxError: for an array of another shape or type, a number that is not finite,
            or an index that the spec has no name for.
    """
    leading = steps.begins.shape
    if len(leading) != 2 or not steps.begins.size:
        raise DexjaxError(f"begins is of shape {leading}, must be (worlds, steps)")
    for name, (dtype, width) in layout(spec).items():
        array = getattr(steps, name)
        if array.dtype != dtype or array.shape != (*leading, *width):
            raise DexjaxError(
                f"{name} is {array.dtype}{list(array.shape)}, must be "
                f"{dtype}{[*leading, *width]}"
            )
        if dtype.kind == "f" and not np.isfinite(array).all():
            raise DexjaxError(
                f"{name} has a value that is not finite in half precision"
            )
    lists = (spec.objects, spec.turns, spec.experts, spec.modes)
    for name, names in zip(("object", "turn", "expert", "mode"), lists, strict=True):
        most = int(getattr(steps, name).max())
        if most >= len(names):
            raise DexjaxError(
                f"{name} {most} has no name: the spec has {len(names)}, from 0"
            )


def mark_safe(
    begins: np.ndarray, dropped: np.ndarray, steps: int = SAFE_STEPS
) -> np.ndarray:
    """Which steps are not about to drop the object.

    A step is unsafe if the object is dropped in it or in one of the `steps` - 1 steps
    after it in the same episode; and if the arrays end too early to tell.

    Args:
        begins: (worlds, steps) bool, the first step of an episode.
        dropped: (worlds, steps) bool, the object was dropped in this step.
        steps: that a drop makes unsafe, its own among them.

    Returns:
        (worlds, steps) bool.

    Raises:
        DexjaxError: for arrays of different shapes, or less than one step.
    """
    if begins.ndim != 2 or begins.shape != dropped.shape:
        raise DexjaxError(
            f"begins {list(begins.shape)} and dropped {list(dropped.shape)} must both "
            "be (worlds, steps)"
        )
    if steps < 1:
        raise DexjaxError(f"a drop makes {steps} steps unsafe: must be 1 or more")
    safe = np.empty(begins.shape, bool)
    # Steps until the next drop of the episode; at the end it may be the very next one.
    until = np.ones(len(begins), int)
    for t in reversed(range(begins.shape[1])):
        until[dropped[:, t]] = 0
        safe[:, t] = until >= steps
        until = np.where(begins[:, t], steps, until + 1)
    return safe
