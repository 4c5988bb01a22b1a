"""Joins what benchmarks/on_gpu.sh measured to benchmarks/results.

    python benchmarks/merge.py OUT_FOLDER

Rows replace those of the same key, see result_tables/completing.py: in throughput.json,
ppo_gpu.json, inhand.json and, of all policies and engines, parity_gpu.json.
"""

import dataclasses
from pathlib import Path

import tyro
from result_tables.completing import INHAND, PARITY, PPO, THROUGHPUT, complete
from tyro.conf import Positional

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.storage.files import read_json

RESULTS = Path(__file__).resolve().parent / "results"
# Files of the folder -> the table that they complete, and what names its rows.
TABLES = {
    "throughput.json": ("throughput.json", THROUGHPUT),
    "ppo_gpu.json": ("ppo_gpu.json", PPO),
    "inhand.json": ("inhand.json", INHAND),
    "parity-*.json": ("parity_gpu.json", PARITY),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """Joins measurements to the results.

    Attributes:
        folder: what on_gpu.sh wrote to.
        results: folder of the tables.
    """

    folder: Positional[Path] = Path("gpu")
    results: Path = RESULTS


@main_guard
def main() -> None:
    """Reads the command line and merges."""
    options = tyro.cli(Options)
    found = 0
    for pattern, (table, key) in TABLES.items():
        for file in sorted(options.folder.glob(pattern)):
            rows = read_json(file)
            complete(options.results / table, rows, key)
            print(f"{file}: {len(rows)} rows to {table}")
            found += 1
    if not found:
        raise DexjaxError(f"{options.folder} holds no results of on_gpu.sh")


if __name__ == "__main__":
    main()
