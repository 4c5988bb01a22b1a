"""Writes the figures of all pages from result files, none typed by hand.

    python benchmarks/readme.py

A block of a page between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced
by a table made from a file in benchmarks/results, and by a line that says when and at
which commits that was measured. `BLOCKS` says which file each is made from; what has no
file reads "not measured".
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from result_tables.base_policies import success_table, transfer_table
from result_tables.columns import (
    CHANGES,
    CODES,
    DEXGRASPNET,
    ENGINES,
    FAILURES,
    GPU,
    GRASPS,
    GYM,
    GYM_PPO,
    HOUSE,
    MATRIX,
    NOT_MEASURED,
    PARITY,
    PARITY_GPU,
    PARTS,
    PEERS,
    PPO,
    PPO_GPU,
    VIEWER,
    list_table,
    load,
    table,
)
from result_tables.depth import DEPTH, RENDER
from result_tables.dexgen import (
    DIFFUSION,
    GRASP_SETS,
    INHAND,
    STORAGE,
    experts_table,
    statements_table,
    study_table,
)
from result_tables.measured import measured_line
from result_tables.resdex import (
    ablations_table,
    by_k_table,
    compare_table,
    hours_table,
    resdex_table,
)
from result_tables.ships import ships_table

from dexjax.errors import DexjaxError, main_guard

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks") / "results"
PAGES = (
    "README.md",
    "docs/first-steps.md",
    "docs/train.md",
    "docs/view.md",
    "docs/engines.md",
    "docs/gymnasium.md",
    "docs/results.md",
    "docs/resdex.md",
    "docs/dexgen.md",
    "docs/depth.md",
)
# So many categories of objects are shown of those that are held least often.
_WORST_CATEGORIES = 12


class Block(NamedTuple):
    """What a block of a page is made from.

    Attributes:
        file: in benchmarks/results; a star, or a comma, stands for several.
        write: its text, from the folder of the results.
    """

    file: str
    write: Callable[[Path], str]


def listed(
    file: str,
    columns: dict[str, Callable[[dict], str]],
    wanted: Callable[[dict], bool] = lambda row: True,
) -> Block:
    """A table with a row for each of a result file."""
    return Block(file, list_table(file, columns, wanted))


def fill(text: str, results: Path) -> str:
    """Replaces every marked block of a page.

    Args:
        text: of the page.
        results: folder of the result files.

    Raises:
        DexjaxError: for a block whose name is unknown or that does not end.
    """
    blocks = re.findall(r"<!-- begin (\S+) -->", text)
    for name in blocks:
        if name not in BLOCKS:
            raise DexjaxError(f"block {name!r}: known are {', '.join(BLOCKS)}")
        pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        content = written(BLOCKS[name], results)
        text, count = re.subn(
            pattern, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.DOTALL
        )
        if count != 1:
            raise DexjaxError(f"block {name!r} must end, and stand there once")
    return text


def written(block: Block, results: Path) -> str:
    """Text of a block, with when it was measured."""
    text, when = block.write(results), measured_line(results, block.file)
    return f"{text}\n\n{when}" if when else text


def failures_table(results: Path) -> str:
    """How a policy fails: on all objects, by mass and friction, on the worst kinds."""
    rows = load(results / "failures.json")
    kinds = [row for row in rows if row["kind"] == "category"][:_WORST_CATEGORIES]
    rows = [row for row in rows if row["kind"] != "category"] + kinds
    shown = [[column(row) for column in FAILURES.values()] for row in rows]
    return table(" | ".join(FAILURES), shown)


def replay_table(results: Path) -> str:
    """How well real DexGraspNet grasps fit this hand, per object."""
    report = load(results / "replay.json")
    objects = report.get("objects", {})
    if not objects:
        return table("object", [])
    objects |= {"all": report["all"]}
    columns = list(next(iter(objects.values())))
    rows = [
        [name, *(_entry(column, values.get(column)) for column in columns)]
        for name, values in objects.items()
    ]
    titles = [re.sub("^share_(.*)", r"\1_(%)", column) for column in columns]
    header = ["object", *(title.replace("_", " ") for title in titles)]
    return table(" | ".join(header), rows)


def newcomer_table(results: Path) -> str:
    """What a newcomer waits for, step by step and in all."""
    rows = load(results / "newcomer.json")
    shown = [[row["what"], f"{row['seconds']:.0f}"] for row in rows]
    if rows:
        shown.append(["*all*", f"{sum(row['seconds'] for row in rows):.0f}"])
    return table("step | seconds", shown)


def dexgen_kills_line(results: Path) -> str:
    """How all of DexterityGen survived being killed."""
    found = load(results / "dexgen_kills.json")
    if not found:
        return f"*{NOT_MEASURED}*"
    ended = "bit by bit as" if found["identical"] else "not as"
    return (
        f"After {found['kills']} kills (`kill -9`) at random moments, the smallest "
        f"`dexjax dexgen` ended {ended} an undisturbed one."
    )


def kills_line(results: Path) -> str:
    """How trainings survived being killed."""
    found = load(results / "kills.json")
    if not found:
        return f"*{NOT_MEASURED}*"
    ended = "bit by bit as" if found["identical"] else "not as"
    return (
        f"After {found['kills']} kills (`kill -9`) at random moments, {found['runs']} "
        f"short trainings ended {ended} an undisturbed one."
    )


BLOCKS = {
    "ships": Block("gpu.json, dexgraspnet.json, shipped.json", ships_table),
    "success": Block("base/*.json", success_table),
    "transfer": Block("transfer.json", transfer_table),
    "engines": listed("throughput.json", ENGINES),
    "parity": listed("parity.json", PARITY),
    "parity-gpu": listed("parity_gpu.json", PARITY_GPU),
    "peers": listed("peers.json", PEERS),
    "ppo": listed("ppo.json", PPO),
    "ppo-gpu": listed("ppo_gpu.json", PPO_GPU),
    "iteration": listed("iteration.json", PARTS, lambda row: row["kind"] == "part"),
    "changes": listed("iteration.json", CHANGES, lambda row: row["kind"] == "change"),
    "replay": Block("replay.json", replay_table),
    "newcomer": Block("newcomer.json", newcomer_table),
    "house": listed("house.json", HOUSE),
    "kills": Block("kills.json", kills_line),
    "matrix": listed("matrix.json", MATRIX),
    "viewer": listed("viewer.json", VIEWER),
    "gym": listed("gym.json", GYM),
    "gym-ppo": listed("gym_ppo.json", GYM_PPO),
    "codes": listed("codes.json", CODES),
    "grasps": listed("grasps.json", GRASPS),
    "failures": Block("failures.json", failures_table),
    "dexgraspnet": listed("dexgraspnet.json", DEXGRASPNET),
    "resdex": Block("resdex.json", resdex_table),
    "ablations": Block("resdex.json", ablations_table),
    "compare": Block("compare.json", compare_table),
    "by-k": Block("compare.json", by_k_table),
    "gpu": listed("gpu.json", GPU),
    "grasp-sets": listed("grasp_sets.json", GRASP_SETS),
    "experts": Block("dexgen.json", experts_table),
    "study": Block("dexgen.json", study_table),
    "statements": Block("dexgen.json", statements_table),
    "inhand": listed("inhand.json", INHAND),
    "diffusion": listed("diffusion.json", DIFFUSION),
    "dexgen-kills": Block("dexgen_kills.json", dexgen_kills_line),
    "storage": listed("storage.json", STORAGE),
    "depth": listed("depth.json", DEPTH),
    "render": listed("render.json", RENDER),
    "hours": Block("hours.json", hours_table),
}


def _entry(column: str, value: float | int | None) -> str:
    if value is None:
        return ""
    if column.startswith("share_"):
        return f"{100 * value:.1f}"
    return str(value) if isinstance(value, int) else f"{value:.3g}"


@main_guard
def main() -> None:
    """Fills the pages."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for page in (ROOT / name for name in PAGES):
        page.write_text(fill(page.read_text(), ROOT / RESULTS))


if __name__ == "__main__":
    main()
