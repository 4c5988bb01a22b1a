"""What a finished training leaves behind: summary.json, curve, video, contact sheet."""

import sys
import time

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax.learners.ppo import Ppo
from dexjax.physics.native import NativeEngine
from dexjax.runs.assemble import evaluation_task
from dexjax.runs.config import BaseConfig
from dexjax.runs.contacts import contact_depths
from dexjax.runs.evaluation import Act, Evaluation, evaluate
from dexjax.runs.folder import RunFolder
from dexjax.runs.metrics import provenance
from dexjax.runs.plots import learning_curve
from dexjax.runs.render import render
from dexjax.runs.training import Trained
from dexjax.runs.video import contact_sheet, pick_frames, write_video
from dexjax.tasks.grasp import GraspTask

FRAME_EVERY = 2  # control steps of 20 ms: 25 frames per second
SHOWN_EPISODES = 3
SHEET_FRAMES = 12


def write_report(
    run: RunFolder, config: BaseConfig, ppo: Ppo, trained: Trained, task: GraspTask
) -> dict:
    """Evaluates the policy on fresh episodes and writes everything; the summary.

    Args:
        run: the run's folder.
        config: of the run.
        ppo: the learner.
        trained: what it learned.
        task: the task as it was trained.
    """
    began = time.monotonic()
    fresh = evaluation_task(config, task.engine)

    def act(obs: jax.Array) -> jax.Array:
        return ppo.act(trained.state.policy, obs)

    evaluation = evaluate(fresh, act, config.eval_episodes, config.seed + 1)
    learning_curve(
        run.path / "metrics.csv",
        run.path / "curve.png",
        f"{config.object}, preset {config.preset}, seed {config.seed}",
    )
    film(run, fresh, act, config.seed + 2)
    wall_s = trained.wall_s + time.monotonic() - began
    summary = summarise(config, evaluation, trained, task, wall_s)
    run.write_summary(summary)
    return summary


def summarise(
    config: BaseConfig,
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
    return round(task.engine.raw_rate(worlds.physics, np.asarray(ctrl)), 1)


def film(run: RunFolder, task: GraspTask, act: Act, seed: int) -> None:
    """Writes rollout.mp4 and rollout.png; a failure costs one line, not the run."""
    frames = [rollout_frames(task, act, seed + i) for i in range(SHOWN_EPISODES)]
    joined = [frame for episode in frames for frame in episode]
    trouble = write_video(run.path / "rollout.mp4", joined, fps=50 / FRAME_EVERY)
    if trouble:
        print(trouble, file=sys.stderr)
    shown = [frame for episode in frames[:2] for frame in pick_frames(episode, 6)]
    contact_sheet(shown, run.path / "rollout.png", columns=6)


def rollout_frames(task: GraspTask, act: Act, seed: int) -> list[np.ndarray]:
    """Pictures (240, 320, 3) uint8 of one episode."""

    @jax.jit
    def states(key: jax.Array):
        def step(world, _):
            return task.step(world, act(world.obs)), world.physics

        return jax.lax.scan(step, task.reset(key), length=task.episode_steps)[1]

    physics = jax.device_get(states(jax.random.key(seed)))
    model = task.engine.scene.models[int(physics.object_id[0])]
    data = mujoco.MjData(model)
    frames = []
    for qpos in physics.qpos[::FRAME_EVERY]:
        data.qpos[:] = qpos
        mujoco.mj_forward(model, data)
        frames.append(render(model, data))
    return frames
