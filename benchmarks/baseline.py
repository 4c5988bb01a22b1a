"""The first baseline: plain PPO on many objects, without any shape input.

    python benchmarks/baseline.py [--objects 64,3200] [--env-steps 10000000,30000000]

Trains the laptop preset on a part of the everyday set and, at every budget, evaluates
the deterministic policy on the objects that it was trained on and on both unseen
splits. Takes hours and can be interrupted anywhere: an unfinished training is resumed,
and a row that is there is not measured again. Completes
benchmarks/results/baseline.json, one row per training, budget and split.
"""

import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import tyro

from dexjax.errors import main_guard
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json, write_json

ROOT = Path(__file__).resolve().parents[1]
OBJECTS = {64: "everyday/train:64", 3200: "everyday/train"}
UNSEEN = ("everyday/unseen-object", "everyday/unseen-category")
# What names a row.
KEY = ("objects", "env_steps", "split", "seed")
KEPT = ("success_held", "success_reached", "episodes", "ci95", "engine")
TRAINED = ("wall_s", "train_steps_per_s", "raw_steps_per_s", "preset", "commit")


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains and evaluates plain multi-object PPO.

    Attributes:
        objects: 64 or 3200, how many to train on.
        env_steps: budgets, in rising order.
        seed: of the trainings.
        runs: folder for the trainings.
        out: JSON file to complete.
    """

    objects: tuple[int, ...] = (64, 3200)
    env_steps: tuple[int, ...] = (10_000_000, 30_000_000)
    seed: int = 0
    runs: Path = Path("runs/baseline")
    out: Path = ROOT / "benchmarks" / "results" / "baseline.json"


def experiment(script: str, *arguments: object) -> None:
    """Runs one of the experiments.

    Raises:
        SystemExit: if it fails; it has said why.
    """
    command = [sys.executable, str(ROOT / "experiments" / script)]
    if subprocess.run(command + [str(x) for x in arguments]).returncode:
        sys.exit(f"error: {script} failed")


def train(run: Path, objects: int, env_steps: int, seed: int) -> dict:
    """Trains up to a budget; the summary."""
    experiment(
        *("base.py", "--object", OBJECTS[objects], "--env-steps", env_steps),
        *("--stop-at", 0, "--seed", seed, "--out", run),
    )
    return read_json(run / "summary.json")


def splits(objects: int) -> dict[str, str]:
    """Split -> its objects, the trained ones first."""
    specs = OBJECTS[objects], *UNSEEN
    return {spec.split("/")[1].split(":")[0]: spec for spec in specs}


def measure(run: Path, objects: str) -> dict:
    """Evaluates a run on a part of the set."""
    out = run / "split.json"
    began = time.monotonic()
    experiment("evaluate.py", run, "--object", objects, "--out", out)
    found = read_json(out)
    out.unlink()
    row = {name: found[name] for name in KEPT}
    row["objects_evaluated"] = found["objects"]
    return row | {"evaluation_s": round(time.monotonic() - began, 1)}


def missing(rows: list[dict], options: Options) -> Iterator[tuple[int, int, list[str]]]:
    """(objects, budget, splits) of all that is not measured yet."""
    known = {tuple(row[name] for name in KEY) for row in rows}
    for objects in options.objects:
        for budget in options.env_steps:
            wanted = [
                split
                for split in splits(objects)
                if (objects, budget, split, options.seed) not in known
            ]
            if wanted:
                yield objects, budget, wanted


def baseline(options: Options) -> None:
    """Completes the table, row by row."""
    rows = read_json(options.out) if options.out.exists() else []
    for objects, budget, wanted in missing(list(rows), options):
        run = options.runs / f"{objects}-seed{options.seed}"
        summary = train(run, objects, budget, options.seed)
        trained = {f"trained_{name}": summary[name] for name in TRAINED}
        for split in wanted:
            key = (objects, budget, split, options.seed)
            row = dict(zip(KEY, key, strict=True))
            row |= measure(run, splits(objects)[split])
            rows.append(row | trained | provenance())
            write_json(options.out, rows)
            print(row, flush=True)


@main_guard
def main() -> None:
    """Reads the command line and measures."""
    baseline(tyro.cli(Options))


if __name__ == "__main__":
    main()
