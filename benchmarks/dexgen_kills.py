"""Kills all of DexterityGen at random moments and looks whether it ends as it should.

    python benchmarks/dexgen_kills.py [--kills 10]

`dexjax dexgen --preset smoke` is killed (SIGKILL) at a moment drawn over the length of
an undisturbed run and started again with the same command, until all kills are done;
then it ends. Compared are the grasps, the transitions, the expert, the controller and
the rows of the study. Writes benchmarks/results/dexgen_kills.json.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import tyro
from killing.process import start

from dexjax.data import read_shard, written
from dexjax.objects.geometric import SPLITS
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.stored import load_stored

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "results" / "dexgen_kills.json"
# Of a study's row, what a run must end with.
COMPARED = ("policy", "disturbance", "guidance", "objects", "hold_s", "goals_per_min")


def command(runs: Path) -> list[str]:
    """All of DexterityGen, small, into a folder."""
    words = ["dexgen", "--preset", "smoke", "--seeds", "0", "--runs", str(runs)]
    return [sys.executable, "-m", "dexjax", *words]


def result(runs: Path) -> dict[str, str]:
    """What a finished run holds: part -> digest."""
    found = {}
    for split in SPLITS:
        with np.load(runs / "grasp-sets" / split / "grasp_sets.npz") as sets:
            found[f"grasps of {split}"] = digest(sets[name] for name in sorted(sets))
    folder = runs / "transitions"
    shards = [read_shard(folder, number) for number in written(folder)]
    found["transitions"] = digest(array for shard in shards for array in shard)
    for name in ("expert-0", "controller"):
        found[name] = digest(jax.tree.leaves(load_stored(runs / name).policy))
    rows = read_json(runs / "study.json")
    found["study"] = str([[row[name] for name in COMPARED] for row in rows])
    return found


def digest(arrays) -> str:
    """Of the bytes of all arrays."""
    known = hashlib.sha256()
    for array in arrays:
        known.update(np.ascontiguousarray(array).tobytes())
    return known.hexdigest()


def main(kills: int = 10, seed: int = 0, out: Path = OUT) -> None:
    """Kills, resumes and compares.

    Args:
        kills: how often.
        seed: of the moments.
        out: JSON file to write.
    """
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as work:
        calm, killed = Path(work) / "calm", Path(work) / "killed"
        length = start(command(calm), ROOT).seconds
        moments: list[float] = []
        running = True
        while running:
            left = len(moments) < kills
            # Spread over what an undisturbed run does one after the other.
            moment = rng.uniform(0.0, 2 * length / kills) if left else None
            process = start(command(killed), ROOT, moment)
            running = process.killed
            if running:
                moments.append(round(process.seconds, 1))
                print(f"kill {len(moments)} after {moments[-1]} s", flush=True)
        one, other = result(calm), result(killed)
    different = [name for name in one if one[name] != other[name]]
    report = {
        "kills": len(moments),
        "identical": not different,
        "differences": different,
        "undisturbed_s": round(length, 1),
        "after_s": moments,
        "seed": seed,
        **provenance(),
    }
    write_json(out, report)
    print(f"{len(moments)} kills: {different or 'it ended as undisturbed'}")
    sys.exit(bool(different))


if __name__ == "__main__":
    tyro.cli(main)
