"""The loop around the learner: resume, log, checkpoint, stop."""

import contextlib
import time
from typing import NamedTuple

import jax
import numpy as np
from jax.tree_util import Partial

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner, LearnerState
from dexjax.runs import checkpoint
from dexjax.runs.codes import encoder_name
from dexjax.runs.config import RunConfig
from dexjax.runs.evaluation import drawn, evaluate
from dexjax.runs.folder import RunFolder
from dexjax.runs.hyper import HyperConfig
from dexjax.runs.metrics import Metrics, Progress, read_metrics
from dexjax.runs.student import StudentConfig
from dexjax.tasks.grasp import GraspTask

RECENT_EPISODES = 512
# Iterations between evaluations of the deterministic policy, once the training holds
# the object in this share of its recent episodes.
VALIDATE_EVERY = 20
VALIDATE_FROM = 0.5
VALIDATION_EPISODES = 256
# Broken worlds are reset and counted; a training that breaks this share of all steps
# has another fault.
MOST_BROKEN = 0.01


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
    run: RunFolder, config: RunConfig, learner: Learner, task: GraspTask, started: float
) -> Trained:
    """Trains until the budget is spent or the policy is validated as good enough.

    Args:
        run: locked run folder; an unfinished run in it is resumed.
        config: of the run.
        learner: the learner.
        task: what it trains on.
        started: `time.monotonic()` at the start of the process's work.

    Raises:
        DexjaxError: if worlds keep breaking, or nothing can be written.
    """
    state = learner.init(jax.random.key(config.seed))
    iteration, state, spent = _resume(run, config, state)
    metrics = Metrics(run.path, iteration if iteration else None)
    recent = _recent_rows(run) if iteration else []
    progress = Progress(config.env_steps, int(state.env_steps), config.object)
    saved = clock = time.monotonic()
    steps = config.learner.worlds * config.learner.steps
    done = _finished(config, state, recent)
    # Closed whatever happens, or an error would be told on the bar's own line.
    with contextlib.closing(metrics), contextlib.closing(progress):
        while not done:
            state, measured = learner.train(state)
            iteration += 1
            # Before the clock is read: until then nothing may be computed yet.
            measured = jax.device_get(measured)
            now = time.monotonic()
            row = _row(measured, state, spent + now - started)
            row["steps_per_s"] = steps / (now - clock)
            recent = _recent([*recent, row])
            _check_sound(recent, steps)
            row["success_validated"] = _validate(
                config, learner, task, state, recent, iteration
            )
            metrics.write(iteration, row)
            progress.update(int(state.env_steps), _share(recent))
            done = _finished(config, state, recent)
            clock = time.monotonic()
            if done or now - saved >= config.checkpoint_every:
                _save(run, config, iteration, state, spent + now - started)
                saved = time.monotonic()
    broken = int(sum(read_metrics(metrics.path)["broken"]))
    return Trained(state, iteration, spent + time.monotonic() - started, broken)


def identity(config: RunConfig) -> dict:
    """What a checkpoint must agree with to be used by a run."""
    common = {
        "hand": config.hand,
        "observation": config.task.observation,
        "relative": config.task.relative,
        "wrist": config.wrist,
        "encoder": encoder_name(config.encoder) if config.sees_codes else None,
    }
    if isinstance(config, StudentConfig):
        return common | {"teacher": config.teacher_digest}
    if not isinstance(config, HyperConfig):
        return common
    return common | {
        "bases": config.mixture.digests,
        "residual": config.mixture.residual,
        "normalisation": config.mixture.normalisation,
    }


def _resume(
    run: RunFolder, config: RunConfig, state: LearnerState
) -> tuple[int, LearnerState, float]:
    """Iteration, state and wall time so far of the newest checkpoint, if any."""
    if checkpoint.latest_step(run.checkpoints) is None:
        return 0, state, 0.0
    step, state, meta = checkpoint.restore(
        run.checkpoints, state, expect=identity(config)
    )
    print(
        f"resuming {run.path} after iteration {step} ({int(state.env_steps):,} steps)"
    )
    return step, state, meta["wall_s"]


def _save(
    run: RunFolder,
    config: RunConfig,
    iteration: int,
    state: LearnerState,
    wall_s: float,
) -> None:
    meta = identity(config) | {"object": config.object, "wall_s": wall_s}
    checkpoint.save(run.checkpoints, iteration, state, meta)


def _row(measured: dict, state: LearnerState, wall_s: float) -> dict[str, float]:
    episodes = float(measured.pop("episodes"))
    held, reached, total = (
        float(measured.pop(name)) for name in ("held", "reached", "return")
    )
    share = 1.0 / episodes if episodes else float("nan")
    return {
        "env_steps": int(state.env_steps),
        "wall_s": wall_s,
        "episodes": episodes,
        "success_held": held * share,
        "success_reached": reached * share,
        "episode_return": total * share,
        **{name: float(value) for name, value in measured.items()},
    }


def _recent_rows(run: RunFolder) -> list[dict[str, float]]:
    columns = read_metrics(run.path / "metrics.csv")
    rows = [
        dict(zip(columns, values, strict=True))
        for values in zip(*columns.values(), strict=True)
    ]
    return _recent(rows)


def _recent(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """The last rows that together hold `RECENT_EPISODES`."""
    episodes = np.cumsum([row["episodes"] for row in reversed(rows)])
    return rows[-(int(np.searchsorted(episodes, RECENT_EPISODES)) + 1) :]


def _share(recent: list[dict[str, float]]) -> float | None:
    """Share of recent episodes that held the object."""
    ended = [row for row in recent if row["episodes"]]
    episodes = sum(row["episodes"] for row in ended)
    if not episodes:
        return None
    return sum(row["success_held"] * row["episodes"] for row in ended) / episodes


def _finished(
    config: RunConfig, state: LearnerState, recent: list[dict[str, float]]
) -> bool:
    if int(state.env_steps) >= config.env_steps:
        return True
    validated = recent[-1]["success_validated"] if recent else float("nan")
    return config.stop_at > 0 and validated >= config.stop_at


def _validate(
    config: RunConfig,
    learner: Learner,
    task: GraspTask,
    state: LearnerState,
    recent: list[dict[str, float]],
    iteration: int,
) -> float:
    """Success of the deterministic policy every few iterations, otherwise NaN.

    With its exploration noise the policy that trains drops what it could hold, so that
    the training's own episodes are no measure of what has been learned.
    """
    hopeful = (_share(recent) or 0.0) >= VALIDATE_FROM
    if config.stop_at == 0 or iteration % VALIDATE_EVERY or not hopeful:
        return float("nan")
    act = Partial(learner.act, state.policy)
    episodes = drawn(task, VALIDATION_EPISODES, iteration)
    return float(evaluate(task, act, episodes, iteration).held.mean())


def _check_sound(recent: list[dict[str, float]], steps: int) -> None:
    broken = sum(row["broken"] for row in recent)
    if broken > MOST_BROKEN * steps * len(recent):
        raise DexjaxError(
            f"{broken:.0f} worlds broke in the last {len(recent)} iterations (not a "
            "number, or faster than 1000 m/s): the object or the engine is at fault"
        )
