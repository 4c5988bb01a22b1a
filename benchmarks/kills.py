"""Kills a smoke run at random moments and looks whether it ends as if nothing had been.

Each process of a run is killed (SIGKILL) at a moment drawn over the length of an
undisturbed one, and started again with the same command. One that ends before that
moment ends the run, which is compared with the undisturbed one, and another run is
begun until all kills are done. Writes benchmarks/results/kills.json.
"""

import csv
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import tyro
from killing.process import start

from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.stored import load_stored

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "results" / "kills.json"
# What a clock says is never the same twice.
CLOCK_COLUMNS = ("wall_s", "steps_per_s")
COMPARED = (
    *("object", "success_held", "success_reached", "episodes", "env_steps"),
    *("iterations", "contacts", "broken_worlds"),
)


def command(folder: Path, env_steps: int) -> list[str]:
    """A short training into a folder."""
    words = [sys.executable, str(ROOT / "experiments" / "base.py")]
    words += ["--preset", "smoke", "--env-steps", str(env_steps)]
    return [*words, "--checkpoint-every", "0.3", "--out", str(folder)]


def result(folder: Path) -> dict:
    """All of a finished run that must not depend on the clock."""
    policy = jax.tree_util.tree_leaves_with_path(load_stored(folder).policy)
    with open(folder / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    summary = read_json(folder / "summary.json")
    return {
        "policy": {jax.tree_util.keystr(path): np.asarray(x) for path, x in policy},
        "metrics": [
            {name: x for name, x in row.items() if name not in CLOCK_COLUMNS}
            for row in rows
        ],
        "summary": {name: summary[name] for name in COMPARED},
    }


def differences(one: dict, other: dict) -> list[str]:
    """Where two results are not the same, bit by bit."""
    found = [
        f"policy{name}"
        for name, array in one["policy"].items()
        if array.tobytes() != other["policy"][name].tobytes()
    ]
    return found + [name for name in ("metrics", "summary") if one[name] != other[name]]


def last_iteration(folder: Path) -> int:
    """How far the training in a folder has come."""
    try:
        lines = (folder / "metrics.csv").read_text().splitlines()
        return int(lines[-1].split(",")[0]) if len(lines) > 1 else 0
    except (OSError, ValueError):
        return 0


def main(
    kills: int = 20, env_steps: int = 122_880, seed: int = 0, out: Path = OUT
) -> None:
    """Kills, resumes and compares.

    Args:
        kills: how often.
        env_steps: of each run.
        seed: of the moments.
        out: JSON file to write.
    """
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as work:
        # Compiles what the others find in the cache: its length is no measure.
        start(command(Path(work) / "first", env_steps), ROOT)
        calm = Path(work) / "undisturbed"
        length = start(command(calm, env_steps), ROOT).seconds
        expected = result(calm)
        moments: list[dict] = []
        resumed = runs = 0
        different: list[str] = []
        while len(moments) < kills:
            folder = Path(work) / f"run{runs}"
            running = True
            while running:
                left = len(moments) < kills
                moment = rng.uniform(0.0, length) if left else None
                process = start(command(folder, env_steps), ROOT, moment)
                resumed += "resuming" in process.said
                running = process.killed
                if running:
                    iteration = last_iteration(folder)
                    moments.append(
                        {"after_s": round(process.seconds, 1), "iteration": iteration}
                    )
                    print(f"kill {len(moments)}: {moments[-1]}", flush=True)
            different += [
                f"run {runs}: {d}" for d in differences(expected, result(folder))
            ]
            runs += 1
    report = {
        "kills": len(moments),
        "runs": runs,
        "resumed_from_checkpoint": resumed,
        "identical": not different,
        "differences": different,
        "undisturbed_s": round(length, 1),
        "env_steps": env_steps,
        "moments": moments,
        **provenance(),
    }
    write_json(out, report)
    print(
        f"{len(moments)} kills in {runs} runs, {resumed} resumed from a checkpoint: "
        f"{'all ended as undisturbed' if not different else different}"
    )
    sys.exit(bool(different))


if __name__ == "__main__":
    tyro.cli(main)
