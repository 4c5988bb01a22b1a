"""From what was recorded of a hand to what its models learn from."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax.hands import Hand
from dexjax.hands.finger_state import finger_keypoints, hand_state
from dexjax.networks.diffusion.motions import FUTURE, HISTORY, STEP_RAD, Example


class Windows(NamedTuple):
    """HISTORY + FUTURE = L consecutive control steps of many hands.

    Attributes:
        joints: (batch, L, J) rad.
        targets: (batch, L, A) rad, where the actuators pull when that is read.
        forces: (batch, L, 3 F) N at the fingertips, each in its own frame.
        mode: (batch,) int32, index in `film_unet.MODES`.
    """

    joints: jax.Array
    targets: jax.Array
    forces: jax.Array
    mode: jax.Array


def prepare(
    hand: Hand, per_finger: int = 2, touch: bool = False
) -> Callable[[Windows], Example]:
    """A jitted function from windows to examples (DexterityGen, IV-B).

    The present is the last step of the history. An action is clipped to [-1, 1]: a
    target that is held near its joint can move farther than a controller may move it.

    Args:
        hand: that was recorded.
        per_finger: keypoints of each finger.
        touch: whether the forces are part of the history, behind the hand's state.
    """
    state, keypoints = hand_state(hand), finger_keypoints(hand, per_finger)

    def examples(windows: Windows) -> Example:
        past = slice(0, HISTORY)
        history = state(windows.joints[:, past], windows.targets[:, past])
        if touch:
            history = jnp.concatenate([history, windows.forces[:, past]], axis=-1)
        now = HISTORY - 1
        places = keypoints(windows.joints[:, now : HISTORY + FUTURE])
        moved = windows.targets[:, now + 1] - windows.targets[:, now]
        return Example(
            history,
            places[:, 1:] - places[:, :1],
            jnp.clip(moved / STEP_RAD, -1.0, 1.0),
            windows.mode,
        )

    return jax.jit(examples)
