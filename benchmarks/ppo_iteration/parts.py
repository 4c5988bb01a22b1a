"""What the parts of an iteration take: physics, task, policy, advantages, update."""

import statistics
from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from throughput import make_task

from dexjax.learners import worlds
from dexjax.learners.ppo import learner as ppo
from dexjax.learners.ppo import rollout as ppo_rollout
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import TrainState
from dexjax.physics.native import NativeEngine
from dexjax.runs.launch import ppo_learner
from dexjax.runs.run import PpoRun
from dexjax.tasks.grasp import GraspTask
from ppo_iteration.timing import (
    NOW,
    OBJECT,
    Measured,
    measure,
    measure_training,
    warmed_up,
)

PHYSICS = "physics: mujoco.rollout"
TASK = "task: control, observation, reward, reset"


def part_rows(rounds: int) -> list[dict]:
    """Seconds of every part, without those of the parts that it contains."""
    task = make_task("native", OBJECT)
    learner = ppo_learner(NOW)(task, None)
    state = warmed_up(learner)
    parts = make_parts(task, NOW, state)
    for call in parts.values():
        jax.block_until_ready(call())
    found: dict[str, list[Measured]] = {name: [] for name in (*parts, "iteration")}
    for _ in range(rounds):
        for name, call in parts.items():
            found[name].append(measure(call))
        found["iteration"].append(measure_training(learner.train, state))
    whole = statistics.median(call.wall_s for call in found["iteration"])
    physics, stepping, rollout, *rest = found
    rows = [
        _part(physics, found[physics], None, whole),
        _part(stepping, found[stepping], found[physics], whole),
        _part("policy", found[rollout], found[stepping], whole),
    ]
    return rows + [_part(name, found[name], None, whole) for name in rest]


def _part(
    name: str, calls: list[Measured], inner: list[Measured] | None, whole: float
) -> dict:
    """A part's medians; less those of what it contains, round by round."""
    seconds = [call.wall_s for call in calls]
    if inner is not None:
        seconds = [a - b.wall_s for a, b in zip(seconds, inner, strict=True)]
    typical = statistics.median(seconds)
    busy = statistics.median(call.cpu_s / call.wall_s for call in calls)
    return {
        "kind": "part",
        "what": name,
        "seconds": round(typical, 4),
        "share": round(typical / whole, 3),
        # Nothing can be said of a difference.
        "cores_busy": round(busy, 2) if inner is None else None,
    }


def make_parts(task: GraspTask, run: PpoRun, state: TrainState) -> dict[str, Callable]:
    """The parts of an iteration that starts from a state, as calls without arguments.

    The first three contain one another: physics, the task's step around it, and the
    whole rollout.
    """
    assert isinstance(task.engine, NativeEngine)
    config = run.ppo
    networks = Networks(run.network.actor(task.spec), run.network.critic(task.spec))
    together = worlds.batched(task)
    rollout = jax.jit(partial(ppo_rollout.roll_out, together, networks, config))
    batch = jax.jit(partial(ppo_rollout.make_batch, networks, config))
    update = jax.jit(partial(ppo._update, networks, config))
    replay = jax.jit(partial(jax.lax.scan, _replayed(together)))
    key = jax.random.key(1)
    after, _, trajectory, _ = rollout(state, key)
    samples = batch(state, trajectory, after.obs)
    ctrl = np.asarray(jax.vmap(jax.vmap(task.control))(trajectory.action))
    physics = jax.device_get(state.worlds.physics)
    return {
        PHYSICS: lambda: task.engine.raw_rate(physics, ctrl),
        TASK: lambda: replay(state.worlds, trajectory.action),
        "rollout": lambda: rollout(state, key),
        "values and advantages": lambda: batch(state, trajectory, after.obs),
        "update": lambda: update(state, samples, key),
    }


def _replayed(together: worlds.Worlds) -> Callable:
    def one(before, action):
        after = together.advance(before, action)
        return together.restart(after), (before.obs, after.reward)

    return one
