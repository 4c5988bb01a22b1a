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
        stop_at: share of the training's own starts that ends it; the preset's by
            default.
    """

    object: str
    seed: int
    hand: str = "shadow"
    stop_at: float | None = None

    @property
    def name(self) -> str:
        """Of its run folder and its result."""
        hand = "" if self.hand == "shadow" else f"{self.hand}-"
        until = "" if self.stop_at is None else f"-until{self.stop_at:g}"
        return f"{hand}{self.object}-seed{self.seed}{until}"


def trainings(seeds: int) -> list[Base]:
    """In their order."""
    own = [Base(name, seed) for seed in range(seeds) for name in OBJECTS]
    # The mug that is held least often is trained again, to a stricter end.
    return [*own, Base("mug", 2, stop_at=0.99), Base("mug", 0, "allegro")]


def train(base: Base) -> bool:
    """Trains one policy and keeps its summary; whether it succeeded."""
    out = ROOT / "runs" / "base" / base.name
    command = [sys.executable, "-m", "dexjax", "train", "base", "--hand", base.hand]
    command += ["--object", base.object, "--seed", str(base.seed), "--out", str(out)]
    if base.stop_at is not None:
        command += ["--stop-at", str(base.stop_at)]
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
