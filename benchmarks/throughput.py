"""How fast the task steps and PPO learns, against `mujoco.rollout` alone.

    python benchmarks/throughput.py [--engines native mjx] [--objects 1 64 3200]
        [--worlds 512 2048]

Every row is measured in a process of its own, which gives its memory; on a GPU rows of
the same engine and objects share one, and their memory is the highest up to then. All
sides of a row step the same states with the same controls, in turn, in that process;
medians are kept. Rows are completed in benchmarks/results/throughput.json: those of the
same engine, objects, worlds and device are replaced. A row that fails is named and left
out.

Beside `ratio_to_raw` a row of many objects has `ratio_to_one_object`: the same worlds,
engine and controls against all worlds holding one and the same object, the harmonic
mean over `SINGLES` objects spread over the set.
"""

import dataclasses
import functools
import itertools
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from result_tables.completing import THROUGHPUT, complete

from dexjax.errors import DexjaxError, main_guard
from dexjax.learners.worlds import batched
from dexjax.physics.native import NativeEngine
from dexjax.runs.assemble import assemble_engine, load_run_objects, training_task
from dexjax.runs.launch import ppo_learner
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import PpoRun
from dexjax.systems.resdex.presets import preset
from dexjax.tasks.grasp import Episode, GraspTask

OUT = Path(__file__).resolve().parent / "results" / "throughput.json"
STEPS = 16
ROUNDS = 7
SINGLES = 8
# Of whole iterations on a GPU; of the preset "gpu" on many objects.
GPU_WORLDS = 4096
SHOWN = ("what", "engine", "object", "worlds", "control_steps_per_s", "ratio_to_raw")


def make_task(engine: str, objects: str) -> GraspTask:
    """The laptop task on an engine."""
    run = preset("laptop")
    scene = dataclasses.replace(run.scene, object=objects, engine=engine)
    run = dataclasses.replace(run, scene=scene)
    return training_task(run, assemble_engine(run, load_run_objects(run)))


kept_task = functools.lru_cache(1)(make_task)


def starts(task: GraspTask, worlds: int, object_id: jax.Array):
    """Fresh worlds that hold the given objects."""
    keys = jax.random.split(jax.random.key(0), worlds)
    # Start states are drawn, as in a training.
    return jax.jit(jax.vmap(task.reset))(keys, Episode(object_id, None))


def spread(task: GraspTask, worlds: int) -> jax.Array:
    """As many different objects as there are, one per world."""
    return jnp.arange(worlds) * len(task.objects) // worlds % len(task.objects)


def pipeline(task: GraspTask, worlds: int) -> tuple[Callable, tuple]:
    """A jitted rollout of engine, observation, reward and reset, and its arguments.

    As learners step a task: the worlds advance, those whose episode has ended restart.
    """
    shape = (STEPS, worlds, task.spec.actions)
    actions = 0.6 * jax.random.normal(jax.random.key(1), shape).clip(-1, 1)
    together = batched(task)

    @jax.jit
    def roll(state, actions):
        def step(state, action):
            state = together.restart(together.advance(state, action))
            return state, (state.obs, state.reward)

        return jax.lax.scan(step, state, actions)

    return roll, (starts(task, worlds, spread(task, worlds)), actions)


def seconds(call: Callable) -> float:
    """Of one call, until its result is there."""
    began = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - began


def pipeline_row(engine: str, objects: str, worlds: int, rounds: int = ROUNDS) -> dict:
    """The task's pipeline; with the native engine against raw `rollout`."""
    task = kept_task(engine, objects)
    native = isinstance(task.engine, NativeEngine)
    roll, (mixed, actions) = pipeline(task, worlds)
    ctrl = np.asarray(jax.vmap(jax.vmap(task.control))(actions))
    began = time.perf_counter()
    roll = roll.lower(mixed, actions).compile()
    compile_s = time.perf_counter() - began
    roll(mixed, actions)
    singles = _singles(task, worlds) if native else []
    rates, raw, alone = [], [], []
    for _ in range(rounds if native else 2):
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


