"""What a hyper-policy trained on a GPU and its students hold, there and on MuJoCo C.

    python benchmarks/gpu.py runs/hyper/k4-seed0/stage? runs/distill/points-seed0

A run's own last evaluation was made where it was trained, on that engine. The splits
are measured here, with the native engine, and kept beside the run; of a first stage
they are not. A run that went on from another counts the steps of both; one whose last
evaluation was cut off has rows of MuJoCo C alone. Completes
benchmarks/results/gpu.json.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tyro
from result_tables.completing import POLICIES, complete
from tyro.conf import Positional

from dexjax.errors import main_guard
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measure
from dexjax.runs.records.metrics import read_metrics
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.storage.folder import read_config
from dexjax.runs.stored import load_stored
from dexjax.systems.resdex.pipeline.splits import splits

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "results" / "gpu.json"
FOUND = ("success_held", "success_reached", "episodes", "ci95", "pose_distance")
TRAINED = ("env_steps", "wall_s", "broken_worlds", "seed", "preset")
WHERE = ("commit", "device", "date", "versions")


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures finished runs.

    Attributes:
        runs: folders of stages of a hyper-policy, and of vision students.
        dexgraspnet: folder of DexGraspNet: measures on all objects there, too.
        out: JSON file; a row replaces the one of the same policy there.
    """

    runs: Positional[tuple[Path, ...]] = (Path("runs/hyper/k4-seed0/stage2"),)
    dexgraspnet: Path | None = None
    out: Path = OUT


def trained(folder: Path) -> dict:
    """One row: a run as it measured itself."""
    summary = read_json(folder / "summary.json")
    rates = read_metrics(folder / "metrics.csv")["steps_per_s"]
    before = summary.get("continued_from", {"env_steps": 0, "wall_s": 0.0})
    together = {name: summary[name] + before[name] for name in before.keys() & TRAINED}
    return {
        **kind(read_config(folder)),
        **{"split": "train", "evaluated_on": summary["engine"]},
        **{name: summary.get(name) for name in FOUND},
        **{name: summary[name] for name in TRAINED},
        **together,
        "steps_per_s": float(np.median(rates)),
        "worlds": summary["learner"]["worlds"],
        **{f"train_{name}": summary[name] for name in WHERE},
        **{name: summary[name] for name in WHERE},
    }


def kind(run: dict) -> dict:
    """The fields that tell policies apart, see `result_tables.columns.policy`.

    Args:
        run: what the config.yaml of a hyper-policy's or a student's run says.
    """
    mixture = run.get("mixture")
    if mixture is None:
        return {"policy": "student", "cloud": run["task"]["observation"]}
    return {
        "policy": "hyper",
        "k": len(mixture["bases"]),
        "stage": int(run["task"]["reward"].removeprefix("stage")),
        "residual": mixture["residual"],
    }


def held(folder: Path, split: str, where: Where) -> dict:
    """What a policy holds of a split on MuJoCo C, measured once."""
    out = folder / f"{split}-native.json"
    if not out.exists():
        on_c = dataclasses.replace(where, engine="native")
        write_json(out, measure(load_stored(folder), on_c))
    return read_json(out)


def rows_of(folder: Path, options: Options) -> Iterator[dict]:
    """The rows of one run."""
    own = trained(folder)
    if own["success_held"] is None:
        own["evaluated_on"] = None
    else:
        yield own
    if own.get("stage") == 1:
        return
    for split, where in splits(options.dexgraspnet).items():
        here = {"split": split, "evaluated_on": "native"}
        if here.items() <= own.items():
            continue
        found = held(folder, split, where)
        yield own | {name: found[name] for name in (*FOUND, *WHERE)} | here


@main_guard
def main() -> None:
    """Measures and writes after every split."""
    options = tyro.cli(Options)
    use_compilation_cache()
    for folder in options.runs:
        for row in rows_of(folder, options):
            complete(options.out, [row], POLICIES)


if __name__ == "__main__":
    main()
