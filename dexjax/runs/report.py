"""What a finished training leaves behind: summary.json, curve, video, contact sheet."""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from dexjax.learners.learner import Learner
from dexjax.physics.native import NativeEngine
from dexjax.runs.config import RunConfig
from dexjax.runs.contacts import contact_depths
from dexjax.runs.evaluation import (
    Evaluation,
    evaluate,
    every_object,
    fresh_task,
)
from dexjax.runs.film import film
from dexjax.runs.folder import RunFolder
from dexjax.runs.metrics import provenance
from dexjax.runs.plots import learning_curve
from dexjax.runs.training import Trained
from dexjax.tasks.grasp import GraspTask

RAW_STEPS = 16


def write_report(
    run: RunFolder,
    config: RunConfig,
    learner: Learner,
    trained: Trained,
    task: GraspTask,
) -> dict:
    """Evaluates the policy on fresh episodes and writes everything; the summary.

    Args:
        run: the run's folder.
        config: of the run.
        learner: the learner.
        trained: what it learned.
        task: the task as it was trained.
    """
    began = time.monotonic()
    episodes = -(-config.eval_episodes // len(task.objects))
    fresh = fresh_task(config, task.engine, episodes)
    act = Partial(learner.act, trained.state.policy)
    every = every_object(fresh, episodes)
    evaluation = evaluate(fresh, act, every, config.seed + 1)
    learning_curve(
        run.path / "metrics.csv",
        run.path / "curve.png",
        f"{config.object}, preset {config.preset}, seed {config.seed}",
    )
    film(run.path, "rollout", task.engine.scene, evaluation.recorded)
    wall_s = trained.wall_s + time.monotonic() - began
    summary = summarise(config, evaluation, trained, task, wall_s)
    run.write_summary(summary)
    return summary


def summarise(
    config: RunConfig,
    evaluation: Evaluation,
    trained: Trained,
    task: GraspTask,
    wall_s: float,
) -> dict:
    """The machine-readable result of a run."""
    env_steps = int(trained.state.env_steps)
    holding = jax.tree.map(lambda x: x[evaluation.held], evaluation.holding)
    return {
        "object": config.object,
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
        "hand": config.hand,
        "preset": config.preset,
        "learner": dataclasses.asdict(config.learner),
        "seed": config.seed,
        **provenance(),
    }


def raw_steps_per_s(task: GraspTask, trained: Trained) -> float | None:
    """Control steps/s of `mujoco.rollout` alone from the final training worlds.

    Native engine only; None for the others.
    """
    if not isinstance(task.engine, NativeEngine):
        return None
    worlds = jax.device_get(trained.state.worlds)
    ctrl = jax.vmap(task.control)(jnp.asarray(worlds.memory.previous_action))
    held = np.repeat(np.asarray(ctrl)[None], RAW_STEPS, axis=0)
    return round(task.engine.raw_rate(worlds.physics, held), 1)
