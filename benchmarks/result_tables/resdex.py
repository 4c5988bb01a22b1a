"""Tables of ResDex's policies: mean over seeds, by what they were trained with."""

from pathlib import Path

import numpy as np

from result_tables.columns import NOT_MEASURED, RESDEX, load, policy, span, table

SPLITS = ("train", "unseen-object", "unseen-category", "dexgraspnet")


def resdex_table(results: Path) -> str:
    """One row per policy, split and seed; seeds beside each other."""
    rows = [row for row in load(results / "resdex.json") if row["policy"] != "base"]
    names = list(dict.fromkeys(map(policy, rows)))
    rows.sort(key=lambda row: (names.index(policy(row)), SPLITS.index(row["split"])))
    shown = [[column(row) for column in RESDEX.values()] for row in rows]
    return table(" | ".join(RESDEX), shown)


def ablations_table(results: Path) -> str:
    """One row per object that base policies were trained on, one column per kind.

    A mean is of all objects, or not there: others could not be compared.
    """
    rows = [row for row in load(results / "resdex.json") if row["policy"] == "base"]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    objects = list(dict.fromkeys(row["object"] for row in rows))
    shown = []
    for name in objects:
        group = [row for row in rows if row["object"] == name]
        shown.append([name, *(_of_kind(group, kind) for kind in kinds)])
    whole = all(NOT_MEASURED not in line for line in shown)
    if rows and whole:
        shown.append(["*mean*", *(_of_kind(rows, kind) for kind in kinds)])
    return table(" | ".join(["trained on", *kinds]), shown)


def _of_kind(rows: list[dict], kind: str) -> str:
    """Mean success held and reached in %."""
    found = [row for row in rows if row["kind"] == kind]
    if not found:
        return NOT_MEASURED
    shares = [(row["success_held"], row["success_reached"]) for row in found]
    return " / ".join(f"{100 * share:.1f}" for share in np.mean(shares, axis=0))


def compare_table(results: Path) -> str:
    """One row per policy and stage, one column per split: means over the seeds.

    Of policies of several seeds.
    """
    groups: dict[str, list[dict]] = {}
    for row in load(results / "compare.json"):
        groups.setdefault(policy(row), []).append(row)
    rows = []
    for name, group in groups.items():
        if _seeds(group) == 1:
            continue
        cells = [_over_seeds(group, split) for split in SPLITS]
        budget = span([row["env_steps"] / 1e6 for row in group])
        rows.append([name, *cells, budget, str(_seeds(group))])
    header = ["policy", *SPLITS, "M env steps", "seeds"]
    return table(" | ".join(header), rows)


def by_k_table(results: Path) -> str:
    """One row per number of base policies: means over the seeds."""
    rows = [row for row in load(results / "compare.json") if row["policy"] == "hyper"]
    shown = []
    for k in sorted({row["k"] for row in rows}):
        own = [row for row in rows if row["k"] == k]
        first, second = ([r for r in own if r["stage"] == stage] for stage in (1, 2))
        mixture, both = (
            [r for r in first if r["residual"] is x] for x in (False, True)
        )
        final = [row for row in second if row["residual"]]
        cells = [_over_seeds(found, "train") for found in (mixture, both)]
        cells.append(_distance(both))
        cells += [_over_seeds(final, split) for split in SPLITS]
        shown.append([str(k), *cells, str(_seeds(own))])
    header = ["k", "mixture only, stage 1", "with residual, stage 1", "D"]
    header += [f"stage 2: {SPLITS[0]}", *SPLITS[1:], "seeds"]
    return table(" | ".join(header), shown)


def _seeds(rows: list[dict]) -> int:
    return len({row["seed"] for row in rows})


def _distance(rows: list[dict]) -> str:
    """Mean pose distance on the train split."""
    found = [row["pose_distance"] for row in rows if row["split"] == "train"]
    return f"{np.mean(found):.0f}" if found else NOT_MEASURED


def _over_seeds(rows: list[dict], split: str) -> str:
    """Mean success held in %, with the worst and the best of several seeds."""
    held = [100 * row["success_held"] for row in rows if row["split"] == split]
    if not held:
        return ""
    return f"{np.mean(held):.1f} ({span(held)})" if len(held) > 1 else f"{held[0]:.1f}"


def hours_table(results: Path) -> str:
    """One row per part of ResDex: how long it took; and all of them together."""
    rows = load(results / "hours.json")
    minutes = {row["part"]: row["wall_s"] / 60 for row in rows}
    shown = [[f"`{part}`", f"{m:.0f}"] for part, m in minutes.items()]
    if shown:
        shown.append(["*all*", f"{sum(minutes.values()):.0f}"])
    return table("part | minutes", shown)
