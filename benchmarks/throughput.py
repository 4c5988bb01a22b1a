"""How fast the task steps and PPO learns, against `mujoco.rollout` alone.

All sides of a row step the same states with the same controls, in turn, in one process;
the medians are kept. Writes benchmarks/results/throughput.json.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from dexjax.hands import load_hand
from dexjax.learners.ppo import make_ppo
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.physics.native import NativeEngine
from dexjax.runs.config import PRESETS
from dexjax.runs.folder import write_json
from dexjax.runs.metrics import provenance
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspTask

OUT = Path(__file__).resolve().parent / "results" / "throughput.json"
STEPS = 16
ROUNDS = 7


def make_task(engine: str, name: str) -> GraspTask:
    """The laptop task of one object on an engine."""
    scene = make_scene(load_hand(), load_object(name))
    return GraspTask(make_engine(scene, engine), PRESETS["laptop"].task)


def pipeline(task: GraspTask, worlds: int) -> tuple[Callable, tuple]:
    """A jitted rollout of engine, observation, reward and reset, and its arguments."""
    key = jax.random.key(0)
    state = jax.jit(jax.vmap(task.reset))(jax.random.split(key, worlds))
    shape = (STEPS, worlds, task.action_size)
    actions = 0.6 * jax.random.normal(key, shape).clip(-1, 1)

    @jax.jit
    def roll(state, actions):
        def step(state, action):
            state = jax.vmap(task.step)(state, action)
            return state, (state.obs, state.reward)

        return jax.lax.scan(step, state, actions)

    return roll, (state, actions)


def seconds(call: Callable) -> float:
    """Of one call, until its result is there."""
    began = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - began


def engine_row(engine: str, name: str, worlds: int) -> dict:
    """Task pipeline of an engine; with the native one against raw `rollout`."""
    task = make_task(engine, name)
    roll, arguments = pipeline(task, worlds)
    began = time.perf_counter()
    compiled = roll.lower(*arguments).compile()
    compile_s = time.perf_counter() - began
    compiled(*arguments)
    ctrl = np.asarray(jax.vmap(jax.vmap(task.control))(arguments[1]))
    state = jax.device_get(arguments[0].physics)
    rates, raw = [], []
    for _ in range(ROUNDS if engine == "native" else 2):
        rates.append(STEPS * worlds / seconds(lambda: compiled(*arguments)))
        if isinstance(task.engine, NativeEngine):
            raw.append(task.engine.raw_rate(state, ctrl))
    return _row(task, name, worlds, rates, raw) | {"compile_s": round(compile_s, 2)}


def ppo_row(name: str) -> dict:
    """Whole PPO iterations of the laptop preset against raw `rollout`."""
    config = PRESETS["laptop"].ppo
    task = make_task("native", name)
    learner = make_ppo(task, config)
    state, _ = learner.train(learner.init(jax.random.key(0)))
    rates, raw = [], []
    for _ in range(ROUNDS):
        worlds = jax.device_get(state.worlds)
        held = jax.vmap(task.control)(jnp.asarray(worlds.memory.previous_action))
        ctrl = np.repeat(np.asarray(held)[None], config.steps, axis=0)
        began = time.perf_counter()
        state, _ = learner.train(state)
        jax.block_until_ready(state)
        samples = config.steps * config.worlds
        rates.append(samples / (time.perf_counter() - began))
        raw.append(task.engine.raw_rate(worlds.physics, ctrl))
    row = _row(task, name, config.worlds, rates, raw)
    return row | {"what": "PPO iteration", "config": dataclasses.asdict(config)}


def _row(
    task: GraspTask, name: str, worlds: int, rates: list[float], raw: list[float]
) -> dict:
    rate = statistics.median(rates)
    pairs = [a / b for a, b in zip(rates, raw, strict=False)]
    return {
        "what": "task pipeline",
        "engine": task.engine.name,
        "object": name,
        "objects": 1,
        "worlds": worlds,
        "control_steps_per_s": round(rate),
        "physics_steps_per_s": round(rate * task.engine.substeps),
        "raw_control_steps_per_s": round(statistics.median(raw)) if raw else None,
        "ratio_to_raw": round(statistics.median(pairs), 3) if raw else None,
        **provenance(),
    }


def main(
    worlds: tuple[int, ...] = (64, 512, 2048),
    mjx_worlds: tuple[int, ...] = (16, 64),
    out: Path = OUT,
) -> None:
    """Measures and writes the table.

    Args:
        worlds: batch sizes of the native engine.
        mjx_worlds: batch sizes of MJX.
        out: JSON file to write.
    """
    rows = [ppo_row("mug")]
    rows += [engine_row("native", "mug", n) for n in worlds]
    rows += [engine_row("mjx", "box", n) for n in mjx_worlds]
    rows += [engine_row("mjx", "mug", n) for n in mjx_worlds[:1]]
    for row in rows:
        print({k: row[k] for k in ("what", "engine", "object", "worlds")}, end=" ")
        print(row["control_steps_per_s"], row["ratio_to_raw"])
    write_json(out, {"rows": rows})


if __name__ == "__main__":
    tyro.cli(main)
