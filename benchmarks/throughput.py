"""How fast the task steps and PPO learns, against `mujoco.rollout` alone.

    python benchmarks/throughput.py [--engines native,mjx] [--objects 1,64,3200]

Every row is measured in a process of its own, which gives its memory. All sides of a
row step the same states with the same controls, in turn, in that process; medians are
kept. Rows are completed in benchmarks/results/throughput.json: those of the same
engine, objects, worlds and device are replaced.

Beside `ratio_to_raw` a row of many objects has `ratio_to_one_object`: the same worlds,
engine and controls against all worlds holding one and the same object, the harmonic
mean over `SINGLES` objects spread over the set.
"""

import dataclasses
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from dexjax.errors import main_guard
from dexjax.learners.ppo import make_ppo
from dexjax.physics.native import NativeEngine
from dexjax.runs.assemble import assemble_engine, load_config_objects, training_task
from dexjax.runs.config import PRESETS
from dexjax.runs.folder import read_json, write_json
from dexjax.runs.metrics import provenance
from dexjax.tasks.grasp import GraspTask

OUT = Path(__file__).resolve().parent / "results" / "throughput.json"
STEPS = 16
ROUNDS = 7
SINGLES = 8
# What names a row.
KEY = ("what", "engine", "object", "worlds", "device")


def make_task(engine: str, objects: str) -> GraspTask:
    """The laptop task on an engine."""
    config = dataclasses.replace(PRESETS["laptop"], object=objects, engine=engine)
    return training_task(config, assemble_engine(config, load_config_objects(config)))


def starts(task: GraspTask, worlds: int, object_id: jax.Array):
    """Fresh worlds that hold the given objects."""
    keys = jax.random.split(jax.random.key(0), worlds)
    return jax.jit(jax.vmap(task.reset))(keys, object_id)


def spread(task: GraspTask, worlds: int) -> jax.Array:
    """As many different objects as there are, one per world."""
    return jnp.arange(worlds) * len(task.objects) // worlds % len(task.objects)


def pipeline(task: GraspTask, worlds: int) -> tuple[Callable, tuple]:
    """A jitted rollout of engine, observation, reward and reset, and its arguments."""
    shape = (STEPS, worlds, task.action_size)
    actions = 0.6 * jax.random.normal(jax.random.key(1), shape).clip(-1, 1)

    @jax.jit
    def roll(state, actions):
        def step(state, action):
            state = jax.vmap(task.step)(state, action)
            return state, (state.obs, state.reward)

        return jax.lax.scan(step, state, actions)

    return roll, (starts(task, worlds, spread(task, worlds)), actions)


def seconds(call: Callable) -> float:
    """Of one call, until its result is there."""
    began = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - began


def pipeline_row(engine: str, objects: str, worlds: int) -> dict:
    """The task's pipeline; with the native engine against raw `rollout`."""
    task = make_task(engine, objects)
    native = isinstance(task.engine, NativeEngine)
    roll, (mixed, actions) = pipeline(task, worlds)
    ctrl = np.asarray(jax.vmap(jax.vmap(task.control))(actions))
    began = time.perf_counter()
    roll = roll.lower(mixed, actions).compile()
    compile_s = time.perf_counter() - began
    roll(mixed, actions)
    singles = _singles(task, worlds) if native else []
    rates, raw, alone = [], [], []
    for _ in range(ROUNDS if native else 2):
        rates.append(STEPS * worlds / seconds(lambda: roll(mixed, actions)))
        if isinstance(task.engine, NativeEngine):
            raw.append(task.engine.raw_rate(jax.device_get(mixed.physics), ctrl))
        if singles:
            took = [seconds(lambda s=state: roll(s, actions)) for state in singles]
            alone.append(STEPS * worlds / statistics.mean(took))
    return {
        "what": "task pipeline",
        **_row(task, objects, worlds, rates, raw),
        "ratio_to_one_object": _ratio(rates, alone),
        "compile_s": round(compile_s, 2),
    }


