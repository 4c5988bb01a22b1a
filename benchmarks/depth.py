"""Policies of depth cameras, with their own images, others, and each camera covered.

    python benchmarks/depth.py runs/depth/mug [more folders]

Completes benchmarks/results/depth.json: rows of the same policy, object, images and
training seed are replaced.
"""

import dataclasses
from pathlib import Path

import tyro
from result_tables.completing import DEPTH, complete

from dexjax.errors import main_guard
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where
from dexjax.runs.records.metrics import read_metrics
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.systems.depth.controls import measure_controls

OUT = Path(__file__).resolve().parent / "results" / "depth.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        runs: folders of trainings.
        episodes: fresh ones of each object with each kind of images.
        seed: of start states and episodes.
        out: JSON file.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    episodes: int = 512
    seed: int = 0
    out: Path = OUT


def trained(stored: StoredPolicy) -> dict:
    """Steps and wall time of a training up to its policy."""
    metrics = read_metrics(stored.folder / "metrics.csv")
    row = list(metrics["iteration"]).index(stored.step)
    return {
        "env_steps": int(metrics["env_steps"][row]),
        "wall_s": round(float(metrics["wall_s"][row]), 1),
    }


@main_guard
def main() -> None:
    """Measures one after the other and writes."""
    options = tyro.cli(Options)
    use_compilation_cache()
    for folder in options.runs:
        stored = load_stored(folder)
        where = Where(engine="native", episodes=options.episodes, seed=options.seed)
        rows = [
            {"policy": "blind" if row["blind"] else "depth"} | row | trained(stored)
            for row in measure_controls(stored, where)
        ]
        complete(options.out, rows, DEPTH)
        for row in rows:
            print(f"{folder}, {row['images']}: held {row['success_held']:.1%}")


if __name__ == "__main__":
    main()
