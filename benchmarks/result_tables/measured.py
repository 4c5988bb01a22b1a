"""When, and at which commits, the figures of a table were measured."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.scene import make_scene
from result_tables.columns import load

# Whoever changes the physics changes both: figures of before leave the pages then.
PHYSICS = "6c3ee7265f9a5a66"
PHYSICS_CHANGED = "2026-11-25T14:49:08+00:00"
# Files whose figures no physics goes into.
WITHOUT_PHYSICS = ("codes.json", "storage.json", "diffusion.json")
_MOST_COMMITS = 4
_OPTIONS = (
    "timestep",
    "integrator",
    "cone",
    "impratio",
    "gravity",
    "solver",
    "iterations",
    "tolerance",
    "disableflags",
    "enableflags",
)
_ARRAYS = (
    "geom_friction",
    "geom_solref",
    "geom_solimp",
    "geom_margin",
    "geom_gap",
    "geom_contype",
    "geom_conaffinity",
    "geom_condim",
    "body_mass",
    "dof_damping",
    "dof_armature",
    "dof_frictionloss",
    "jnt_range",
    "actuator_gainprm",
    "actuator_biasprm",
    "actuator_forcerange",
    "actuator_ctrlrange",
)


def rows_of(results: Path, file: str) -> Iterator[dict]:
    """Everything in a result file, or in those of a folder, that says when it is of.

    Args:
        results: folder of the result files.
        file: name of a file; of several with a star, or with a comma between them.
    """
    for pattern in file.split(", "):
        for path in sorted(results.glob(pattern)):
            yield from _dated(load(path))


def _dated(found: Any) -> Iterator[dict]:
    if isinstance(found, list):
        for row in found:
            yield from _dated(row)
    elif isinstance(found, dict) and "date" in found:
        yield found
    elif isinstance(found, dict):
        yield from _dated([*found.values()])


def measured_line(results: Path, file: str) -> str:
    """Dates and commits of a result file in one line; empty where there are none."""
    rows = [*rows_of(results, file)]
    if not rows:
        return ""
    days = sorted({row["date"][:10] for row in rows})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    rows.sort(key=lambda row: row["date"])
    commits = [*dict.fromkeys(f"`{row['commit'][:7]}`" for row in rows)]
    if len(commits) > _MOST_COMMITS:
        commits = [*commits[:1], "…", *commits[-1:]]
    named = "commit" if len(commits) == 1 else "commits"
    return f"*{file}: {span}, {named} {', '.join(commits)}*"


def physics_signature() -> str:
    """Of all numbers of a mug's scene that decide how things move and touch.

    It changes with the physics, not with MuJoCo's version or the machine.
    """
    model = make_scene(load_hand("shadow"), load_objects(["mug"])).models[0]
    options = {name: getattr(model.opt, name) for name in _OPTIONS}
    arrays = {name: getattr(model, name) for name in _ARRAYS}
    digest = hashlib.sha256()
    for name, value in (options | arrays).items():
        numbers = np.atleast_1d(np.asarray(value, float)).ravel()
        digest.update(f"{name} {' '.join(f'{x:.5g}' for x in numbers)}\n".encode())
    return digest.hexdigest()[:16]
