"""Evaluates every trained policy on objects that it never saw.

`python benchmarks/transfer.py --runs runs/base` takes about two minutes per policy and
can be interrupted anywhere: rows that are there already are not measured again, unless
the policy has been trained anew. The result, benchmarks/results/transfer.json, holds
one row per policy and object.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import tyro

from dexjax.errors import DexjaxError, main_guard
from dexjax.evaluation.objects import measure_objects
from dexjax.objects.loading import load_objects
from dexjax.runs.assemble import assemble_engine, fresh_task, use_compilation_cache
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import Run
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.stored import load_stored, read_run
from dexjax.tasks.grasp import GraspTask

ROOT = Path(__file__).resolve().parents[1]

# The objects that the base policies are trained on are among them: each is a stranger
# to the policies of the others.
OBJECTS = (
    "mug",
    "bottle",
    "box",
    "cup",
    "bowl",
    "can",
    "kettle",
    "phone",
    "camera",
    "flashlight",
    "hammer",
    "toilet_paper",
    "toy_figure",
    "apple",
    "banana",
    "book",
)
# What makes a row the same measurement.
KEY = ("run", "trained", "object", "episodes", "seed")


@dataclasses.dataclass(frozen=True)
class Options:
    """Evaluates every finished run below a folder on objects that it never saw.

    Attributes:
        runs: folder that holds the runs' folders.
        objects: procedural objects, separated by commas.
        episodes: fresh episodes of each policy and object.
        seed: of start states and episodes.
        out: JSON file, completed if it exists.
    """

    runs: Path = ROOT / "runs" / "base"
    objects: str = ",".join(OBJECTS)
    episodes: int = 256
    seed: int = 0
    out: Path = ROOT / "benchmarks" / "results" / "transfer.json"


class Tasks:
    """Tasks over all objects, shared by the policies that have the same one."""

    def __init__(self, options: Options) -> None:
        """Nothing is made before it is needed."""
        self._options = options
        self._made: dict[tuple, GraspTask] = {}

    def of(self, run: Run) -> GraspTask:
        """The task of a run, over the objects of this benchmark."""
        key = (run.scene.hand, run.scene.wrist, run.task)
        if key not in self._made:
            scene = dataclasses.replace(run.scene, engine="native")
            run = dataclasses.replace(run, scene=scene, seed=self._options.seed)
            engine = assemble_engine(run, load_objects(names(self._options)))
            self._made[key] = fresh_task(run, engine, self._options.episodes)
        return self._made[key]


def names(options: Options) -> list[str]:
    """The objects asked for."""
    return [name.strip() for name in options.objects.split(",") if name.strip()]


def finished_runs(folder: Path) -> list[Path]:
    """Folders of finished runs anywhere below a folder.

    Raises:
        DexjaxError: if there are none.
    """
    found = sorted(path.parent for path in folder.rglob("summary.json"))
    if not found:
        raise DexjaxError(f"no finished run below {folder}: train some first")
    return found


def new_rows(
    options: Options, folder: Path, tasks: Tasks, known: set[tuple]
) -> Iterator[dict]:
    """Measures what is not known yet of one run."""
    summary, run = read_json(folder / "summary.json"), read_run(folder)
    heads = [
        {
            "run": folder.name,
            "trained": summary["date"],
            "trained_on": run.scene.object,
            "training_seed": run.seed,
            "object": name,
            "episodes": options.episodes,
            "seed": options.seed,
        }
        for name in names(options)
        if name != run.scene.object
    ]
    missing = [head for head in heads if key_of(head) not in known]
    if not missing:
        return
    policy, task = load_stored(folder).policy, tasks.of(run)
    found, _ = measure_objects(task, policy, options.episodes, options.seed)
    by_name = {row["object"]: row for row in found}
    for head in missing:
        row = by_name[head["object"]] | {"engine": task.engine.name}
        yield head | row | provenance()


def key_of(row: dict) -> tuple:
    """What identifies a row."""
    return tuple(row[name] for name in KEY)


def transfer(options: Options) -> None:
    """Completes the result file, row by row."""
    runs, tasks = finished_runs(options.runs), Tasks(options)
    rows = read_json(options.out) if options.out.exists() else []
    for run in runs:
        date = read_json(run / "summary.json")["date"]
        # Rows of a policy that has been trained anew are of no use.
        rows = [r for r in rows if r["run"] != run.name or r["trained"] == date]
        for row in new_rows(options, run, tasks, {key_of(r) for r in rows}):
            rows.append(row)
            write_json(options.out, rows)
            print(
                f"{row['run']} on {row['object']}: held {row['success_held']:.1%}, "
                f"reached {row['success_reached']:.1%}",
                flush=True,
            )


@main_guard
def main() -> None:
    """Reads the command line and measures."""
    use_compilation_cache()
    transfer(tyro.cli(Options))


if __name__ == "__main__":
    main()
