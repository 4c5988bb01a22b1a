"""What a hyper-policy trained on a GPU and its students hold, there and on MuJoCo C.

    python benchmarks/gpu.py runs/hyper/k4-seed0/stage? runs/distill/points-seed0

A run's own last evaluation was made where it was trained, on that engine. The splits
are measured here, with the native engine, and kept beside the run; of a first stage
they are not. Writes benchmarks/results/gpu.json.
"""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.config import RunConfig
from dexjax.runs.folder import read_json, write_json
from dexjax.runs.hyper import HyperConfig
from dexjax.runs.metrics import read_metrics
from dexjax.runs.policies import load_config
from dexjax.runs.splits import splits
from dexjax.runs.student import StudentConfig

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
        out: JSON file, overwritten.
    """

    runs: Positional[tuple[Path, ...]] = (Path("runs/hyper/k4-seed0/stage2"),)
    dexgraspnet: Path | None = None
    out: Path = OUT


def trained(folder: Path) -> dict:
    """One row: a run as it measured itself."""
    summary = read_json(folder / "summary.json")
    rates = read_metrics(folder / "metrics.csv")["steps_per_s"]
    return {
        **kind(load_config(folder)),
        **{"split": "train", "evaluated_on": summary["engine"]},
        **{name: summary[name] for name in (*FOUND, *TRAINED)},
        "steps_per_s": float(np.median(rates)),
        "worlds": summary["learner"]["worlds"],
        **{f"train_{name}": summary[name] for name in WHERE},
        **{name: summary[name] for name in WHERE},
    }


def kind(config: RunConfig) -> dict:
    """The fields that tell policies apart, see `columns.policy`."""
    if isinstance(config, StudentConfig):
        return {"policy": "student", "cloud": config.task.observation}
    assert isinstance(config, HyperConfig)
    return {
        "policy": "hyper",
        "k": len(config.mixture.bases),
        "stage": int(config.task.reward.removeprefix("stage")),
        "residual": config.mixture.residual,
    }


def held(folder: Path, split: str, on: tuple[object, ...]) -> dict:
    """What a policy holds of a split on MuJoCo C, measured once.

    Raises:
        DexjaxError: if the evaluation fails; it has said why.
    """
    out = folder / f"{split}-native.json"
    if not out.exists():
        script = ROOT / "experiments" / "evaluate.py"
        command = [sys.executable, script, folder, *on, "--engine", "native"]
        if subprocess.run([*map(str, command), "--out", str(out)]).returncode:
            raise DexjaxError(f"{folder} was not measured on {split}: see above")
    return read_json(out)


def rows_of(folder: Path, options: Options) -> Iterator[dict]:
    """The rows of one run."""
    own = trained(folder)
    yield own
    if own.get("stage") == 1:
        return
    for split, on in splits(options.dexgraspnet).items():
        where = {"split": split, "evaluated_on": "native"}
        if where.items() <= own.items():
            continue
        found = held(folder, split, on)
        yield own | {name: found[name] for name in (*FOUND, *WHERE)} | where


@main_guard
def main() -> None:
    """Measures and writes after every split."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    rows: list[dict] = []
    for folder in options.runs:
        for row in rows_of(folder, options):
            rows.append(row)
            write_json(options.out, rows)


if __name__ == "__main__":
    main()
