"""What a finished training leaves behind: summary.json, curve, video, contact sheet."""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.evaluation.contacts import contact_depths
from dexjax.evaluation.episodes import Evaluation, evaluate
from dexjax.learners.learner import Learner
from dexjax.physics.native import NativeEngine
from dexjax.render.film import film
from dexjax.runs.assemble import fresh_task
from dexjax.runs.loop import Trained
from dexjax.runs.records.plots import learning_curve
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import Run
from dexjax.runs.storage.folder import RunFolder
from dexjax.tasks.task import WatchedTask

RAW_STEPS = 16


def write_report(
    folder: RunFolder, run: Run, learner: Learner, trained: Trained, task: WatchedTask
) -> dict:
    """Evaluates the policy on fresh episodes and writes everything; the summary.

    Args:
        folder: the run's.
        run: what was trained.
        learner: the learner.
        trained: what it learned.
        task: the task as it was trained.
    """
    began = time.monotonic()
    each = -(-run.budget.eval_episodes // len(task.objects))
    fresh = fresh_task(run, task.engine, each)
    policy = learner.policy(trained.state)
    evaluation = evaluate(fresh, policy, fresh.episodes(each), run.seed + 1)
    learning_curve(
        folder.path / "metrics.csv",
        folder.path / "curve.png",
        f"{run.scene.object}, preset {run.preset}, seed {run.seed}",
    )
    film(folder.path, "rollout", task.engine, evaluation.recorded)
    wall_s = trained.wall_s + time.monotonic() - began
    summary = summarise(run, evaluation, trained, task, wall_s)
    folder.write_summary(summary)
    return summary


def summarise(
    run: Run,
    evaluation: Evaluation,
    trained: Trained,
    task: WatchedTask,
    wall_s: float,
) -> dict:
    """The machine-readable result of a run."""
    env_steps = int(trained.state.env_steps)
    succeeded = evaluation.succeeded
    holding = jax.tree.map(lambda x: x[succeeded], evaluation.holding)
    return {
        "object": run.scene.object,
        "objects": len(task.objects),
        **evaluation.summary(),
        "env_steps": env_steps,
        "iterations": trained.iterations,
        "wall_s": round(wall_s, 1),
        "train_wall_s": round(trained.wall_s, 1),
        "train_steps_per_s": round(env_steps / trained.wall_s, 1),
        "raw_steps_per_s": raw_steps_per_s(task, trained),
        "contacts": contact_depths(task.engine.scene, holding),
        "broken_worlds": trained.broken,
        "engine": task.engine.name,
        "hand": run.scene.hand,
        "preset": run.preset,
        "stop_at": run.budget.stop_at,
        "learner": dataclasses.asdict(run.learner),
        "seed": run.seed,
        **provenance(),
    }


def raw_steps_per_s(task: WatchedTask, trained: Trained) -> float | None:
    """Control steps/s of `mujoco.rollout` alone from the final training worlds.

    Native engine only; None for the others.
    """
    if not isinstance(task.engine, NativeEngine):
        return None
    worlds = jax.device_get(trained.state.worlds)
    ctrl = jax.vmap(task.applied)(jax.tree.map(jnp.asarray, worlds))
    held = np.repeat(np.asarray(ctrl)[None], RAW_STEPS, axis=0)
    return round(task.engine.raw_rate(worlds.physics, held), 1)