def _singles(task: GraspTask, worlds: int) -> list:
    """Worlds that all hold the same object, for a few objects of a set."""
    count = len(task.objects)
    if count == 1:
        return []
    chosen = np.linspace(0, count - 1, SINGLES).astype(int)
    return [starts(task, worlds, jnp.full(worlds, i)) for i in chosen]


def ppo_row(engine: str, objects: str, worlds: int) -> dict:
    """Whole PPO iterations of the laptop preset against raw `rollout`."""
    config = dataclasses.replace(PRESETS["laptop"].ppo, worlds=worlds)
    task = make_task(engine, objects)
    assert isinstance(task.engine, NativeEngine)
    learner = make_ppo(task, config)
    began = time.perf_counter()
    state, _ = learner.train(learner.init(jax.random.key(0)))
    jax.block_until_ready(state)
    compile_s = time.perf_counter() - began
    rates, raw = [], []
    for _ in range(ROUNDS):
        before = jax.device_get(state.worlds)
        held = jax.vmap(task.control)(jnp.asarray(before.memory.previous_action))
        ctrl = np.repeat(np.asarray(held)[None], config.steps, axis=0)
        began = time.perf_counter()
        state, _ = learner.train(state)
        jax.block_until_ready(state)
        took = time.perf_counter() - began
        rates.append(config.steps * worlds / took)
        raw.append(task.engine.raw_rate(before.physics, ctrl))
    return {
        "what": "PPO iteration",
        **_row(task, objects, worlds, rates, raw),
        "compile_s": round(compile_s, 2),
        "config": dataclasses.asdict(config),
    }


def _row(
    task: GraspTask, name: str, worlds: int, rates: list[float], raw: list[float]
) -> dict:
    rate = statistics.median(rates)
    # Linux counts in KiB, macOS in bytes.
    unit = 1024 if sys.platform.startswith("linux") else 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "engine": task.engine.name,
        "object": name,
        "objects": len(task.objects),
        "worlds": worlds,
        "control_steps_per_s": round(rate),
        "physics_steps_per_s": round(rate * task.engine.substeps),
        "raw_control_steps_per_s": round(statistics.median(raw)) if raw else None,
        "ratio_to_raw": _ratio(rates, raw),
        "memory_mb": round(peak / 1e6),
        **provenance(),
    }


def _ratio(rates: list[float], others: list[float]) -> float | None:
    """Median over the rounds."""
    pairs = [a / b for a, b in zip(rates, others, strict=False)]
    return round(statistics.median(pairs), 3) if pairs else None


OBJECTS = {1: "mug", 64: "everyday/train:64", 3200: "everyday/train"}


def plan(engines: list[str], objects: list[int], backend: str) -> list[tuple]:
    """(measurement, engine, objects, worlds) of all rows."""
    rows: list[tuple] = []
    for engine in engines:
        worlds: tuple[int, ...] = (2048, 8192) if backend == "gpu" else (16, 64)
        if engine == "native":
            worlds = (64, 512, 2048)
            rows += [(ppo_row, engine, OBJECTS[n], 512) for n in objects]
        rows += [(pipeline_row, engine, OBJECTS[n], w) for n in objects for w in worlds]
    return rows


def elsewhere(call: Callable, *arguments):
    """The result of a call in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(call, *arguments).result()


def benchmark(
    engines: tuple[str, ...] = ("native", "mjx", "warp"),
    objects: tuple[int, ...] = tuple(OBJECTS),
    out: Path = OUT,
) -> None:
    """Measures and completes the table.

    Args:
        engines: to measure.
        objects: 1, 64 or 3200, how many different ones there are.
        out: JSON file to complete.
    """
    rows = read_json(out) if out.exists() else []
    backend = elsewhere(jax.default_backend)
    for measurement, *arguments in plan(list(engines), list(objects), backend):
        row = elsewhere(measurement, *arguments)
        rows = [r for r in rows if any(r[name] != row[name] for name in KEY)] + [row]
        write_json(out, rows)
        shown = (*KEY[:-1], "control_steps_per_s", "ratio_to_raw", "memory_mb")
        print({name: row[name] for name in shown}, flush=True)


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
