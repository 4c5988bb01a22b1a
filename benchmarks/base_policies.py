"""Trains the base policies that the README reports, one after the other.

`python benchmarks/base_policies.py` takes hours in all and can be interrupted anywhere:
finished runs are kept, an unfinished one is resumed. Each summary.json is copied to
benchmarks/results/base/.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import tyro

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "base"

PROCEDURAL = ("mug", "bottle", "box")
REAL_MUG = "core-mug-8570d9a8d24cb0acbebd3c0c0c70fb03@0.06"
REAL = (
    "sem-Bottle-437678d4bc6be981c8724d5673a063a6@0.1",
    "sem-Camera-7bff4fd4dc53de7496dece3f86cb5dd5@0.06",
    "ddg-gd_banana_poisson_002@0.1",
    "mujoco-Ecoforms_Plant_Plate_S11Turquoise@0.06",
    "sem/Car-669043a8ce40d9d78781f76a6db4ab62@0.08",
)


def runs(seeds: int, real: bool) -> list[tuple[str, int]]:
    """(object, seed) in the order of training."""
    first = [(name, 0) for name in PROCEDURAL]
    rest = [(name, seed) for seed in range(1, seeds) for name in PROCEDURAL]
    real_runs = [(REAL_MUG, 0)], [(name, 0) for name in REAL]
    return first + (real_runs[0] if real else []) + rest + real_runs[1] * real


def folder_of(name: str, seed: int) -> Path:
    """Where a run lives."""
    return (
        ROOT / "runs" / "base" / f"{re.sub('[^A-Za-z0-9_.@-]+', '-', name)}-seed{seed}"
    )


def train(name: str, seed: int, dexgraspnet: Path | None) -> bool:
    """Trains one policy and keeps its summary; whether it succeeded."""
    out = folder_of(name, seed)
    command = [sys.executable, str(ROOT / "experiments" / "base.py")]
    command += ["--object", name, "--seed", str(seed), "--out", str(out)]
    if "@" in name:
        command += ["--dexgraspnet", str(_data_folder(dexgraspnet, name))]
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode == 0:
        RESULTS.mkdir(parents=True, exist_ok=True)
        shutil.copy(out / "summary.json", RESULTS / f"{out.name}.json")
    return done.returncode == 0


def _data_folder(dexgraspnet: Path | None, name: str) -> Path:
    if dexgraspnet is None:
        sys.exit(f"error: {name} needs --dexgraspnet FOLDER")
    return dexgraspnet / ("unidexgrasp" if "/" in name else "dexgraspnet")


def main(seeds: int = 3, dexgraspnet: Path | None = None) -> None:
    """Trains all policies.

    Args:
        seeds: of each procedural object.
        dexgraspnet: folder with `dexgraspnet/` (format A) and `unidexgrasp/` (format
            B); without it only the procedural objects are trained.
    """
    failed = [
        name
        for name, seed in runs(seeds, dexgraspnet is not None)
        if not train(name, seed, dexgraspnet)
    ]
    if failed:
        sys.exit(f"error: no result for {', '.join(failed)}")


if __name__ == "__main__":
    tyro.cli(main)
