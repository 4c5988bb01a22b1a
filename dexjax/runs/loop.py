"""The loop around a learner: resume, log, checkpoint, stop."""

import contextlib
import time
from typing import NamedTuple

import jax
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.evaluation.episodes import drawn, evaluate
from dexjax.learners.learner import Learner, LearnerState
from dexjax.runs.records.metrics import Metrics, read_metrics
from dexjax.runs.records.progress import Progress
from dexjax.runs.run import Run
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder
from dexjax.runs.stored import policy_meta
from dexjax.spec import TaskSpec
from dexjax.tasks.task import BROKEN, EPISODES, RETURN, Task

RECENT_EPISODES = 512
# Iterations between evaluations of the deterministic policy, once the training succeeds
# in this share of its recent episodes.
VALIDATE_EVERY = 20
VALIDATE_FROM = 0.5
VALIDATION_EPISODES = 256
# Broken worlds are reset and counted; a training that breaks this share of all steps
# has another fault.
MOST_BROKEN = 0.01
# Saving takes at most one part in so many of the time.
SAVING = 20

Row = dict[str, float]


class Trained(NamedTuple):
    """A finished training.

    Attributes:
        state: of the learner.
        iterations: done in all.
        wall_s: s of wall time of all processes that worked on it, set-up included.
        broken: worlds that had to be reset.
    """

    state: LearnerState
    iterations: int
    wall_s: float
    broken: int


def train(
    folder: RunFolder, run: Run, learner: Learner, task: Task, started: float
) -> Trained:
    """Trains until the budget is spent or the policy is validated as good enough.

    Args:
        folder: locked run folder; an unfinished run in it is resumed.
        run: what is trained.
        learner: the learner.
        task: what the policy acts in.
        started: `time.monotonic()` at the start of the process's work.

    Raises:
        DexjaxError: if worlds keep breaking, or nothing can be written.
    """
    key = jax.random.key(run.seed)
    blank = jax.eval_shape(learner.init, key)
    policy = jax.eval_shape(learner.policy, blank)
    meta = policy_meta(policy) | {"object": run.scene.object}
    iteration, state, spent = _resume(folder, meta, blank)
    if not iteration:
        state = learner.init(key)
    metrics = Metrics(folder.path, iteration if iteration else None)
    recent = _recent_rows(folder) if iteration else []
    budget, spec = run.budget, task.spec
    progress = Progress(run.env_steps, int(state.env_steps), run.scene.object)
    saved = clock = time.monotonic()
    pause = budget.checkpoint_every
    steps = run.learner.worlds * run.learner.steps
    done = _finished(run, state, recent)
    # Closed whatever happens, or an error would be told on the bar's own line.
    with contextlib.closing(metrics), contextlib.closing(progress):
        while not done:
            state, measured = learner.train(state)
            iteration += 1
            # Before the clock is read: until then nothing may be computed yet.
            measured = jax.device_get(measured)
            now = time.monotonic()
            row = _row(measured, spec, state, spent + now - started)
            row["steps_per_s"] = steps / (now - clock)
            recent = _recent([*recent, row])
            _check_sound(recent, steps)
            row["success_validated"] = _validate(
                run, learner, task, state, recent, iteration
            )
            metrics.write(iteration, row)
            progress.update(int(state.env_steps), _share(recent, spec))
            done = _finished(run, state, recent)
            clock = time.monotonic()
            if done or clock - saved >= pause:
                wall_s = spent + now - started
                _save(folder, iteration, learner, state, meta | {"wall_s": wall_s})
                saved = time.monotonic()
                pause = max(budget.checkpoint_every, SAVING * (saved - clock))
                clock = saved
    broken = int(sum(read_metrics(metrics.path)[BROKEN]))
    return Trained(state, iteration, spent + time.monotonic() - started, broken)


def _resume(
    folder: RunFolder, meta: dict, state: LearnerState
) -> tuple[int, LearnerState, float]:
    """Iteration, state and wall time so far of the newest checkpoint, if any."""
    if checkpoint.latest_step(folder.checkpoints) is None:
        return 0, state, 0.0
    step, state, found = checkpoint.restore(
        folder.checkpoints, state, expect={"policy": meta["policy"]}, part="state"
    )
    steps = f"{int(state.env_steps):,} steps"
    print(f"resuming {folder.path} after iteration {step} ({steps})")
    return step, state, found["wall_s"]


def _save(
    folder: RunFolder, iteration: int, learner: Learner, state: LearnerState, meta: dict
) -> None:
    """Saves what acting needs and what going on needs, side by side."""
    tree = {"policy": learner.policy(state), "state": state}
    checkpoint.save(folder.checkpoints, iteration, tree, meta)


def _row(measured: dict, spec: TaskSpec, state: LearnerState, wall_s: float) -> Row:
    episodes, total = float(measured.pop(EPISODES)), float(measured.pop(RETURN))
    share = 1.0 / episodes if episodes else float("nan")
    ended = {name: share * float(measured.pop(name)) for name in spec.outcomes}
    return {
        "env_steps": int(state.env_steps),
        "wall_s": wall_s,
        "episodes": episodes,
        **{f"success_{name}": value for name, value in ended.items()},
        "episode_return": total * share,
        **{name: float(value) for name, value in measured.items()},
    }


def _recent_rows(folder: RunFolder) -> list[Row]:
    columns = read_metrics(folder.path / "metrics.csv")
    rows = [
        dict(zip(columns, values, strict=True))
        for values in zip(*columns.values(), strict=True)
    ]
    return _recent(rows)


def _recent(rows: list[Row]) -> list[Row]:
    """The last rows that together hold `RECENT_EPISODES`."""
    episodes = np.cumsum([row["episodes"] for row in reversed(rows)])
    return rows[-(int(np.searchsorted(episodes, RECENT_EPISODES)) + 1) :]


def _share(recent: list[Row], spec: TaskSpec) -> float | None:
    """Share of recent episodes that were a success."""
    ended = [row for row in recent if row["episodes"]]
    episodes = sum(row["episodes"] for row in ended)
    if not episodes:
        return None
    name = f"success_{spec.success}"
    return sum(row[name] * row["episodes"] for row in ended) / episodes


def _finished(run: Run, state: LearnerState, recent: list[Row]) -> bool:
    if int(state.env_steps) >= run.env_steps:
        return True
    validated = recent[-1]["success_validated"] if recent else float("nan")
    return run.budget.stop_at > 0 and validated >= run.budget.stop_at


def _validate(
    run: Run,
    learner: Learner,
    task: Task,
    state: LearnerState,
    recent: list[Row],
    iteration: int,
) -> float:
    """Success of the deterministic policy every few iterations, otherwise NaN.

    With its exploration noise the policy that trains drops what it could hold, so that
    the training's own episodes are no measure of what has been learned.
    """
    hopeful = (_share(recent, task.spec) or 0.0) >= VALIDATE_FROM
    if run.budget.stop_at == 0 or iteration % VALIDATE_EVERY or not hopeful:
        return float("nan")
    episodes = drawn(task.episodes(), VALIDATION_EPISODES, iteration)
    found = evaluate(task, learner.policy(state), episodes, iteration)
    return float(found.succeeded.mean())


def _check_sound(recent: list[Row], steps: int) -> None:
    broken = sum(row[BROKEN] for row in recent)
    if broken > MOST_BROKEN * steps * len(recent):
        raise DexjaxError(
            f"{broken:.0f} worlds broke in the last {len(recent)} iterations (not a "
            "number, or faster than 1000 m/s): the object or the engine is at fault"
        )
