"""Trains the base policies that docs/results.md reports, one after the other.

`python benchmarks/base_policies.py` takes hours in all and can be interrupted anywhere:
finished runs are kept, an unfinished one is resumed. Each summary.json is copied to
benchmarks/results/base/.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import tyro

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "base"

OBJECTS = ("mug", "bottle", "box")


class Base(NamedTuple):
    """One training.

    Attributes:
        object: that is grasped.
        seed: of everything.
        hand: that grasps.
    """

    object: str
    seed: int
    hand: str = "shadow"

    @property
    def name(self) -> str:
        """Of its run folder and its result."""
        hand = "" if self.hand == "shadow" else f"{self.hand}-"
        return f"{hand}{self.object}-seed{self.seed}"


def trainings(seeds: int) -> list[Base]:
    """In their order."""
    own = [Base(name, seed) for seed in range(seeds) for name in OBJECTS]
    return [*own, Base("mug", 0, "allegro")]


def train(base: Base) -> bool:
    """Trains one policy and keeps its summary; whether it succeeded."""
    out = ROOT / "runs" / "base" / base.name
    command = [sys.executable, "-m", "dexjax", "train", "base", "--hand", base.hand]
    command += ["--object", base.object, "--seed", str(base.seed), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode == 0:
        RESULTS.mkdir(parents=True, exist_ok=True)
        shutil.copy(out / "summary.json", RESULTS / f"{out.name}.json")
    return done.returncode == 0


def main(seeds: int = 3) -> None:
    """Trains all policies.

    Args:
        seeds: of each object with the ShadowHand.
    """
    failed = [base.name for base in trainings(seeds) if not train(base)]
    if failed:
        sys.exit(f"error: no result for {', '.join(failed)}")


if __name__ == "__main__":
    tyro.cli(main)
