"""Trials: how long something holds what is in the hand, and how many goals it reaches.

Whatever acts may be disturbed, and act by itself or through a controller
(DexterityGen, Figure 8).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dexjax.hands.finger_state import finger_keypoints
from dexjax.networks.carry import begun_again
from dexjax.networks.diffusion.motions import STEP_RAD
from dexjax.policies.policy import Policy
from dexjax.policies.prompt import prompted
from dexjax.spec import PolicySpec
from dexjax.tasks.inhand import InhandTask
from dexjax.tasks.inhand.memory import DROPS, GOALS, TIMEOUTS
from dexjax.tasks.inhand.observations import GOAL
from dexjax.tasks.task import TaskState

CONTROL_S = 0.1
_DRAWS = 1000  # of a bootstrap


class Disturbance(NamedTuple):
    """What is done to actions: a -> a U(low, high) + U(-added, added).

    Attributes:
        low, high: of the factor.
        added: in units of an action.
    """

    low: float = 1.0
    high: float = 1.0
    added: float = 0.0


DISTURBANCES = {
    "none": Disturbance(),
    "+ U(±0.75)": Disturbance(added=0.75),
    "+ U(±1.5)": Disturbance(added=1.5),
    "× U(0, 0.5)": Disturbance(0.0, 0.5),
    "× U(0, 1)": Disturbance(0.0, 1.0),
}


def disturbed(key: jax.Array, action: jax.Array, disturbance: Disturbance) -> jax.Array:
    """Actions (…) in [-1, 1], disturbed and clipped again."""
    factor_key, added_key = jax.random.split(key)
    low, high, added = disturbance
    factor = jax.random.uniform(factor_key, action.shape, minval=low, maxval=high)
    more = jax.random.uniform(added_key, action.shape, minval=-added, maxval=added)
    return jnp.clip(factor * jnp.clip(action, -1.0, 1.0) + more, -1.0, 1.0)


class Counts(NamedTuple):
    """What happened in each world; (worlds,).

    Attributes:
        goals, drops, timeouts: how many.
        firsts: first goals of an episode that were reached, timed out or dropped at.
        first_goals: those that were reached.
    """

    goals: jax.Array | np.ndarray
    drops: jax.Array | np.ndarray
    timeouts: jax.Array | np.ndarray
    firsts: jax.Array | np.ndarray
    first_goals: jax.Array | np.ndarray


class Simple(struct.PyTreeNode):
    """What experts are measured against: it knows the goal, or not even that.

    Attributes:
        kind: "nothing", "random", or "replay", which sets the targets to the goal's.
        joints: of the hand.
        spec: what it acts on.
    """

    KINDS: ClassVar[tuple[str, ...]] = ("nothing", "random", "replay")

    kind: str = struct.field(pytree_node=False)
    joints: int = struct.field(pytree_node=False)
    spec: PolicySpec = struct.field(pytree_node=False)

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return ()

    def act(
        self, obs: Any, carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`."""
        goal, actions = obs[GOAL], self.spec.actions
        if self.kind == "nothing":
            return jnp.zeros((len(goal), actions)), carry
        if self.kind == "random":
            assert key is not None
            return jax.random.uniform(key, (len(goal), actions), minval=-1.0), carry
        start = 6 + self.joints
        return jnp.clip(goal[:, start : start + actions] / STEP_RAD, -1, 1), carry


def simple(kind: str, task: InhandTask) -> Simple:
    """A simple policy, one of `Simple.KINDS`, for a task."""
    return Simple(kind, len(task.hand.joints), PolicySpec.of(task.spec, (GOAL,)))


Trial = Callable[[jax.Array, Disturbance, float, int], Counts]


