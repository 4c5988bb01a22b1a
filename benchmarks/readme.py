"""Writes the figures of all pages from result files, none typed by hand.

    python benchmarks/readme.py

A block of a page between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced
by a table made from benchmarks/results:

    ships       gpu.json            of benchmarks/gpu.py, and policies/
    success     base/*.json         one summary.json per run
    transfer    transfer.json       of benchmarks/transfer.py
    engines     throughput.json     of benchmarks/throughput.py
    parity      parity.json         of benchmarks/parity.py
    parity-gpu  parity_gpu.json     of benchmarks/on_gpu.sh
    baseline    baseline.json       of benchmarks/baseline.py
    peers       peers.json          of benchmarks/peers.py
    ppo         ppo.json            of benchmarks/ppo.py
    ppo-gpu     ppo_gpu.json        of benchmarks/on_gpu.sh
    iteration   iteration.json      of benchmarks/iteration.py, its parts
    changes     iteration.json      the same, its changes
    replay      replay.json         of experiments/replay_dexgraspnet.py --out
    startup     startup.json        of benchmarks/startup.py
    house       house.json          of benchmarks/house.py
    kills       kills.json          of benchmarks/kills.py
    matrix      matrix.json         of benchmarks/matrix.py
    gym         gym.json            of benchmarks/gym_steps.py
    codes       codes.json          of dexjax train codes --results
    grasps      grasps.json         of benchmarks/grasps.py
    failures    failures.json       of benchmarks/failures.py
    resdex      resdex.json         of dexjax resdex
    ablations   resdex.json         the same with --ablations, its base policies
    compare     compare.json        of dexjax resdex --out, shorter: seeds
    by-k        compare.json        the same, by the number of base policies
    gpu         gpu.json            of benchmarks/gpu.py
    hours       hours.json          of dexjax resdex, in its --runs

What has no file reads "not measured".
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from result_tables.base_policies import success_table, transfer_table
from result_tables.columns import (
    BASELINE,
    CHANGES,
    CODES,
    ENGINES,
    FAILURES,
    GPU,
    GRASPS,
    GYM,
    HOUSE,
    MATRIX,
    NOT_MEASURED,
    PARITY,
    PARITY_GPU,
    PARTS,
    PEERS,
    PPO,
    PPO_GPU,
    list_table,
    load,
    table,
)
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
    "docs/engines.md",
    "docs/gymnasium.md",
    "docs/results.md",
    "docs/resdex.md",
)
# So many categories of objects are shown of those that are held least often.
_WORST_CATEGORIES = 12


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
        content = BLOCKS[name](results)
        text, count = re.subn(
            pattern, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.DOTALL
        )
        if count != 1:
            raise DexjaxError(f"block {name!r} must end, and stand there once")
    return text


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


def startup_line(results: Path) -> str:
    """How long a newcomer waits."""
    found = load(results / "startup.json")
    if not found:
        return f"*{NOT_MEASURED}*"
    return (
        f"The set-up took {found['setup_s']:.0f} s, the first update of a training "
        f"came {found['first_update_cold_s']:.0f} s after its start the first time and "
        f"{found['first_update_cached_s']:.0f} s from then on "
        f"({found['device']})."
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


BLOCKS: dict[str, Callable[[Path], str]] = {
    "ships": ships_table,
    "success": success_table,
    "transfer": transfer_table,
    "engines": list_table("throughput.json", ENGINES),
    "parity": list_table("parity.json", PARITY),
    "parity-gpu": list_table("parity_gpu.json", PARITY_GPU),
    "baseline": list_table("baseline.json", BASELINE),
    "peers": list_table("peers.json", PEERS),
    "ppo": list_table("ppo.json", PPO),
    "ppo-gpu": list_table("ppo_gpu.json", PPO_GPU),
    "iteration": list_table("iteration.json", PARTS, lambda row: row["kind"] == "part"),
    "changes": list_table(
        "iteration.json", CHANGES, lambda row: row["kind"] == "change"
    ),
    "replay": replay_table,
    "startup": startup_line,
    "house": list_table("house.json", HOUSE),
    "kills": kills_line,
    "matrix": list_table("matrix.json", MATRIX),
    "gym": list_table("gym.json", GYM),
    "codes": list_table("codes.json", CODES),
    "grasps": list_table("grasps.json", GRASPS),
    "failures": failures_table,
    "resdex": resdex_table,
    "ablations": ablations_table,
    "compare": compare_table,
    "by-k": by_k_table,
    "gpu": list_table("gpu.json", GPU),
    "hours": hours_table,
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
