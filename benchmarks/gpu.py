"""What a hyper-policy that was trained on a GPU holds, there and on MuJoCo C.

    python benchmarks/gpu.py runs/hyper/k4-seed0 [--dexgraspnet path/to/DexGraspNet]

A run's own last evaluation was made where it was trained, on that engine. The splits
are measured here, with the native engine, and kept beside the run. Writes
benchmarks/results/gpu.json.
"""

import dataclasses
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from dexjax.errors import DexjaxError, main_guard
from dexjax.objects.dexgraspnet import scaled_names
from dexjax.objects.everyday_plan import SIZES
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.folder import read_json, write_json
from dexjax.runs.metrics import read_metrics
from dexjax.runs.policies import load_config

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "results" / "gpu.json"
STAGES = (1, 2)
FOUND = ("success_held", "success_reached", "episodes", "ci95", "pose_distance")
TRAINED = ("env_steps", "wall_s", "broken_worlds", "seed", "preset")
WHERE = ("commit", "device", "date", "versions")


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures both stages.

    Attributes:
        run: folder with stage1 and stage2.
        dexgraspnet: folder of DexGraspNet: measures on all objects there, too.
        out: JSON file, overwritten.
    """

    run: Positional[Path] = Path("runs/hyper/k4-seed0")
    dexgraspnet: Path | None = None
    out: Path = OUT


def trained(folder: Path, stage: int) -> dict:
    """One row: a stage as its own run measured it."""
    summary, mixture = read_json(folder / "summary.json"), load_config(folder).mixture
    rates = read_metrics(folder / "metrics.csv")["steps_per_s"]
    return {
        **{"policy": "hyper", "k": len(mixture.bases), "stage": stage},
        "residual": mixture.residual,
        **{"split": "train", "evaluated_on": summary["engine"]},
        **{name: summary[name] for name in (*FOUND, *TRAINED)},
        "steps_per_s": float(np.median(rates)),
        "worlds": summary["learner"]["worlds"],
        **{f"train_{name}": summary[name] for name in WHERE},
        **{name: summary[name] for name in WHERE},
    }


def splits(options: Options) -> dict[str, tuple[object, ...]]:
    """What is measured here: name -> arguments of evaluate.py."""
    found: dict[str, tuple[object, ...]] = {name: ("--split", name) for name in SIZES}
    if options.dexgraspnet is not None:
        names = itertools.chain(*scaled_names(options.dexgraspnet).values())
        objects = ("--objects", ",".join(names))
        found["dexgraspnet"] = (*objects, "--dexgraspnet", options.dexgraspnet)
    return found


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


@main_guard
def main() -> None:
    """Measures and writes after every split."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    rows = [trained(options.run / f"stage{stage}", stage) for stage in STAGES]
    last = options.run / f"stage{STAGES[-1]}"
    for split, on in splits(options).items():
        found = held(last, split, on)
        here = {name: found[name] for name in (*FOUND, *WHERE)}
        rows.append(rows[1] | here | {"split": split, "evaluated_on": "native"})
        write_json(options.out, rows)


if __name__ == "__main__":
    main()
