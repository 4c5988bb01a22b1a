"""Whether a checkpoint is what is wanted: its hand, its configuration, its network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dexjax.errors import DexjaxError


def check_meta(path: Path, meta: dict, expect: dict) -> None:
    """Checks what a checkpoint says of itself.

    Args:
        path: of the checkpoint.
        meta: what it says.
        expect: entries that it must have, at any depth; it may have others.

    Raises:
        DexjaxError: if one is missing or another; names it and both values.
    """
    wanted = json.loads(json.dumps(expect, default=str))
    for name, there, here in _differences(meta, wanted):
        raise DexjaxError(
            f"checkpoint {path} has {name} {there!r}, this run wants {here!r}"
        )


def check_layers(path: Path, there: dict, template: dict[str, Any]) -> None:
    """Checks that a checkpoint's arrays are those that are wanted.

    Args:
        path: of the checkpoint.
        there: name -> what `describe` said of the array when it was saved.
        template: name -> array, number or `jax.ShapeDtypeStruct` that is wanted.

    Raises:
        DexjaxError: if one is missing, too many, or of another shape or type; says
            which, the first three of them.
    """
    here = {name: describe(leaf) for name, leaf in template.items()}
    names = list(here) + [name for name in there if name not in here]
    differences = [
        f"layer {name}: {_spell(there.get(name))} there, {_spell(here.get(name))} here"
        for name in names
        if there.get(name) != here.get(name)
    ]
    if differences:
        more = len(differences) - 3
        tail = f"; and {more} more" if more > 0 else ""
        raise DexjaxError(
            f"checkpoint {path} is of another network: "
            f"{'; '.join(differences[:3])}{tail}"
        )


def describe(leaf: Any) -> dict:
    """Shape and type, JSON-able: those of an array, or 0-d for a number."""
    leaf = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
    return {"shape": list(leaf.shape), "dtype": str(leaf.dtype)}


def _differences(there: Any, here: Any, name: str = "") -> Iterator[tuple]:
    """Names and values in which the second of two JSON-able values differs."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key, value in here.items():
            yield from _differences(there.get(key), value, f"{name}.{key}".strip("."))
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for i, pair in enumerate(zip(there, here, strict=True)):
            yield from _differences(*pair, f"{name}[{i}]")
    elif there != here:
        yield name, there, here


def _spell(layer: dict | None) -> str:
    if layer is None:
        return "none"
    return f"{tuple(layer['shape'])} {layer['dtype']}".removesuffix(" float32")
