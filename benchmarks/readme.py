"""Writes the figures of README.md and docs from result files, none typed by hand.

    python benchmarks/readme.py [--picture RUN]

A block of a page between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced
by a table made from benchmarks/results:

    success     base/*.json         one summary.json per run
    transfer    transfer.json       of benchmarks/transfer.py
    engines     throughput.json     of benchmarks/throughput.py
    parity      parity.json         of benchmarks/parity.py
    baseline    baseline.json       of benchmarks/baseline.py
    peers       peers.json          of benchmarks/peers.py
    ppo         ppo.json            of benchmarks/ppo.py
    iteration   iteration.json      of benchmarks/iteration.py, its parts
    changes     iteration.json      the same, its changes
    replay      replay.json         of experiments/replay_dexgraspnet.py --out
    startup     startup.json        of benchmarks/startup.py
    kills       kills.json          of benchmarks/kills.py
    codes       codes.json          of experiments/codes.py --results
    grasps      grasps.json         of benchmarks/grasps.py
    resdex      resdex.json         of experiments/resdex.py

What has no file reads "not measured". `--picture` makes docs/mug.png from the
rollout.png of a run.
"""

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.video import write_png

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks") / "results"
PAGES = ("README.md", "docs/resdex.md")
NOT_MEASURED = "not measured"
_PICTURE_WIDTH = 1200


def fill(text: str, results: Path) -> str:
    """Replaces every marked block of a README.

    Args:
        text: the README.
        results: folder of the result files.

    Raises:
        DexjaxError: for a block whose name is unknown or that does not end.
    """
    blocks = re.findall(r"<!-- begin (\S+) -->", text)
    for name in blocks:
        if name not in BLOCKS:
            raise DexjaxError(f"README block {name!r}: known are {', '.join(BLOCKS)}")
        pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        content = BLOCKS[name](results)
        text, count = re.subn(
            pattern, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.DOTALL
        )
        if count != 1:
            raise DexjaxError(f"README block {name!r} must end, and stand there once")
    return text


def success_table(results: Path) -> str:
    """One row per object, hand, preset and engine, over the seeds."""
    groups: dict[tuple, list[dict]] = {}
    for path in sorted((results / "base").glob("*.json")):
        run = _load(path)
        hand = run.get("hand", "shadow")
        key = (run["object"], hand, run["preset"], run["engine"])
        groups.setdefault(key, []).append(run)
    rows = [_success_row(key, runs) for key, runs in sorted(groups.items())]
    header = (
        "object | hand | preset | engine | seeds | held, mean (lowest) % | reached % | "
        "M env steps | minutes | env steps/s | penetration / overlap mm"
    )
    return _table(header, rows)


def _success_row(key: tuple, runs: list[dict]) -> list[str]:
    held = [100 * run["success_held"] for run in runs]
    return [
        *key,
        str(len(runs)),
        f"{np.mean(held):.1f} ({min(held):.1f})",
        f"{100 * np.mean([run['success_reached'] for run in runs]):.1f}",
        _span([run["env_steps"] / 1e6 for run in runs]),
        _span([run["wall_s"] / 60 for run in runs]),
        f"{np.mean([run['train_steps_per_s'] for run in runs]):,.0f}",
        " / ".join(
            _worst([run.get("contacts", run).get(f"{name}_median_mm") for run in runs])
            for name in ("penetration", "finger_overlap")
        ),
    ]


def transfer_table(results: Path) -> str:
    """Rows are objects, columns the policies of one object; means over the seeds."""
    found = _load(results / "transfer.json")
    if not found:
        return _table("object", [])
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
    titles = [f"{_short(p)} ({n})" for p, n in zip(policies, seeds, strict=True)]
    return _table(" | ".join(["object", *titles]), rows)


def _mean(rows: list[dict], success: str, name: str | None = None) -> str:
    """Mean success in % over the rows, or over those of one object."""
    wanted = [row for row in rows if name in (None, row["object"])]
    shares = [row[f"success_{success}"] for row in wanted]
    return f"{100 * np.mean(shares):.0f}" if shares else ""


def _short(name: str) -> str:
    """A DexGraspNet name without most of its 32 hexadecimal digits."""
    return re.sub("([0-9a-f]{4})[0-9a-f]{28}", r"\1…", name)


def percent(name: str) -> Callable[[dict], str]:
    """A share as %."""
    return lambda row: f"{100 * row[name]:.1f}"