def ppo_row(engine: str, objects: str, worlds: int, rounds: int = ROUNDS) -> dict:
    """Whole PPO iterations; with the native engine against raw `rollout`."""
    run = ppo_run(worlds)
    config, task = run.ppo, kept_task(engine, objects)
    native = isinstance(task.engine, NativeEngine)
    learner = ppo_learner(run)(task, None)
    began = time.perf_counter()
    state, _ = learner.train(learner.init(jax.random.key(0)))
    jax.block_until_ready(state)
    compile_s = time.perf_counter() - began
    rates, raw = [], []
    for _ in range(rounds if native else 3):
        before = jax.device_get(state.worlds) if native else None
        began = time.perf_counter()
        state, _ = learner.train(state)
        jax.block_until_ready(state)
        rates.append(config.steps * worlds / (time.perf_counter() - began))
        if isinstance(task.engine, NativeEngine):
            held = jax.vmap(task.applied)(before)
            ctrl = np.repeat(np.asarray(held)[None], config.steps, axis=0)
            raw.append(task.engine.raw_rate(before.physics, ctrl))
    return {
        "what": "PPO iteration",
        **_row(task, objects, worlds, rates, raw),
        "compile_s": round(compile_s, 2),
        "config": dataclasses.asdict(config) | dataclasses.asdict(run.network),
    }


def ppo_run(worlds: int) -> PpoRun:
    """The run whose iterations are measured: the preset that suits the device."""
    run = preset("gpu" if jax.default_backend() == "gpu" else "laptop")
    return dataclasses.replace(run, ppo=dataclasses.replace(run.ppo, worlds=worlds))


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


def plan(
    engines: Sequence[str], objects: Sequence[int], worlds: Sequence[int], backend: str
) -> list[tuple]:
    """(measurement, engine, objects, worlds) of all rows.

    Args:
        engines: to measure.
        objects: 1, 64 or 3200.
        worlds: of the pipelines; none for what suits engine and backend.
        backend: of JAX.
    """
    rows: list[tuple] = []
    on_gpu = backend == "gpu"
    for engine, count in itertools.product(engines, objects):
        usual = (1024, 4096, 16_384) if on_gpu else (16, 64)
        if engine == "native":
            usual = (64, 512, 2048)
            rows.append((ppo_row, engine, OBJECTS[count], 512))
        sizes = worlds or usual
        rows += [(pipeline_row, engine, OBJECTS[count], size) for size in sizes]
        if engine == "warp" and on_gpu:
            rows.append((ppo_row, engine, OBJECTS[count], GPU_WORLDS))
    return rows


def process() -> ProcessPoolExecutor:
    """A fresh process that calls what it is given."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def measured(rows: list[tuple], share: bool) -> Iterator[dict]:
    """Measures rows one after the other; says which fail.

    Args:
        rows: of `plan`.
        share: whether rows of the same engine and objects share a process.

    Raises:
        DexjaxError: in the end, if any failed.
    """
    failed = []
    for _, group in itertools.groupby(
        enumerate(rows), lambda item: item[1][1:3] if share else item[0]
    ):
        with process() as own:
            for _, (measurement, *arguments) in group:
                try:
                    yield own.submit(measurement, *arguments).result()
                except Exception as error:  # Whatever it is, the others are measured.
                    print(f"{arguments}: {type(error).__name__}: {error}", flush=True)
                    failed.append(arguments)
    if failed:
        raise DexjaxError(f"not measured, see above: {failed}")


def benchmark(
    engines: tuple[str, ...] = ("native", "mjx", "warp"),
    objects: tuple[int, ...] = tuple(OBJECTS),
    worlds: tuple[int, ...] = (),
    out: Path = OUT,
) -> None:
    """Measures and completes the table.

    Args:
        engines: to measure.
        objects: 1, 64 or 3200, how many different ones there are.
        worlds: of the task's pipelines; by default what suits engine and device.
        out: JSON file to complete.
    """
    unknown = [count for count in objects if count not in OBJECTS]
    if unknown:
        raise DexjaxError(f"{unknown[0]} objects: choose from {[*OBJECTS]}")
    with process() as own:
        backend = own.submit(jax.default_backend).result()
    rows = plan(engines, objects, worlds, backend)
    for row in measured(rows, share=backend == "gpu"):
        complete(out, [row], THROUGHPUT)
        print({name: row[name] for name in SHOWN}, flush=True)


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
