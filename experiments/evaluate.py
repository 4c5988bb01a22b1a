"""Evaluates a trained policy: `python experiments/evaluate.py --run runs/base/mug`."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

from dexjax.errors import DexjaxError, main_guard
from dexjax.objects.loading import load_objects
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import resolve_engine
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import (
    assemble_engine,
    load_config_object,
    use_compilation_cache,
)
from dexjax.runs.config import BaseConfig
from dexjax.runs.evaluation import fresh_task, measure
from dexjax.runs.folder import write_json
from dexjax.runs.metrics import provenance
from dexjax.runs.policies import load_policy
from dexjax.tasks.grasp import GraspTask


@dataclasses.dataclass(frozen=True)
class Options:
    """Evaluates the deterministic policy of a run, finished or not.

    Attributes:
        run: the run's folder.
        objects: other objects than the run's own, separated by commas.
        engine: "auto", "native" or "mjx".
        episodes: fresh episodes of each object.
        seed: of start states and episodes.
        dexgraspnet: folder of DexGraspNet; the run's own by default.
        out: JSON file; evaluation.json in the run's folder by default.
    """

    run: Path = Path("runs/base/mug")
    objects: str = ""
    engine: str = "auto"
    episodes: int = 512
    seed: int = 0
    dexgraspnet: Path | None = None
    out: Path | None = None


def choose_objects(options: Options, config: BaseConfig) -> ObjectSet:
    """The objects asked for, or the run's own."""
    names = [name.strip() for name in options.objects.split(",") if name.strip()]
    if not names:
        return load_config_object(config)
    return load_objects(names, dexgraspnet=config.dexgraspnet)


def tasks(
    config: BaseConfig, objects: ObjectSet, episodes: int
) -> Iterator[tuple[GraspTask, int]]:
    """A task and the object's index in it, for every object."""
    # Only the native engine holds several objects, and is then compiled once for all.
    together = resolve_engine(config.engine) == "native"
    groups = (
        [objects] if together else [objects.subset([i]) for i in range(len(objects))]
    )
    for group in groups:
        task = fresh_task(config, assemble_engine(config, group), episodes)
        yield from ((task, i) for i in range(len(group)))


def evaluate(options: Options) -> dict:
    """Evaluates and prints object by object; the whole result."""
    if options.episodes < 1:
        raise DexjaxError(f"{options.episodes} episodes: give at least 1")
    trained = load_policy(options.run)
    config = dataclasses.replace(
        trained.config,
        engine=options.engine,
        seed=options.seed,
        dexgraspnet=options.dexgraspnet or trained.config.dexgraspnet,
    )
    objects = choose_objects(options, config)
    engine = resolve_engine(config.engine)
    print(
        f"{options.run}: trained on {config.object}, seed {trained.config.seed}, "
        f"iteration {trained.step}; engine {engine}"
    )
    print(HEADER)
    rows = []
    for task, index in tasks(config, objects, options.episodes):
        rows.append(measure(task, trained.act, options.episodes, options.seed, index))
        print(line(rows[-1]), flush=True)
    return {
        "run": str(options.run),
        "trained_on": config.object,
        "training_seed": trained.config.seed,
        "iteration": trained.step,
        "engine": engine,
        "seed": options.seed,
        "rows": rows,
        **provenance(),
    }


HEADER = (
    f"{'object':24} {'held':>7} {'95 % interval':>15} {'reached':>8} {'episodes':>8}  "
    "penetration, overlap: median / p95 mm"
)


def line(row: dict) -> str:
    """One row of the table."""
    low, high = row["ci95"]
    contacts = row["contacts"]
    depths = [
        f"{contacts[f'{name}_median_mm']:.2f} / {contacts[f'{name}_p95_mm']:.2f}"
        for name in ("penetration", "finger_overlap")
        if f"{name}_median_mm" in contacts
    ]
    interval = f"{low:.1%} to {high:.1%}"
    return (
        f"{row['object'][:24]:24} {row['success_held']:7.1%} {interval:>15} "
        f"{row['success_reached']:8.1%} {row['episodes']:8}  "
        f"{', '.join(depths) or 'never held'}"
    )


@main_guard
def main() -> None:
    """Evaluates and writes the JSON file."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    use_compilation_cache()
    result = evaluate(options)
    out = options.out or options.run / "evaluation.json"
    write_json(out, result)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