def milliseconds(name: str) -> Callable[[dict], str]:
    """Seconds as ms."""
    return lambda row: f"{1000 * row[name]:.0f}"


def fixed(name: str, digits: int, factor: float = 1.0) -> Callable[[dict], str]:
    """A number with so many digits; empty where it is missing."""

    def write(row: dict) -> str:
        value = row.get(name)
        return "" if value is None else f"{factor * value:,.{digits}f}"

    return write


def word(name: str) -> Callable[[dict], str]:
    """What stands there as it is."""
    return lambda row: str(row.get(name, ""))


def held(row: dict) -> str:
    """Success held at the end, with its interval, in %."""
    low, high = (100 * bound for bound in row["ci95"])
    return f"{100 * row['success_held']:.1f} ({low:.1f}–{high:.1f})"


# Title of a column -> what it shows of a row.
ENGINES = {
    "engine": word("engine"),
    "what": word("what"),
    "object": word("object"),
    "objects": fixed("objects", 0),
    "device": word("device"),
    "worlds": word("worlds"),
    "control steps/s": fixed("control_steps_per_s", 0),
    "physics steps/s": fixed("physics_steps_per_s", 0),
    "of raw `mujoco.rollout`": fixed("ratio_to_raw", 2),
    "of one object": fixed("ratio_to_one_object", 2),
    "MB": fixed("memory_mb", 0),
    "compile s": fixed("compile_s", 0),
}
PARITY = {
    "engine": word("engine"),
    "held % (95 %)": held,
    "episodes": word("episodes"),
    "free flight: largest difference": lambda row: f"{row['free_qpos_max']:.1e}",
    "object height mm": fixed("object_height_m_mean", 1, 1000),
    "p of height": fixed("object_height_m_ks_p", 2),
    "fingertip force N": fixed("fingertip_force_n_mean", 1),
    "p of force": fixed("fingertip_force_n_ks_p", 2),
}
BASELINE = {
    "trained on": fixed("objects", 0),
    "M env steps": fixed("env_steps", 0, 1e-6),
    "evaluated on": word("split"),
    "held % (95 %)": held,
    "reached %": percent("success_reached"),
    "episodes": fixed("episodes", 0),
    "seed": word("seed"),
    "minutes": fixed("trained_wall_s", 0, 1 / 60),
}
PEERS = {
    "system": word("system"),
    "its control steps/s": fixed("control_steps_per_s", 0),
    "ours": fixed("our_control_steps_per_s", 0),
    "ours / its": fixed("ratio_control", 1),
    "of physics steps": fixed("ratio_physics", 1),
    "what differs": word("differs"),
}
PPO = {
    "learner": word("system"),
    "update ms": milliseconds("update_s"),
    "iteration ms": milliseconds("iteration_s"),
    "its update / ours": fixed("ratio", 2),
    "on the same jax": fixed("ratio_same_jax", 2),
}
PARTS = {
    "part": word("what"),
    "ms": milliseconds("seconds"),
    "% of the iteration": fixed("share", 0, 100),
    "cores busy": fixed("cores_busy", 1),
}
CODES = {
    "split": word("split"),
    "Chamfer mm²": fixed("chamfer_mm2", 0),
    "of the diagonal, %": percent("relative_error"),
    "nearest code is of the same category, %": percent("same_category"),
    "by chance, %": percent("same_category_by_chance"),
    "change when turned": fixed("code_change_when_turned", 2),
}
GRASPS = {
    "grasps of": lambda row: _short(row["source"]),
    "tried": fixed("grasps", 0),
    "held in all six directions, %": percent("valid"),
    "directions held, %": percent("directions_held"),
    "penetration mm: median": fixed("depth_mm_median", 1),
    "95 %": fixed("depth_mm_p95", 1),
    "objects with one that held, %": fixed("objects_with_a_valid_one", 1, 100),
    "grasps/s": fixed("grasps_per_s", 0),
}
RESDEX = {
    "policy": lambda row: _policy(row),
    "split": word("split"),
    "held % (95 %)": held,
    "reached %": percent("success_reached"),
    "episodes": fixed("episodes", 0),
    "D": fixed("pose_distance", 0),
    "M env steps": fixed("env_steps", 0, 1e-6),
    "minutes": fixed("wall_s", 0, 1 / 60),
    "seed": word("seed"),
}
CHANGES = {
    "change": word("what"),
    "iteration before, ms": milliseconds("before_s"),
    "after, ms": milliseconds("after_s"),
    "taken": lambda row: "yes" if row["taken"] else "no",
}


