"""The shipped policies of single objects, each on its own, in fresh episodes.

    python benchmarks/shipped.py

Writes benchmarks/results/shipped.json, one row per policy.
"""

import dataclasses
from pathlib import Path

import tyro

import dexjax
from dexjax.errors import main_guard
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measure
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "shipped.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        policies: names.
        episodes: fresh ones of each.
        seed: of start states and episodes.
        out: JSON file.
    """

    policies: tuple[str, ...] = ("resdex/mug", "resdex/ring_box")
    episodes: int = 512
    seed: int = 0
    out: Path = OUT


@main_guard
def main() -> None:
    """Measures one after the other and writes."""
    options = tyro.cli(Options)
    use_compilation_cache()
    rows = []
    for name in options.policies:
        where = Where(engine="native", episodes=options.episodes, seed=options.seed)
        (row,) = measure(dexjax.load(name), where)["rows"]
        rows.append({"policy": name} | row | {"seed": options.seed} | provenance())
        write_json(options.out, rows)
        print(f"{name}: held {row['success_held']:.1%} of {row['episodes']}")


if __name__ == "__main__":
    main()
