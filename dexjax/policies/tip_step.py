"""From where fingertips are to go to what joints do: one damped step."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.hands import Hand
from dexjax.hands.finger_state import finger_keypoints

# Of the least squares, m/rad: a fingertip moves some 0.1 m/rad. In a direction in which
# it moves far less, joints are left where they are.
_DAMPING = 0.01


def tip_step(hand: Hand) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """A function from offsets of the fingertips to changes of the actuated joints.

    By damped least squares, dq = J^T (J J^T + d^2 I)^-1 dx.

    Returns:
        fn(joints (…, J) rad, offset (…, F, 3) m in the palm's frame) -> (…, A) rad.
    """
    tips, follows = finger_keypoints(hand, 1), jnp.asarray(_follows(hand))

    def one(joints: jax.Array, offset: jax.Array) -> jax.Array:
        jacobian = jax.jacfwd(lambda q: tips(q).ravel())(joints) @ follows
        square = jacobian @ jacobian.T + _DAMPING**2 * jnp.eye(len(jacobian))
        return jacobian.T @ jnp.linalg.solve(square, offset.ravel())

    return jnp.vectorize(one, signature="(j),(f,c)->(a)")


def _follows(hand: Hand) -> np.ndarray:
    """How far each joint moves with each actuated one, (J, A)."""
    number = {name: i for i, name in enumerate(hand.joints)}
    follows = np.zeros((len(hand.joints), len(hand.actuated)), np.float32)
    follows[hand.actuated_index, np.arange(len(hand.actuated))] = 1.0
    for driving, following, ratio in hand.couplings:
        follows[number[following]] = ratio * follows[number[driving]]
    return follows
