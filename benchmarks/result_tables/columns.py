"""Tables of a page: the columns of every list of results, as Markdown."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dexjax.errors import DexjaxError

NOT_MEASURED = "not measured"


def table(header: str, rows: list[list[str]]) -> str:
    """Rows under a header whose titles are separated by bars."""
    if not rows:
        return f"*{NOT_MEASURED}*"
    rule = " | ".join("---" for _ in header.split("|"))
    lines = [header, rule, *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def load(path: Path) -> Any:
    """What a result file holds; nothing where there is none."""
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DexjaxError(f"{path} is not JSON: {error}") from error


def short(name: str) -> str:
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


def span(values: list[float]) -> str:
    """The least and the largest of some numbers, or the only one."""
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return low if low == high else f"{low}–{high}"


def listing(values: list[float]) -> str:
    """Some numbers, one after the other."""
    return ", ".join(f"{value:,.0f}" for value in values)


def version(name: str) -> Callable[[dict], str]:
    """Of a package in a row of matrix.json; empty where none was installed."""
    return lambda row: row.get("versions", {}).get(name, "")


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
PEERS = {
    "system": word("system"),
    "its control steps/s": fixed("control_steps_per_s", 0),
    "ours": fixed("our_control_steps_per_s", 0),
    "ours / its": fixed("ratio_control", 1),
    "of physics steps": fixed("ratio_physics", 1),
    "what differs": word("differs"),
}
PARITY_GPU = {
    "policy": word("policy"),
    "on": word("object"),
    **PARITY,
    "device": word("device"),
}
PPO = {
    "learner": word("system"),
    "update ms": milliseconds("update_s"),
    "iteration ms": milliseconds("iteration_s"),
    "its update / ours": fixed("ratio", 2),
    "on the same jax": fixed("ratio_same_jax", 2),
}
PPO_GPU = {
    **{title: PPO[title] for title in ("learner", "update ms", "iteration ms")},
    "device": word("device"),
}
HOUSE = {
    "what": word("what"),
    "is": lambda row: f"{row['value']:g} {row['unit']}",
    "aim": lambda row: aim(row),
    "device": word("device"),
}
MATRIX = {
    "Python": lambda row: version("python")(row) or row["python"],
    **{name: version(name) for name in ("jax", "jaxlib", "flax")},
    "orbax": version("orbax-checkpoint"),
    **{name: version(name) for name in ("numpy", "mujoco")},
    "install": word("install"),
    "smoke training": word("training"),
    "the lines, every policy": word("api"),
    "fast tests": lambda row: fast_tests(row),
    "notebook": word("notebook"),
}
PARTS = {
    "part": word("what"),
    "ms": milliseconds("seconds"),
    "% of the iteration": fixed("share", 0, 100),
    "cores busy": fixed("cores_busy", 1),
}
GYM = {
    "worlds": word("worlds"),
    "Gymnasium, control steps/s": fixed("gym_steps_per_s", 0),
    "the jitted task": fixed("jax_steps_per_s", 0),
    "share": fixed("share", 2),
    "device": word("device"),
}
GYM_PPO = {
    "object": word("object"),
    "env steps": fixed("steps", 0),
    "minutes": fixed("wall_s", 0, 1 / 60),
    "return at first": fixed("return_first", 0),
    "at last": fixed("return_last", 0),
    "reached at last, %": percent("reached_last"),
    "held at last, %": percent("held_last"),
}
VIEWER = {
    "tabs": word("tabs"),
    "the browser": word("browser"),
    "minutes": fixed("minutes", 0),
    "frames sent, per s": fixed("frames_per_s", 0),
    "drawn by a tab, per s": lambda row: span(row["drawn_per_s"] or [0.0]),
    "a step, ms: median": fixed("step_ms_median", 1),
    "99 %": fixed("step_ms_p99", 1),
    "MB, after a minute and at the end": lambda row: listing(row["memory_mb"]),
    "connections lost": word("lost_connections"),
}
DEXGRASPNET = {
    "policy": word("policy"),
    "scale": word("scale"),
    "objects": word("objects"),
    "held % (95 %)": held,
    "reached %": percent("success_reached"),
    "episodes": fixed("episodes", 0),
}
CODES = {
    "split": word("split"),
    "Chamfer mm²": fixed("chamfer_mm2", 0),
    "of the diagonal, %": percent("relative_error"),
    "nearest code is of the same category, %": percent("same_category"),
    "by chance, %": percent("same_category_by_chance"),
    "change when turned": fixed("code_change_when_turned", 2),
}
FAILURES = {
    "objects": word("objects"),
    "episodes": fixed("episodes", 0),
    "held, %": percent("held"),
    "never lifted, %": percent("never_lifted"),
    "dropped, %": percent("dropped"),
    "in the air, off the goal, %": percent("off_goal"),
    "median mass kg": fixed("median_mass_kg", 2),
}
GRASPS = {
    "grasps of": lambda row: short(row["source"]),
    "tried": fixed("grasps", 0),
    "held in all six directions, %": percent("valid"),
    "directions held, %": percent("directions_held"),
    "penetration mm: median": fixed("depth_mm_median", 1),
    "95 %": fixed("depth_mm_p95", 1),
}
RESDEX = {
    "policy": lambda row: policy(row),
    "split": word("split"),
    "held % (95 %)": held,
    "reached %": percent("success_reached"),
    "episodes": fixed("episodes", 0),
    "D": fixed("pose_distance", 0),
    "M env steps": fixed("env_steps", 1, 1e-6),
    "minutes": fixed("wall_s", 0, 1 / 60),
    "seed": word("seed"),
}
GPU = {
    **{title: RESDEX[title] for title in ("policy", "split")},
    "measured on": word("evaluated_on"),
    **{title: RESDEX[title] for title in ("held % (95 %)", "reached %", "episodes")},
    "M env steps": RESDEX["M env steps"],
    "minutes": fixed("wall_s", 1, 1 / 60),
    "env steps/s": fixed("steps_per_s", 0),
}
CHANGES = {
    "change": word("what"),
    "iteration before, ms": milliseconds("before_s"),
    "after, ms": milliseconds("after_s"),
    "taken": lambda row: "yes" if row["taken"] else "no",
}


def aim(row: dict) -> str:
    """What a row of house.json is to reach, and whether it does."""
    if row["reached"] is None:
        return ""
    most, least = row["at_most"], row["at_least"]
    bound = f"≤ {most:g}" if most is not None else f"≥ {least:g}"
    return bound if row["reached"] else f"{bound}, not reached"


def fast_tests(row: dict) -> str:
    """How many tests of a row of matrix.json passed, or why one did not."""
    if row["tests"] != "ok":
        return row["tests"]
    return f"{row['tests_passed']} passed"


def policy(row: dict) -> str:
    """What a row of resdex.json is called."""
    if row["policy"] == "hyper":
        parts = "mixture + residual" if row["residual"] else "mixture only"
        if row["k"] == 1:
            parts = "residual only" if row["residual"] else "base policy only"
        return f"hyper-policy, k = {row['k']}, {parts}, stage {row['stage']}"
    if row["policy"] == "student":
        return f"vision student, {row['cloud']}"
    return "plain PPO on all objects"


def list_table(
    file: str,
    columns: dict[str, Callable[[dict], str]],
    wanted: Callable[[dict], bool] = lambda row: True,
) -> Callable[[Path], str]:
    """A table of a result file that is a list: of its wanted rows."""

    def write(results: Path) -> str:
        rows = [row for row in load(results / file) if wanted(row)]
        shown = [[column(row) for column in columns.values()] for row in rows]
        return table(" | ".join(columns), shown)

    return write
