"""The rows of ResDex's tables, read from the file that the pipeline completes."""

from pathlib import Path
from typing import Any

from dexjax.errors import DexjaxError
from dexjax.runs.storage.files import read_json

Rows = list[dict]
_MOST_STEPS = 1e15


def read_rows(path: Path) -> Rows:
    """The rows of a file; none if there is no such file.

    Raises:
        DexjaxError: it cannot be read, or has a row that no policy has.
    """
    if not path.exists():
        return []
    rows = read_json(path)
    if not isinstance(rows, list):
        raise DexjaxError(f"{path}: holds no list of rows")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DexjaxError(f"{path}: row {number} is {row!r:.40}, not fields")
        for name, sound in _FIELDS.items():
            if name not in row or not sound(row[name]):
                told = f"{name} {row[name]!r:.40}" if name in row else f"no {name}"
                raise DexjaxError(f"{path}: row {number} has {told}")
        if row["policy"] == "base" and not isinstance(row.get("object"), str):
            raise DexjaxError(f"{path}: row {number}, a base policy's, has no object")
        steps, curve = row.get("env_steps"), row.get("curve")
        if curve and not (_number(steps, 0, _MOST_STEPS) and _curve(curve)):
            raise DexjaxError(f"{path}: row {number} has no whole learning curve")
    return rows


def _number(value: Any, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most


def _share(value: Any) -> bool:
    return _number(value, 0.0, 1.0)


def _curve(value: Any) -> bool:
    """Whether these are steps and shares."""
    return isinstance(value, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and _number(pair[0], 0, _MOST_STEPS)
        and _share(pair[1])
        for pair in value
    )


def _interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_share, value))


_FIELDS = {
    "policy": lambda x: isinstance(x, str),
    "seed": lambda x: type(x) is int,
    "success_held": _share,
    "ci95": _interval,
    "pose_distance": lambda x: x is None or _number(x, 0.0, 1e9),
}
