"""Two ways to sow grasp sets: closing hands at random, and grasp analysis.

    python benchmarks/grasp_sets.py [--objects cube,rod,egg] [--size 300]

Each row is one object with all turns of the palm, sown one way, until its sets are
full: grasps kept per second (with what is compiled), seeds tried and how many of them
held, and the figures of `dexjax.grasps.sets.report`. Rows that are done are in --work
and are not searched for again. Writes benchmarks/results/grasp_sets.json.
"""

import dataclasses
from pathlib import Path
from typing import ClassVar

import tyro

from dexjax.errors import main_guard
from dexjax.grasps.sets.search import SEEDINGS
from dexjax.limits import Limits, check
from dexjax.runs.storage.files import write_json
from dexjax.systems.dexgen.grasp_sets import GraspSetOptions, make_grasp_sets

OUT = Path(__file__).resolve().parent / "results" / "grasp_sets.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        objects: names of training objects, separated by commas.
        size: grasps of every object with every turn of the palm.
        hand: "allegro", "shadow" or the .yaml file that describes your own.
        engine: "auto", "native", "mjx" or "warp".
        seed: of the searches.
        work: folder for the searches.
        out: JSON file.
    """

    objects: str = "cube,rod,egg,slab,ball,rock"
    size: int = 300
    hand: str = "allegro"
    engine: str = "auto"
    seed: int = 0
    work: Path = Path("runs/benchmark-grasp-sets")
    out: Path = OUT

    LIMITS: ClassVar[Limits] = {"size": (2, 100_000)}


def searches(options: Options) -> list[GraspSetOptions]:
    """Of every object, sown each way.

    Raises:
        DexjaxError: for bad options, before anything is searched for.
    """
    found = [
        GraspSetOptions(
            names=name,
            hand=options.hand,
            size=options.size,
            seeding=seeding,
            engine=options.engine,
            seed=options.seed,
            out=options.work / f"{name}-{seeding}",
        )
        for name in (name.strip() for name in options.objects.split(","))
        for seeding in SEEDINGS
    ]
    for search in found:
        check(search)
    return found


def measured(search: GraspSetOptions) -> dict:
    """One row."""
    found = make_grasp_sets(search)
    seeds, held = (found.get(name, 0) for name in ("seeds", "seeds_valid"))
    return found | {
        "object": search.names,
        "seeds": seeds,
        "seeds_valid": held,
        "seed_yield": round(held / max(seeds, 1), 4),
    }


def tell(row: dict) -> None:
    """A line of the table."""
    print(
        f"{row['object']:12} {row['seeding']:9} {row['grasps']:6,} grasps, "
        f"{row['kept_per_s']:6.1f}/s; {row['seeds_valid']} of {row['seeds']} seeds "
        f"held; turns covered {row.get('turns_covered_median', 0.0):.2f}",
        flush=True,
    )


@main_guard
def main() -> None:
    """Searches one after the other, and writes after each."""
    options = tyro.cli(Options)
    check(options)
    rows = []
    for search in searches(options):
        rows.append(measured(search))
        tell(rows[-1])
        write_json(options.out, rows)


if __name__ == "__main__":
    main()
