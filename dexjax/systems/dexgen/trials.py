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
from dexjax.learners.worlds import batched
from dexjax.networks.carry import begun_again
from dexjax.networks.diffusion.motions import STEP_RAD
from dexjax.physics.engine import PhysicsState
from dexjax.policies.policy import Policy
from dexjax.policies.prompt import prompted
from dexjax.spec import PolicySpec
from dexjax.tasks.inhand import InhandTask
from dexjax.tasks.inhand.memory import DROPS, GOALS, TIMEOUTS
from dexjax.tasks.inhand.observations import GOAL
from dexjax.tasks.task import TaskState

CONTROL_S = 0.1
_DRAWS = 1000  # of a bootstrap
_SLOW_RAD = 0.1


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
        kind: "nothing"; "random"; "replay", which sets the targets to the goal's; or
            "straight", which moves them there by 0.1 rad at most in a step, so that all
            arrive together.
        joints: of the hand.
        spec: what it acts on.
    """

    KINDS: ClassVar[tuple[str, ...]] = ("nothing", "random", "replay", "straight")

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
        way = goal[:, start : start + actions]
        if self.kind == "straight":
            farthest = jnp.abs(way).max(axis=1, keepdims=True)
            way *= _SLOW_RAD / jnp.maximum(farthest, _SLOW_RAD)
        return jnp.clip(way / STEP_RAD, -1, 1), carry


def simple(kind: str, task: InhandTask) -> Simple:
    """A simple policy, one of `Simple.KINDS`, for a task."""
    return Simple(kind, len(task.hand.joints), PolicySpec.of(task.spec, (GOAL,)))


class Acting(NamedTuple):
    """Who acts in how many worlds.

    Attributes:
        task: what is acted in.
        policy: what acts, or gives commands to the controller.
        worlds: how many.
        steps: control steps of each.
        controller: what acts in the policy's place; none by default.
    """

    task: InhandTask
    policy: Policy
    worlds: int
    steps: int
    controller: Policy | None = None


class Recorded(NamedTuple):
    """What happened in every step of every world; (steps, worlds, …).

    Attributes:
        physics: before the step.
        dropped: bool, the object was dropped in it.
    """

    physics: PhysicsState
    dropped: jax.Array | np.ndarray


# Key, disturbance, guidance and mode -> what came of it.
Trial = Callable[[jax.Array, Disturbance, float, int], Counts]
Recording = Callable[[jax.Array, Disturbance, float, int], Recorded]


def make_trial(acting: Acting) -> Trial:
    """A function that runs worlds for some steps; what drops begins again."""
    run = _runner(acting, _happened)

    def trial(
        key: jax.Array, disturbance: Disturbance, guidance: float, mode: int
    ) -> Counts:
        found = run(key, (disturbance, guidance, mode))
        return jax.device_get(jax.tree.map(lambda x: x.sum(axis=0), found))

    return trial


def make_recording(acting: Acting) -> Recording:
    """The same as `make_trial`, but the function gives what happened, step by step."""

    def seen(before: TaskState, after: TaskState) -> Recorded:
        return Recorded(before.physics, after.metrics[DROPS] > 0)

    run = _runner(acting, seen)

    def recording(
        key: jax.Array, disturbance: Disturbance, guidance: float, mode: int
    ) -> Recorded:
        return jax.device_get(run(key, (disturbance, guidance, mode)))

    return recording


def _runner(
    acting: Acting, keep: Callable[[TaskState, TaskState], Any]
) -> Callable[[jax.Array, tuple], Any]:
    """A jitted function that runs worlds and keeps something of every step.

    Args:
        acting: who acts.
        keep: of the worlds before and after a step.

    Returns:
        fn(key, (disturbance, guidance, mode)) -> what is kept, (steps, …).
    """
    task, policy, worlds, steps, controller = acting
    batch = batched(task)
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
        after = batch.restart(batch.advance(state, action))
        carry = begun_again(carry, policy.init(worlds), after.done)
        return (after, carry, prompt), keep(state, after)

    @jax.jit
    def run(key: jax.Array, told: tuple) -> Any:
        start_key, key = jax.random.split(key)
        state = jax.vmap(task.reset)(jax.random.split(start_key, worlds))
        prompt = () if controller is None else controller.init(worlds)
        now = (state, policy.init(worlds), prompt)
        return jax.lax.scan(partial(step, told), now, jax.random.split(key, steps))[1]

    return run


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
