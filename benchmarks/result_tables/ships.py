"""The README's table: how well what ships grasps."""

from pathlib import Path

from result_tables.columns import load, table

# Rows of gpu.json: (policy, cloud) as they say, name that it ships by, what it sees.
POLICIES = (
    ("hyper", None, "resdex/hyper", "the object's pose, shape code and surface"),
    ("student", "points", "resdex/student", "512 points on the object"),
)
SPLITS = {
    "train": "objects of the training",
    "unseen-object": "others of these kinds",
    "unseen-category": "other kinds",
}
REAL = "32 of DexGraspNet"
# Those of single objects: name -> what it is measured on.
SINGLE = {"resdex/mug": "a mug", "resdex/ring_box": "a small box"}


def ships_table(results: Path) -> str:
    """Held, with its interval, on every split; the latest row of each counts.

    DexGraspNet's objects are weighted as in the paper's test set.
    """
    rows = [row for row in load(results / "gpu.json") or [] if _on_native(row)]
    real = load(results / "dexgraspnet.json") or []
    weighted = {row["policy"]: row for row in real if row["scale"] == "weighted"}
    shown = []
    for policy, cloud, name, sees in POLICIES:
        own = [
            row for row in rows if (row["policy"], row.get("cloud")) == (policy, cloud)
        ]
        latest = {row["split"]: row for row in sorted(own, key=lambda row: row["date"])}
        if latest:
            cells = [latest.get(split) for split in SPLITS] + [weighted.get(name)]
            shown.append([f"`{name}`", sees, *map(_held, cells)])
    if not shown:
        return table("policy", [])
    single = {row["policy"]: row for row in load(results / "shipped.json") or []}
    for name, what in SINGLE.items():
        cell = f"{what}: {_held(single.get(name))}"
        shown.append([f"`{name}`", "the object's position", cell, *[""] * 3])
    return table(" | ".join(["policy", "sees", *SPLITS.values(), REAL]), shown)


def _on_native(row: dict) -> bool:
    return row["evaluated_on"] == "native"


def _held(row: dict | None) -> str:
    if row is None:
        return "not measured"
    low, high = (100 * x for x in row["ci95"])
    return f"{100 * row['success_held']:.1f} ({low:.1f}–{high:.1f})"
