"""How fast the in-hand task steps and experts learn, engine by engine.

    python benchmarks/inhand.py --grasps runs/dexgen/grasp-sets/train/grasp_sets.npz
        [--engines native warp] [--worlds 512]

A row is whole PPO iterations of an expert's training on all objects that the sets have
with all turns of the palm; with what is compiled beside it. Completes
benchmarks/results/inhand.json: a row of the same engine, worlds and device is replaced;
one that fails is named and left out.
"""

import dataclasses
import statistics
import time
from pathlib import Path
from typing import ClassVar

import jax
import tyro
from result_tables.completing import INHAND, complete

from dexjax.errors import DexjaxError, main_guard
from dexjax.limits import Limits, check
from dexjax.physics.choice import ENGINES
from dexjax.runs.assemble import assemble_engine, load_run_objects, training_task
from dexjax.runs.launch import ppo_learner
from dexjax.runs.records.provenance import provenance
from dexjax.systems.dexgen.presets import expert_preset

OUT = Path(__file__).resolve().parent / "results" / "inhand.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        grasps: grasp sets of `object`.
        object: what is held.
        engines: "native", "mjx" or "warp".
        worlds: numbers of hands.
        rounds: iterations that are measured.
        out: JSON file to complete.
    """

    grasps: Path
    object: str = "geometric/train"
    engines: tuple[str, ...] = ("native",)
    worlds: tuple[int, ...] = (512,)
    rounds: int = 5
    out: Path = OUT

    LIMITS: ClassVar[Limits] = {
        "engines": tuple(ENGINES),
        "worlds": (1, 1_000_000),
        "rounds": (1, 1000),
    }


def measured(options: Options, engine: str, worlds: int) -> dict:
    """One row."""
    usual = expert_preset("gpu" if jax.default_backend() == "gpu" else "laptop")
    scene = dataclasses.replace(
        usual.scene, object=options.object, grasps=options.grasps, engine=engine
    )
    ppo = dataclasses.replace(usual.ppo, worlds=worlds)
    run = dataclasses.replace(usual, scene=scene, ppo=ppo)
    task = training_task(run, assemble_engine(run, load_run_objects(run)))
    learner = ppo_learner(run)(task, None)
    began = time.perf_counter()
    state, _ = learner.train(learner.init(jax.random.key(0)))
    jax.block_until_ready(state)
    compile_s = time.perf_counter() - began
    taken = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        state, _ = learner.train(state)
        jax.block_until_ready(state)
        taken.append(time.perf_counter() - began)
    return {
        "engine": engine,
        "object": options.object,
        "models": len(task.engine.scene.models),
        "worlds": worlds,
        "control_steps_per_s": round(worlds * ppo.steps / statistics.median(taken)),
        "compile_s": round(compile_s, 1),
        "rounds": options.rounds,
        **provenance(),
    }


@main_guard
def main() -> None:
    """Measures row by row, and writes after each."""
    options = tyro.cli(Options)
    check(options)
    failed = []
    for engine in options.engines:
        for worlds in options.worlds:
            try:
                new = measured(options, engine, worlds)
            except Exception as error:  # Whatever it is, the others are measured.
                print(f"{engine}, {worlds} worlds: {error}", flush=True)
                failed.append((engine, worlds))
                continue
            complete(options.out, [new], INHAND)
            print({k: new[k] for k in (*INHAND, "control_steps_per_s")}, flush=True)
    if failed:
        raise DexjaxError(f"not measured, see above: {failed}")


if __name__ == "__main__":
    main()
