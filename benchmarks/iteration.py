"""What a PPO iteration spends its time on, and what each change took off it.

    python benchmarks/iteration.py [--rounds 15] [--out FILE.json]

Of the laptop preset on one object, everything from the same states, in turn in one
process; medians over the rounds. Rows of two kinds:

"part": one part of the iteration as it is now, with its share of the whole and how many
cores it kept busy.

"change": whole iterations with one change undone (or, for what was tried and not taken,
done), against those of the present learner in the same round: seconds before and after
the change. A `ratio` above 1 means that the learner is faster as it is.

Writes benchmarks/results/iteration.json.
"""

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from throughput import make_task

from dexjax.errors import main_guard
from dexjax.learners import worlds
from dexjax.learners.learner import Learner
from dexjax.learners.ppo import learner as ppo
from dexjax.learners.ppo import rollout as ppo_rollout
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import TrainState
from dexjax.physics.host_call import HostFunction
from dexjax.physics.native import NativeEngine
from dexjax.runs.launch import ppo_learner
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import PpoRun
from dexjax.runs.storage.files import write_json
from dexjax.systems.resdex.presets import preset
from dexjax.tasks.grasp import GraspTask
from dexjax.tasks.task import where

OUT = Path(__file__).resolve().parent / "results" / "iteration.json"
OBJECT = "mug"
WARM_UP = 5
PHYSICS = "physics: mujoco.rollout"
TASK = "task: control, observation, reward, reset"


class Measured(NamedTuple):
    """Of one call: seconds, and processor seconds of all threads."""

    wall_s: float
    cpu_s: float


def measure(call: Callable) -> Measured:
    """Until its result is there."""
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(call())
    return Measured(time.perf_counter() - wall, time.process_time() - cpu)


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


def warmed_up(learner: Learner) -> TrainState:
    """A state whose worlds have spread."""
    state = learner.init(jax.random.key(0))
    for _ in range(WARM_UP):
        state, _ = learner.train(state)
    return state


def measure_training(train: Callable, state: TrainState) -> Measured:
    """One iteration from a state, which stays as it is."""
    given_away = jax.block_until_ready(jax.tree.map(jnp.copy, state))
    return measure(lambda: train(given_away))


@contextlib.contextmanager
def callbacks() -> Iterator[None]:
    """Calls to the host as `jax.pure_callback` makes them, with copies."""

    def call(self: HostFunction, outputs, *inputs):
        return self._through_callback(outputs)(*inputs)

    with mock.patch.object(HostFunction, "__call__", call):
        yield


@contextlib.contextmanager
def critic_asked_again() -> Iterator[None]:
    """Values of all observations after the rollout."""
    kept = ppo.make_batch

    def batch(networks, config, state, trajectory, last_obs):
        seen = ppo_rollout.seen_by(networks, config, state.statistics, trajectory.obs)
        value = networks.critic.apply(state.params.critic, seen)
        trajectory = trajectory._replace(value=value)
        return kept(networks, config, state, trajectory, last_obs)

    with mock.patch.object(ppo, "make_batch", batch):
        yield


@contextlib.contextmanager
def ends_of_all() -> Iterator[None]:
    """What an episode's end needs is computed for all worlds in every step."""

    def for_all(function, ended, inputs, otherwise):
        return jax.vmap(where)(ended, function(inputs), otherwise)

    with (
        mock.patch.object(worlds, "for_ended", for_all),
        mock.patch.object(ppo_rollout, "for_ended", for_all),
    ):
        yield


@contextlib.contextmanager
def half_precision() -> Iterator[None]:
    """Networks that compute in bfloat16, their parameters in float32."""
    dense = partial(nn.Dense, dtype=jnp.bfloat16)
    with mock.patch.object(nn, "Dense", dense):
        yield


def with_epochs(run: PpoRun, epochs: int) -> PpoRun:
    """The run with another number of passes over an iteration's data."""
    return dataclasses.replace(run, ppo=dataclasses.replace(run.ppo, epochs=epochs))


NOW = preset("laptop")
TWICE = with_epochs(NOW, 2 * NOW.ppo.epochs)
EPOCHS = (
    f"{NOW.ppo.epochs} epochs of {NOW.ppo.minibatches} minibatches, "
    f"not {TWICE.ppo.epochs} of {TWICE.ppo.minibatches}"
)
# Name -> (the run, what is undone or tried, whether it was taken).
CHANGES = {
    "host calls without copies": (NOW, callbacks, True),
    "values kept from the rollout": (NOW, critic_asked_again, True),
    "ends of episodes computed for the worlds that have them": (NOW, ends_of_all, True),
    EPOCHS: (TWICE, contextlib.nullcontext, True),
    "networks in bfloat16": (NOW, half_precision, False),
}


def change_rows(rounds: int) -> list[dict]:
    """Whole iterations with each change undone or done, against the present ones.

    All from one state, so that the physics has the same to do.
    """
    present = Altered(NOW, contextlib.nullcontext)
    state = warmed_up(present.learner)
    learners = {
        name: Altered(run, altered) for name, (run, altered, _) in CHANGES.items()
    }
    now: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in learners}
    for learner in (present, *learners.values()):
        with learner.altered():  # Compiled now, with what is altered.
            learner.iterate(state)
    for _ in range(rounds):
        now.append(present.iterate(state))
        for name, learner in learners.items():
            found[name].append(learner.iterate(state))
    return [_change(name, now, found[name]) for name in learners]


class Altered:
    """A learner with something altered; its task lives as long."""

    def __init__(self, run: PpoRun, altered: Callable) -> None:
        """Makes it, with a task of its own: nothing traced is shared with another."""
        self.task = make_task("native", OBJECT)
        self.learner = ppo_learner(run)(self.task, None)
        self.altered = altered

    def iterate(self, state: TrainState) -> float:
        """Seconds of one iteration."""
        return measure_training(self.learner.train, state).wall_s


def _change(name: str, now: list[float], altered: list[float]) -> dict:
    taken = CHANGES[name][2]
    ratios = [b / a for a, b in zip(now, altered, strict=True)]
    seconds, other = statistics.median(now), statistics.median(altered)
    before, after = (other, seconds) if taken else (seconds, other)
    return {
        "kind": "change",
        "what": name,
        "taken": taken,
        "before_s": round(before, 4),
        "after_s": round(after, 4),
        "ratio": round(statistics.median(ratios), 3),
    }


def benchmark(rounds: int = 15, out: Path = OUT) -> None:
    """Measures both kinds of rows and writes them.

    Args:
        rounds: of all parts and of all learners in turn.
        out: JSON file to write.
    """
    rows = part_rows(rounds) + change_rows(rounds)
    for row in rows:
        print(row)
    about = {"object": OBJECT, "ppo": dataclasses.asdict(NOW.ppo), "rounds": rounds}
    write_json(out, [row | about | provenance() for row in rows])


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
