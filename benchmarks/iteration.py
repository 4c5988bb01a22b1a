"""What a PPO iteration spends its time on, and what each change took off it.

    python benchmarks/iteration.py [--rounds 15] [--out FILE.json]

Of the laptop preset on one object, everything from the same states, in turn in one
process; medians over the rounds. Rows of two kinds:

"part": one part of the iteration as it is now, with its share of the whole and how many
cores it kept busy.

"change": whole iterations with one change undone (or, for what was tried and not taken,
done), against those of the present learner in the same round: seconds before and after
the change. A `ratio` above 1 means that the learner is faster as it is.

Writes benchmarks/results/iteration.json.
"""

import dataclasses
from pathlib import Path

import tyro
from ppo_iteration.changes import change_rows
from ppo_iteration.parts import part_rows
from ppo_iteration.timing import NOW, OBJECT

from dexjax.errors import main_guard
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "iteration.json"


def benchmark(rounds: int = 15, out: Path = OUT) -> None:
    """Measures both kinds of rows and writes them.

    Args:
        rounds: of all parts and of all learners in turn.
        out: JSON file to write.
    """
    rows = part_rows(rounds) + change_rows(rounds)
    for row in rows:
        print(row)
    about = {"object": OBJECT, "ppo": dataclasses.asdict(NOW.ppo), "rounds": rounds}
    write_json(out, [row | about | provenance() for row in rows])


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
