"""Tables of policies of one object: what they reach, and on which other objects."""

from pathlib import Path

import numpy as np

from result_tables.columns import NOT_MEASURED, load, short, span, table


def success_table(results: Path) -> str:
    """One row per object, hand, preset, end and engine, over the seeds."""
    groups: dict[tuple, list[dict]] = {}
    for path in sorted((results / "base").glob("*.json")):
        run = load(path)
        hand = run.get("hand", "shadow")
        until = f"{100 * run['stop_at']:.0f}" if run["stop_at"] else ""
        key = (run["object"], hand, run["preset"], until, run["engine"])
        groups.setdefault(key, []).append(run)
    rows = [_success_row(key, runs) for key, runs in sorted(groups.items())]
    header = (
        "object | hand | preset | until % | engine | seeds | held, mean (lowest) % | "
        "reached % | M env steps | minutes | env steps/s | penetration / overlap mm"
    )
    return table(header, rows)


def _success_row(key: tuple, runs: list[dict]) -> list[str]:
    held = [100 * run["success_held"] for run in runs]
    return [
        *key,
        str(len(runs)),
        f"{np.mean(held):.1f} ({min(held):.1f})",
        f"{100 * np.mean([run['success_reached'] for run in runs]):.1f}",
        span([run["env_steps"] / 1e6 for run in runs]),
        span([run["wall_s"] / 60 for run in runs]),
        f"{np.mean([run['train_steps_per_s'] for run in runs]):,.0f}",
        " / ".join(
            _worst([run.get("contacts", run).get(f"{name}_median_mm") for run in runs])
            for name in ("penetration", "finger_overlap")
        ),
    ]


def _worst(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known):.2f}" if known else NOT_MEASURED


def transfer_table(results: Path) -> str:
    """Rows are objects, columns the policies of one object; means over the seeds."""
    found = load(results / "transfer.json")
    if not found:
        return table("object", [])
    policies: dict[str, list[dict]] = {}
    for row in found:
        policies.setdefault(row["trained_on"], []).append(row)
    rows = [
        [name, *(_mean(measured, "held", name) for measured in policies.values())]
        for name in dict.fromkeys(row["object"] for row in found)
    ]
    for success in ("held", "reached"):
        means = [_mean(measured, success) for measured in policies.values()]
        rows.append([f"*mean {success}*", *means])
    seeds = [len({row["training_seed"] for row in m}) for m in policies.values()]
    titles = [f"{short(p)} ({n})" for p, n in zip(policies, seeds, strict=True)]
    return table(" | ".join(["object", *titles]), rows)


def _mean(rows: list[dict], success: str, name: str | None = None) -> str:
    """Mean success in % over the rows, or over those of one object."""
    wanted = [row for row in rows if name in (None, row["object"])]
    shares = [row[f"success_{success}"] for row in wanted]
    return f"{100 * np.mean(shares):.0f}" if shares else ""
