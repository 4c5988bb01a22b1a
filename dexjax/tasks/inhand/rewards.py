"""The rewards of the in-hand task as named terms (DexterityGen, section III-B).

The goal's terms are progress towards it, and a bonus where it is reached; dropping the
object costs less, or holding it still would be best as long as little else is known.
The style's terms are penalties, small beside these: on the size of actions, on the work
of the fingers and on how fast the fingertips go. The paper names such terms and gives
no numbers.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax.grasps.sets.graph import FARTHEST, UNIT_JOINTS_RAD
from dexjax.tasks.inhand.goals import Errors

SCALES = {"progress": 1.0, "reached": 5.0, "dropped": -2.0}
# Of the penalties, before `InhandConfig.style`.
STYLE = {"action": -0.01, "work": -0.05, "speed": -0.05}
TERMS = (*SCALES, *STYLE)


class RewardInputs(NamedTuple):
    """All that a reward may depend on.

    Attributes:
        closer: () how much the potential has grown, see `potential`.
        reached, dropped: () bool, in this step.
        action: (A,) in [-1, 1].
        lead: (A,) rad, targets before the joints.
        bent: (A,) rad that the actuated joints moved.
        moved: (F, 3) m that the fingertips moved.
    """

    closer: jax.Array
    reached: jax.Array
    dropped: jax.Array
    action: jax.Array
    lead: jax.Array
    bent: jax.Array
    moved: jax.Array


def potential(apart: Errors, joints_weight: float) -> jax.Array:
    """Minus the distance to the goal, joints weighted, ().

    An object that falls is soon as far away as it can be: what counts there is that it
    was dropped.
    """
    joints = joints_weight * apart.joints / UNIT_JOINTS_RAD
    return -jnp.minimum(apart.of_object, FARTHEST) - joints


def reward_terms(now: RewardInputs, style: float) -> dict[str, jax.Array]:
    """Every term times its scale, name -> ().

    Args:
        now: the step.
        style: weight of the penalties.
    """
    terms = {
        "progress": now.closer,
        "reached": now.reached.astype(jnp.float32),
        "dropped": now.dropped.astype(jnp.float32),
    }
    penalties = {
        "action": jnp.square(now.action).mean(),
        "work": jnp.abs(now.lead * now.bent).sum(),
        "speed": jnp.linalg.norm(now.moved, axis=-1).sum(),
    }
    scaled = {name: SCALES[name] * term for name, term in terms.items()}
    return scaled | {n: style * STYLE[n] * term for n, term in penalties.items()}
