"""Whether a hand's MJCF file leaves the world as it is, and means the same in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import mujoco
import numpy as np

from dexjax.hands.files import (
    TABLE,
    called,
    mjcf_path,
    one_line,
    quiet_mujoco,
    world_spec,
)

_FLAGS = {
    "disableflags": (mujoco.mjtDisableBit, "mjDSBL_", ("enable", "disable")),
    "enableflags": (mujoco.mjtEnableBit, "mjENBL_", ("disable", "enable")),
}
_ENUMS = {
    "integrator": mujoco.mjtIntegrator,
    "cone": mujoco.mjtCone,
    "jacobian": mujoco.mjtJacobian,
    "solver": mujoco.mjtSolver,
}
# What only pictures show: it stays the table's, whatever the file says.
_SEEN = {"center", "extent", "meansize"}
# Elements of a model, and which size counts them.
_ROWS = {
    "body": "nbody",
    "jnt": "njnt",
    "dof": "nv",
    "geom": "ngeom",
    "site": "nsite",
    "cam": "ncam",
    "light": "nlight",
    "tendon": "ntendon",
    "actuator": "nu",
    "sensor": "nsensor",
    "eq": "neq",
    "pair": "npair",
    "exclude": "nexclude",
    "mesh": "nmesh",
}
# These count or point into the whole model, or follow the picture's size and colours.
_POINTERS = re.compile(
    r".*(id|adr|num|signature|geom[12]|rgba|sameframe|intrinsic)$|.*bvh.*"
)
_OBJECT = mujoco.mjtObj
_RESERVED = (
    (_OBJECT.mjOBJ_BODY, "body", re.compile("object")),
    (_OBJECT.mjOBJ_JOINT, "joint", re.compile("object")),
    (_OBJECT.mjOBJ_GEOM, "geom", re.compile(r"hull\d+")),
    (_OBJECT.mjOBJ_MESH, "mesh", re.compile(r"hull\d+")),
    (_OBJECT.mjOBJ_SENSOR, "sensor", re.compile(r"object_.*")),
)


def global_problems(mjcf: Path) -> Iterator[str]:
    """What the file sets for the whole world, where only the table's file may.

    Args:
        mjcf: the hand's MJCF file.
    """
    table = mujoco.MjSpec.from_file(str(mjcf_path(TABLE)))
    try:
        both = _merged(mjcf)
    except ValueError as error:
        yield f"{mjcf.name} does not go with {TABLE}: {one_line(error)}"
        return
    for name, old, new in _differences(table, both):
        if new != old:
            yield (
                f"{mjcf.name} sets {name} to {new} for the whole world, where "
                f"{TABLE} has {old}: leave it out"
            )
    if not both.compiler.autolimits:
        yield (
            f'{mjcf.name} sets autolimits="false" in <compiler>: leave it out, the '
            "wrist's forces are limited by a range alone"
        )
    numerics = [numeric.name for numeric in both.numerics]
    for name in numerics[len(table.numerics) :]:
        yield (
            f"{mjcf.name} has the custom numeric {name!r}: engines take these for "
            "settings of the whole world, leave it out"
        )


def world_problems(mjcf: Path, alone: mujoco.MjModel) -> Iterator[str]:
    """What of the file lies in the world beside the palm, or changes with the table.

    Args:
        mjcf: the hand's MJCF file.
        alone: it compiled alone.
    """
    if alone.nplugin:
        yield f"{mjcf.name} uses a plugin: not every engine has them, leave it out"
    yield from _beside_the_palm(mjcf, alone)
    yield from _reserved_names(alone)
    table = mujoco.MjModel.from_xml_path(str(mjcf_path(TABLE)))
    try:
        with quiet_mujoco():
            both = world_spec(mjcf).compile()
    except ValueError as error:
        yield f"{mjcf.name} does not go with {TABLE}: {one_line(error)}"
        return
    for kind, size in _ROWS.items():
        if _count(both, size) != _count(alone, size) + _count(table, size):
            yield (
                f"{mjcf.name} has another {size} over the table than alone: leave "
                "settings of the whole model out of <compiler>"
            )
        for field in _changed(kind, size, alone, both):
            yield (
                f"{mjcf.name} has another {field} over the table than alone: leave "
                "settings of the whole model out of <compiler>"
            )


def _merged(mjcf: Path) -> mujoco.MjSpec:
    """Both files read into one, so that what the hand's sets replaces the table's."""
    files = (mjcf_path(TABLE), mjcf.absolute())
    includes = (f"<include file={quoteattr(str(file))}/>" for file in files)
    with quiet_mujoco():
        return mujoco.MjSpec.from_string(f"<mujoco>{''.join(includes)}</mujoco>")


def _differences(
    table: mujoco.MjSpec, both: mujoco.MjSpec
) -> Iterator[tuple[str, Any, Any]]:
    """(name, the table's value, the value of both files), as texts."""
    for name in _fields(table.option):
        old, new = getattr(table.option, name), getattr(both.option, name)
        if name in _FLAGS:
            yield from _flags(name, old, new)
        elif name in _ENUMS:
            words = [_ENUMS[name](value).name for value in (old, new)]
            yield f"the option {name}", *(w.split("_", 1)[1].lower() for w in words)
        else:
            yield f"the option {name}", _said(old), _said(new)
    for name in sorted(set(_fields(table.stat)) - _SEEN):
        old, new = getattr(table.stat, name), getattr(both.stat, name)
        yield f"the statistic {name}", _said(old), _said(new)
    for name in _fields(table):
        if name == "memory" or name.startswith("n"):
            old, new = getattr(table, name), getattr(both, name)
            if isinstance(old, int):
                yield f"the size {name}", _said(old), _said(new)


def _fields(part: Any) -> list[str]:
    return [name for name in dir(part) if not name.startswith("_")]


def _flags(name: str, old: int, new: int) -> Iterator[tuple[str, str, str]]:
    kinds, prefix, words = _FLAGS[name]
    for kind in kinds.__members__.values():
        if kind.name.startswith(prefix):
            values = (words[bool(flags & kind.value)] for flags in (old, new))
            flag = kind.name.removeprefix(prefix).lower()
            yield f"the flag {flag}", *values  # type: ignore[misc]


def _said(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return " ".join(f"{number:.10g}" for number in value.ravel())
    return f"{value:.10g}"


def _beside_the_palm(mjcf: Path, model: mujoco.MjModel) -> Iterator[str]:
    for kind in ("geom", "site", "cam", "light"):
        for loose in np.flatnonzero(getattr(model, f"{kind}_bodyid") == 0):
            element = getattr(model, "camera" if kind == "cam" else kind)
            name = element(int(loose)).name
            yield (
                f"{called(kind, name)} of {mjcf.name} lies in the world: everything "
                "of a hand hangs on the body 'palm', and the table is there already"
            )
    for index in range(model.nexclude):
        first, second = divmod(int(model.exclude_signature[index]), 1 << 16)
        if 0 in (first, second):
            body = model.body(first or second).name
            yield (
                f"{mjcf.name} excludes contacts of {body!r} with the world: the table "
                "is to be felt, leave the exclude out"
            )
    for index in range(model.neq):
        # Those between sites are the hand's own: it has no site in the world.
        of_bodies = model.eq_objtype[index] == int(_OBJECT.mjOBJ_BODY)
        if of_bodies and 0 in (model.eq_obj1id[index], model.eq_obj2id[index]):
            yield (
                f"{called('equality', model.equality(index).name)} of {mjcf.name} ties "
                "the hand to the world: leave it out, the wrist is steered"
            )


def _reserved_names(model: mujoco.MjModel) -> Iterator[str]:
    for kind, what, reserved in _RESERVED:
        size = {"joint": "njnt"}.get(what, f"n{what}")
        for index in range(getattr(model, size)):
            name = mujoco.mj_id2name(model, kind, index) or ""
            if reserved.fullmatch(name):
                yield f"no {what} may be called {name!r}: that is what is grasped"


def _count(model: mujoco.MjModel, size: str) -> int:
    return getattr(model, size) - (size == "nbody")


def _changed(
    kind: str, size: str, alone: mujoco.MjModel, both: mujoco.MjModel
) -> Iterator[str]:
    """Fields of the hand's own rows that differ; the hand's rows come last."""
    count = _count(alone, size)
    for name in dir(alone):
        if not name.startswith(f"{kind}_") or _POINTERS.match(name):
            continue
        own = getattr(alone, name)
        if count and isinstance(own, np.ndarray) and len(own) == getattr(alone, size):
            other = getattr(both, name)
            if not np.allclose(own[-count:], other[-count:], equal_nan=True):
                yield name