def make_trial(
    task: InhandTask,
    policy: Policy,
    worlds: int,
    steps: int,
    controller: Policy | None = None,
) -> Trial:
    """A function that runs worlds for some steps; what drops begins again.

    Args:
        task: what is acted in.
        policy: what acts, or gives commands to the controller.
        worlds: how many.
        steps: control steps of each.
        controller: what acts in its place; none by default.

    Returns:
        fn(key, disturbance, guidance, mode) -> `Counts`.
    """
    tips = finger_keypoints(task.hand, 1)
    driven = task.hand.actuated_index

    def command(state: TaskState, action: jax.Array) -> jax.Array:
        """Fingertip offsets (worlds, F, 3) m that actions stand for."""
        joints = jax.vmap(task.sight.see)(state.physics).joints
        moved = joints.at[:, driven].add(STEP_RAD * action)
        return tips(moved) - tips(joints)

    def step(told: tuple, now: tuple, key: jax.Array):
        state, carry, prompt = now
        disturbance, guidance, mode = told
        act_key, disturb_key, draw_key = jax.random.split(key, 3)
        action, carry = policy.act(state.obs, carry, act_key)
        action = disturbed(disturb_key, action, disturbance)
        if controller is not None:
            prompt = prompted(prompt, command(state, action), guidance, mode)
            action, prompt = controller.act(state.obs, prompt, draw_key)
        after = jax.vmap(task.step)(state, action)
        carry = begun_again(carry, policy.init(worlds), after.done)
        return (after, carry, prompt), _happened(state, after)

    @jax.jit
    def run(key: jax.Array, told: tuple) -> Counts:
        start_key, key = jax.random.split(key)
        state = jax.vmap(task.reset)(jax.random.split(start_key, worlds))
        prompt = () if controller is None else controller.init(worlds)
        now = (state, policy.init(worlds), prompt)
        keys = jax.random.split(key, steps)
        _, found = jax.lax.scan(partial(step, told), now, keys)
        return jax.tree.map(lambda x: x.sum(axis=0), found)

    def trial(
        key: jax.Array, disturbance: Disturbance, guidance: float, mode: int
    ) -> Counts:
        return jax.device_get(run(key, (disturbance, guidance, mode)))

    return trial


def _happened(before: TaskState, after: TaskState) -> Counts:
    """What of a step is counted, (worlds,) each."""
    goals, drops, late = (after.metrics[name] for name in (GOALS, DROPS, TIMEOUTS))
    first = before.memory.first.astype(jnp.float32)
    return Counts(
        goals, drops, late, first * jnp.minimum(goals + drops + late, 1), first * goals
    )


def rates(counts: Counts, steps: int, seed: int = 0) -> dict:
    """What counts come to, with 95 % intervals by a bootstrap over worlds.

    Args:
        counts: of worlds.
        steps: control steps of each.
        seed: of the bootstrap.

    Returns:
        goals_per_min, drops_per_min, hold_s (time by drops; all of the time if there
        was none), success (goals of goals, drops and time-outs), first_goal (share of
        the first goals of an episode), their intervals as <name>_ci95, trials.
    """
    whole = _rates(Counts(*(x.sum() for x in counts)), len(counts.goals), steps)
    rng = np.random.default_rng(seed)
    worlds = len(counts.goals)
    drawn = rng.integers(worlds, size=(_DRAWS, worlds))
    spread = _rates(Counts(*(x[drawn].sum(axis=1) for x in counts)), worlds, steps)
    intervals = {
        f"{name}_ci95": [round(float(x), 4) for x in np.percentile(values, [2.5, 97.5])]
        for name, values in spread.items()
    }
    found = {name: round(float(value), 4) for name, value in whole.items()}
    return found | intervals | {"trials": int(worlds + counts.drops.sum())}


def _rates(sums: Counts, worlds: int, steps: int) -> dict:
    seconds = worlds * steps * CONTROL_S
    over = sums.goals + sums.drops + sums.timeouts
    return {
        "goals_per_min": sums.goals * 60 / seconds,
        "drops_per_min": sums.drops * 60 / seconds,
        "hold_s": seconds / np.maximum(sums.drops, 1),
        "success": sums.goals / np.maximum(over, 1),
        "first_goal": sums.first_goals / np.maximum(sums.firsts, 1),
    }
