"""What models of a hand's motions read and say (DexterityGen, IV-B).

A control step is 0.1 s. All points are in the palm's frame.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax.hands import Hand
from dexjax.hands.finger_state import state_size
from dexjax.networks.diffusion.film_unet import FilmUnet
from dexjax.networks.diffusion.inverse_dynamics import InverseDynamics
from dexjax.networks.scaling import Scaling, scaled

# Control steps that a history goes back, the present one included; and that a motion
# goes ahead.
HISTORY, FUTURE = 4, 2
# How far an action of 1 moves a joint's target, rad.
STEP_RAD = 0.2
# What a task calls the states and the fingertips' forces of a history.
HAND_HISTORY, FORCE_HISTORY = "hand_history", "force_history"
# Largest magnitude of what is scaled: ten standard deviations keep a fast motion and
# stop a broken reading.
CLIP = 10.0


class Sizes(NamedTuple):
    """Sizes of a hand's histories and motions.

    Attributes:
        features: S of a history's state.
        keypoints: K.
        actions: A.
    """

    features: int
    keypoints: int
    actions: int


class Example(NamedTuple):
    """What the models learn from.

    Attributes:
        history: (…, HISTORY, S) of the hand, the present one last.
        motion: (…, FUTURE, K, 3) m, of the keypoints from now on.
        action: (…, A) in [-1, 1], change of the targets / STEP_RAD.
        mode: (…,) int32, index in `film_unet.MODES`.
    """

    history: jax.Array
    motion: jax.Array
    action: jax.Array
    mode: jax.Array


class MotionModels(NamedTuple):
    """The networks, without their parameters.

    Attributes:
        denoiser: of motions.
        inverse: from a motion to the action that leads to it.
        diffusion_steps: levels of noise that the denoiser knows.
    """

    denoiser: FilmUnet
    inverse: InverseDynamics
    diffusion_steps: int

    def init(self, key: jax.Array, features: int) -> dict:
        """Parameters of both, for histories of S features."""
        first, second = jax.random.split(key)
        history = jnp.zeros((1, HISTORY, features))
        motion = jnp.zeros((1, FUTURE, self.denoiser.keypoints, 3))
        none = jnp.zeros(1, jnp.int32)
        return {
            "denoiser": self.denoiser.init(first, history, none, motion, none),
            "inverse": self.inverse.init(second, history, motion),
        }


def motion_sizes(hand: Hand, per_finger: int = 2, touch: bool = False) -> Sizes:
    """Sizes for a hand.

    Args:
        hand: F fingers.
        per_finger: keypoints of each.
        touch: whether a state holds the 3 F forces at the fingertips as well.
    """
    tips = len(hand.fingertips)
    features = state_size(hand) + 3 * tips * touch
    return Sizes(features, per_finger * tips, len(hand.actuated))


def scaling_of_examples(example: Example) -> Scaling:
    """The scaling of "history" (S,) and "motion" (FUTURE, K, 3) by a first batch.

    A feature that does not vary keeps its scale. A coordinate that does not move has a
    deviation of 0.1 mm: in metres, what a network errs by would be a leap.
    """
    history = example.history.reshape(-1, example.history.shape[-1])
    std = history.std(0)
    mean = {"history": history.mean(0), "motion": example.motion.mean(0)}
    return Scaling(
        mean,
        {
            "history": jnp.where(std > 1e-4, std, 1.0),
            "motion": jnp.maximum(example.motion.std(0), 1e-4),
        },
    )


def scaled_history(scaling: Scaling, history: jax.Array) -> jax.Array:
    """A history (…, HISTORY, S) as the networks see it."""
    return scaled(scaling, {"history": history}, CLIP)["history"]


def scaled_motion(scaling: Scaling, motion: jax.Array) -> jax.Array:
    """A motion (…, FUTURE, K, 3) m as the networks see it."""
    return scaled(scaling, {"motion": motion}, CLIP)["motion"]