def _policy(row: dict) -> str:
    """What a row of resdex.json is called."""
    if row["policy"] == "hyper":
        parts = "mixture + residual" if row["residual"] else "mixture only"
        return f"hyper-policy, k = {row['k']}, {parts}, stage {row['stage']}"
    if row["policy"] == "student":
        return f"vision student, {row['cloud']}"
    if row["policy"] == "base":
        return f"base policy of {row['object']}, {row['kind']}"
    return "plain PPO on all objects"


def list_table(
    file: str, columns: dict[str, Callable[[dict], str]], kind: str | None = None
) -> Callable[[Path], str]:
    """A table of a result file that is a list, or of its rows of one kind."""

    def write(results: Path) -> str:
        rows = [row for row in _load(results / file) if kind in (None, row.get("kind"))]
        shown = [[column(row) for column in columns.values()] for row in rows]
        return _table(" | ".join(columns), shown)

    return write


def replay_table(results: Path) -> str:
    """How well real DexGraspNet grasps fit this hand, per object."""
    report = _load(results / "replay.json")
    objects = report.get("objects", {})
    if not objects:
        return _table("object", [])
    objects |= {"all": report["all"]}
    columns = list(next(iter(objects.values())))
    rows = [
        [name, *(_entry(column, values.get(column)) for column in columns)]
        for name, values in objects.items()
    ]
    titles = [re.sub("^share_(.*)", r"\1_(%)", column) for column in columns]
    header = ["object", *(title.replace("_", " ") for title in titles)]
    return _table(" | ".join(header), rows)


def startup_line(results: Path) -> str:
    """How long a newcomer waits."""
    found = _load(results / "startup.json")
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
    found = _load(results / "kills.json")
    if not found:
        return f"*{NOT_MEASURED}*"
    ended = "bit by bit as" if found["identical"] else "not as"
    return (
        f"After {found['kills']} kills (`kill -9`) at random moments, {found['runs']} "
        f"short trainings ended {ended} an undisturbed one."
    )


BLOCKS: dict[str, Callable[[Path], str]] = {
    "success": success_table,
    "transfer": transfer_table,
    "engines": list_table("throughput.json", ENGINES),
    "parity": list_table("parity.json", PARITY),
    "baseline": list_table("baseline.json", BASELINE),
    "peers": list_table("peers.json", PEERS),
    "ppo": list_table("ppo.json", PPO),
    "iteration": list_table("iteration.json", PARTS, "part"),
    "changes": list_table("iteration.json", CHANGES, "change"),
    "replay": replay_table,
    "startup": startup_line,
    "kills": kills_line,
    "codes": list_table("codes.json", CODES),
    "grasps": list_table("grasps.json", GRASPS),
    "resdex": list_table("resdex.json", RESDEX),
}


def _table(header: str, rows: list[list[str]]) -> str:
    if not rows:
        return f"*{NOT_MEASURED}*"
    rule = " | ".join("---" for _ in header.split("|"))
    lines = [header, rule, *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def _load(path: Path) -> Any:
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DexjaxError(f"{path} is not JSON: {error}") from error


def _span(values: list[float]) -> str:
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return low if low == high else f"{low}–{high}"


def _worst(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known):.2f}" if known else NOT_MEASURED


def _entry(column: str, value: float | int | None) -> str:
    if value is None:
        return ""
    if column.startswith("share_"):
        return f"{100 * value:.1f}"
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def make_picture(run: Path, path: Path) -> None:
    """Makes the README's picture from a run's contact sheet.

    Raises:
        DexjaxError: if the run has none.
    """
    source = run / "rollout.png"
    if not source.exists():
        raise DexjaxError(f"{run} has no rollout.png: give a finished run's folder")
    image = Image.open(source).convert("RGB")
    image.thumbnail((_PICTURE_WIDTH, _PICTURE_WIDTH))
    path.parent.mkdir(exist_ok=True)
    write_png(path, np.asarray(image))


@main_guard
def main() -> None:
    """Fills the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, metavar="RUN")
    arguments = parser.parse_args()
    if arguments.picture is not None:
        make_picture(arguments.picture, ROOT / "docs" / "mug.png")
    for page in (ROOT / name for name in PAGES):
        page.write_text(fill(page.read_text(), ROOT / RESULTS))


if __name__ == "__main__":
    main()
