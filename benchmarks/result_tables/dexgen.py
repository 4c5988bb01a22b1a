"""Tables of DexterityGen: grasp sets, experts, the study, the models."""

from collections.abc import Callable
from pathlib import Path

from result_tables.columns import fixed, load, table, word

GRASP_SETS: dict[str, Callable[[dict], str]] = {
    "object": word("object"),
    "sown by": word("seeding"),
    "grasps": fixed("grasps", 0),
    "valid/s": fixed("valid_per_s", 0),
    "seeds that held %": fixed("seed_yield", 1, 100),
    "walks that held %": lambda row: (
        f"{100 * row.get('walks_valid', 0) / max(row.get('walks', 0), 1):.0f}"
    ),
    "turns with any": word("turns_found"),
    "connected %, least": fixed("connected_least", 1, 100),
    "turns covered %": fixed("turns_covered_median", 1, 100),
    "deepest contact, p95 mm": fixed("depth_mm_p95", 2),
}
DIFFUSION: dict[str, Callable[[dict], str]] = {
    "preset": word("preset"),
    "keypoints": word("keypoints"),
    "touch": lambda row: "yes" if row["touch"] else "no",
    "sampler's steps": word("sampler"),
    "parameters": fixed("parameters", 0),
    "steps": fixed("steps", 0),
    "minutes": fixed("seconds", 0, 1 / 60),
    "denoising": fixed("denoising", 3),
    "inverse dynamics, rad": fixed("inverse_rad", 4),
    "sample of one hand, ms": fixed("sample_ms", 1),
    "device": word("device"),
}
INHAND: dict[str, Callable[[dict], str]] = {
    "engine": word("engine"),
    "objects": word("object"),
    "models": word("models"),
    "hands": fixed("worlds", 0),
    "control steps/s": fixed("control_steps_per_s", 0),
    "compiling, s": fixed("compile_s", 0),
    "device": word("device"),
}
STORAGE: dict[str, Callable[[dict], str]] = {
    "library": word("store"),
    "bytes of a transition": fixed("bytes_per_transition", 0),
    "writes, MB/s": fixed("write_mb_s", 0),
    "reads, MB/s": fixed("read_mb_s", 0),
    "windows/s": fixed("windows_per_s", 0),
}
_NAMES = {
    "geometric/train": "train",
    "geometric/heldout": "held out",
    "geometric/everyday": "everyday",
}
_RANGES = ("+ U(±0.75)", "+ U(±1.5)")


def interval(row: dict, name: str, digits: int = 1) -> str:
    """A rate and its 95 % interval."""
    low, high = row[f"{name}_ci95"]
    return f"{row[name]:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def experts_table(results: Path) -> str:
    """What acts undisturbed: goals, first goals, drops."""
    header = (
        "objects | acts | goals a minute | first goals % | drops a minute | "
        "success % | trials"
    )
    rows = [
        [
            _objects(row),
            row["policy"],
            interval(row, "goals_per_min"),
            f"{100 * row['first_goal']:.0f}",
            interval(row, "drops_per_min", 2),
            f"{100 * row['success']:.0f}",
            f"{row['trials']:,}",
        ]
        for row in _rows(results)
        if row["disturbance"] == "none" and not row["controller"]
    ]
    return table(header, rows)


def study_table(results: Path) -> str:
    """Seconds held and goals a minute: the command alone, and by guidance."""
    rows = _rows(results)
    guidances = sorted({row["guidance"] for row in rows if row["controller"]})
    header = ["objects", "command", "alone", *(f"guidance {g:g}" for g in guidances)]
    shown = []
    for objects, name in dict.fromkeys((r["objects"], r["disturbance"]) for r in rows):
        own = [
            row
            for row in rows
            if (row["objects"], row["disturbance"]) == (objects, name)
            and row["policy"] == "expert"
        ]
        alone = [_both(row) for row in own if not row["controller"]]
        led = {row["guidance"]: _both(row) for row in own if row["controller"]}
        cells = [led.get(guidance, "") for guidance in guidances]
        label = "as it is" if name == "none" else name
        shown.append([_objects(own[0]), label, *alone, *cells])
    return table(" | ".join(header), shown)


def statements_table(results: Path) -> str:
    """What the paper says of Figure 8 beside what is found here, at one guidance."""
    rows = [row for row in _rows(results) if row["policy"] == "expert"]
    shown = []
    for objects in dict.fromkeys(row["objects"] for row in rows):
        own = {
            (row["disturbance"], row["guidance"] if row["controller"] else None): row
            for row in rows
            if row["objects"] == objects
        }
        clean = own["none", None]
        for name in _RANGES:
            led = [row for (n, g), row in own.items() if n == name and g is not None]
            if not led:
                continue
            best = max(led, key=lambda row: row["goals_per_min"])
            longer = best["hold_s"] / own[name, None]["hold_s"]
            kept = best["goals_per_min"] / max(clean["goals_per_min"], 1e-9)
            shown.append(
                [
                    _objects(clean),
                    name,
                    "10 to 100 times longer",
                    f"{longer:.1f} times",
                    f"{100 * kept:.0f} %",
                    f"{best['guidance']:g}",
                ]
            )
    header = (
        "objects | command | the paper: the controller holds | here | "
        "of the undisturbed expert's goals | at guidance"
    )
    return table(header, shown)


def _rows(results: Path) -> list[dict]:
    return load(results / "dexgen.json") or []


def _objects(row: dict) -> str:
    return _NAMES.get(row["objects"], row["objects"])


def _both(row: dict) -> str:
    return f"{row['hold_s']:.1f} s, {row['goals_per_min']:.1f}"
