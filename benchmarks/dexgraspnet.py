"""The shipped policies on real DexGraspNet objects that no training has seen.

    python benchmarks/dexgraspnet.py FOLDER [FOLDER ...] [--each 16]

All meshes of the folders at the five scales of DexGraspNet, by scale and weighted as
the scales are in the test set of UniDexGrasp and ResDex. An object that does not come
to rest on the table at some scale is left out there, and named. Writes
benchmarks/results/dexgraspnet.json: a row per policy and scale, and one of all.
"""

import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np
import tyro
from tyro.conf import Positional

import dexjax
from dexjax.errors import DexjaxError, main_guard
from dexjax.evaluation.objects import pooled
from dexjax.objects.dexgraspnet import scaled_names
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measure
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json
from dexjax.runs.stored import StoredPolicy

OUT = Path(__file__).resolve().parent / "results" / "dexgraspnet.json"
# Of the test set: how many of a hundred objects have which scale.
WEIGHTS = {"0.06": 42, "0.08": 25, "0.1": 16, "0.12": 12, "0.15": 5}
NORMAL_95 = 1.96


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        folders: of DexGraspNet, in either of its forms.
        policies: by name or folder.
        each: episodes of every object at every scale.
        seed: of start states and episodes.
        out: JSON file.
    """

    folders: Positional[tuple[Path, ...]]
    policies: tuple[str, ...] = ("resdex/hyper", "resdex/student")
    each: int = 16
    seed: int = 0
    out: Path = OUT


def at_scale(folder: Path, scale: str) -> list[str]:
    """Names of all objects of a folder at a scale."""
    names = itertools.chain(*scaled_names(folder).values())
    return [name for name in names if name.rpartition("@")[2] == scale]


def settled(
    stored: StoredPolicy, names: list[str], folder: Path, options: Options
) -> tuple[list[dict], list[str]]:
    """Rows of the objects that come to rest, and names of those that do not."""
    left_out: list[str] = []
    while kept := [name for name in names if name not in left_out]:
        where = Where(
            ",".join(kept),
            dexgraspnet=folder,
            engine="native",
            episodes=options.each,
            seed=options.seed,
        )
        try:
            return measure(stored, where)["rows"], left_out
        except DexjaxError as error:
            named = [name for name in kept if name in str(error)]
            if "rest" not in str(error) or not named:
                raise
            left_out += named
    return [], left_out


def weighted(rows: list[dict]) -> dict:
    """Rows by scale as one, weighted as the test set is; intervals by strata."""
    weights = np.array([WEIGHTS[row["scale"]] for row in rows], float)
    weights /= weights.sum()
    found: dict = {
        "scale": "weighted",
        "episodes": sum(row["episodes"] for row in rows),
    }
    for name in ("success_held", "success_reached"):
        shares = np.array([row[name] for row in rows])
        found[name] = float(weights @ shares)
        if name == "success_held":
            counts = np.array([row["episodes"] for row in rows])
            spread = np.sqrt(weights**2 @ (shares * (1 - shares) / counts))
            low, high = found[name] + NORMAL_95 * spread * np.array([-1, 1])
            found["ci95"] = [max(low, 0.0), min(high, 1.0)]
    return found


def rows_of(policy: str, options: Options) -> list[dict]:
    """All rows of a policy."""
    stored = dexjax.load(policy)
    rows = []
    for scale in WEIGHTS:
        objects, left_out = [], []
        for folder in options.folders:
            names = at_scale(folder, scale)
            if names:
                found, restless = settled(stored, names, folder, options)
                objects += found
                left_out += restless
        if objects:
            row = pooled(objects, "DexGraspNet") | {
                "scale": scale,
                "left_out": left_out,
            }
            rows.append(row)
            print(
                policy, scale, row["success_held"], row["success_reached"], flush=True
            )
    rows.append(weighted(rows) | {"objects": sum(row["objects"] for row in rows)})
    print(policy, rows[-1], file=sys.stderr)
    return [{"policy": policy, **row, "seed": options.seed} for row in rows]


@main_guard
def main() -> None:
    """Measures and writes after every policy."""
    options = tyro.cli(Options)
    use_compilation_cache()
    rows: list[dict] = []
    for policy in options.policies:
        rows += [row | provenance() for row in rows_of(policy, options)]
        write_json(options.out, rows)


if __name__ == "__main__":
    main()
