"""Evaluates a trained policy: `python experiments/evaluate.py runs/base/mug`."""

import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import (
    assemble_engine,
    load_config_objects,
    use_compilation_cache,
)
from dexjax.runs.config import RunConfig
from dexjax.runs.evaluation import (
    RECORDED,
    Act,
    Episodes,
    fresh_task,
    measure_objects,
    wilson,
)
from dexjax.runs.evaluation import evaluate as run_episodes
from dexjax.runs.film import film
from dexjax.runs.folder import write_json
from dexjax.runs.metrics import provenance
from dexjax.runs.policies import load_policy
from dexjax.tasks.grasp import GraspTask

# Episodes of one object, and of all together where there are many.
EPISODES = 512
MOST_EPISODES = 2048
# So many of the objects that were held least often are filmed.
SHOWN = RECORDED
# More objects than this are shown by category.
MOST_LINES = 32


@dataclasses.dataclass(frozen=True)
class Options:
    """Evaluates the deterministic policy of a run, finished or not.

    Attributes:
        run: the run's folder.
        split: "train", "unseen-object" or "unseen-category" of the everyday set.
        objects: other objects than the run's own, separated by commas.
        engine: "auto", "native", "mjx" or "warp".
        episodes: fresh episodes of each object; by default 512, or of many objects as
            many as make 2,048 in all, at least one each.
        seed: of start states and episodes.
        dexgraspnet: folder of DexGraspNet; the run's own by default.
        out: JSON file; evaluation.json in the run's folder by default.
    """

    run: Positional[Path] = Path("runs/base/mug")
    split: str = ""
    objects: str = ""
    engine: str = "auto"
    episodes: int | None = None
    seed: int = 0
    dexgraspnet: Path | None = None
    out: Path | None = None


def evaluate(options: Options, out: Path) -> dict:
    """Evaluates, prints the table, films the worst objects; the whole result."""
    if options.episodes is not None and options.episodes < 1:
        raise DexjaxError(f"{options.episodes} episodes: give at least 1")
    trained = load_policy(options.run)
    config = configuration(options, trained.config)
    objects = load_config_objects(config)
    most = min(EPISODES, -(-MOST_EPISODES // len(objects)))
    episodes = options.episodes or most
    task = fresh_task(config, assemble_engine(config, objects), episodes)
    print(
        f"{options.run}: trained on {trained.config.object}, seed "
        f"{trained.config.seed}, iteration {trained.step}; engine {task.engine.name}"
    )
    rows = measure_objects(task, trained.act, episodes, options.seed)
    table = [pooled(rows, config.object)] * (len(rows) > 1) + rows
    if len(rows) > MOST_LINES:
        table = [table[0], *by_category(rows)]
    print("\n".join([HEADER, *map(line, table)]))
    show_worst(task, trained.act, rows, out.with_suffix(""), options.seed)
    return {
        "run": str(options.run),
        "trained_on": trained.config.object,
        "training_seed": trained.config.seed,
        "iteration": trained.step,
        "engine": task.engine.name,
        "seed": options.seed,
        **pooled(rows, config.object),
        "rows": rows,
        **provenance(),
    }


def configuration(options: Options, trained: RunConfig) -> RunConfig:
    """The run's configuration with what is asked for on top."""
    if options.split and options.objects:
        raise DexjaxError("give a split or objects, not both")
    objects = f"everyday/{options.split}" if options.split else options.objects
    return dataclasses.replace(
        trained,
        object=objects or trained.object,
        size=None if objects else trained.size,
        engine=options.engine,
        seed=options.seed,
        dexgraspnet=options.dexgraspnet or trained.dexgraspnet,
    )


def show_worst(
    task: GraspTask, act: Act, rows: list[dict], path: Path, seed: int
) -> None:
    """Films an episode of each of the objects that were held least often."""
    if len(rows) == 1:
        return
    worst = np.argsort([row["success_held"] for row in rows], kind="stable")[:SHOWN]
    episodes = Episodes(worst, np.zeros(len(worst), int))
    recorded = run_episodes(task, act, episodes, seed).recorded
    film(path.parent, f"{path.name}-worst", task.engine.scene, recorded)
    names = ", ".join(rows[i]["object"] for i in worst)
    print(f"held least often, in {path}-worst.png: {names}")


def pooled(rows: list[dict], name: str) -> dict:
    """The episodes of several objects as one row."""
    counts = np.array([row["episodes"] for row in rows])
    held = np.array([row["success_held"] for row in rows]) @ counts
    reached = np.array([row["success_reached"] for row in rows]) @ counts
    episodes = int(counts.sum())
    return {
        "object": name,
        "objects": len(rows),
        "success_held": float(held / episodes),
        "success_reached": float(reached / episodes),
        "episodes": episodes,
        "ci95": wilson(round(held), episodes),
        "pose_distance": mean_distance(rows),
    }


def mean_distance(rows: list[dict]) -> float | None:
    """Mean pose distance over the objects that have grasp proposals."""
    known = [r["pose_distance"] for r in rows if r["pose_distance"] is not None]
    return float(np.mean(known)) if known else None


def by_category(rows: list[dict]) -> list[dict]:
    """One row per category."""

    def category(row: dict) -> str:
        return row["category"]

    groups = itertools.groupby(sorted(rows, key=category), category)
    return [pooled(list(group), name) for name, group in groups]


HEADER = (
    f"{'object':24} {'held':>7} {'95 % interval':>15} {'reached':>8} {'episodes':>8}  "
    "penetration, overlap: median / p95 mm"
)


def shown(name: str) -> str:
    """An object's name that fits its column; a long one keeps its scale."""
    if "," in name:
        return f"{name.count(',') + 1} objects"
    return name if len(name) <= 24 else f"{name[:16]}…{name[-7:]}"


def line(row: dict) -> str:
    """One row of the table."""
    low, high = row["ci95"]
    contacts = row.get("contacts", {})
    depths = [
        f"{contacts[f'{name}_median_mm']:.2f} / {contacts[f'{name}_p95_mm']:.2f}"
        for name in ("penetration", "finger_overlap")
        if f"{name}_median_mm" in contacts
    ]
    interval = f"{low:.1%} to {high:.1%}"
    return (
        f"{shown(row['object']):24} {row['success_held']:7.1%} {interval:>15} "
        f"{row['success_reached']:8.1%} {row['episodes']:8}  "
        f"{', '.join(depths)}"
    )


@main_guard
def main() -> None:
    """Evaluates and writes the JSON file."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    use_compilation_cache()
    out = options.out or options.run / "evaluation.json"
    result = evaluate(options, out)
    write_json(out, result)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
