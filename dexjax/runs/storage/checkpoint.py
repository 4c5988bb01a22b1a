"""Checkpoints of a training: complete or not there, checked before they are believed.

The only file that knows orbax. A checkpoint is one folder,
`<folder>/<step>/{checkpoint.json, state/}`: orbax writes the arrays, checkpoint.json
says what they are (name, shape, type), how long every file is and what its checksum is.
It is written under a temporary name and renamed when complete, so that a process killed
at any moment leaves the previous checkpoints as they were. Files are not forced to the
disk (fsync): a power cut may cost the newest checkpoint, and the one before it is kept.
"""

import contextlib
import errno
import functools
import gc
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from orbax.checkpoint import v1 as ocp

from dexjax.errors import DexjaxError
from dexjax.runs.storage.checkpoint_files import (
    INDEX,
    fingerprint,
    newest_first,
    newest_intact,
    reason,
    step_of,
)
from dexjax.runs.storage.checkpoint_match import check_layers, check_meta, describe

_STATE = "state"
# More than the index and the files about the arrays take.
INDEX_BYTES = 200_000


def save(folder: Path, step: int, tree: Any, meta: dict) -> None:
    """Saves a checkpoint; afterwards it and the one before it are all that is kept.

    Args:
        folder: folder of the checkpoints, made if absent.
        step: what numbers the checkpoint, e.g. the iteration; not negative.
        tree: pytree of arrays and numbers; PRNG keys, raw or typed, are welcome.
        meta: JSON-able description: hand, network, configuration, ...

    Raises:
        DexjaxError: if it cannot be written, e.g. for lack of space; what was there
            before is left intact.
    """
    folder = Path(folder)
    partial = folder / f".partial-{step:010d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        _write(partial, tree, meta)
        _move_in(partial, folder / f"{step:010d}")
    # Orbax and its store report a full disk by exceptions of several kinds.
    except Exception as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise DexjaxError(
            f"cannot save checkpoint {step} in {folder}: {reason(error)}; earlier "
            "checkpoints are intact, and the same command resumes from them"
        ) from error
    _prune(folder, step)


def latest_step(folder: Path) -> int | None:
    """The number of the newest checkpoint in a folder, None if there is none."""
    names = newest_first(Path(folder))
    return step_of(names[0]) if names else None


def read_meta(folder: Path, step: int | None = None) -> tuple[int, dict]:
    """Reads step and meta of the newest checkpoint that is intact.

    Args:
        folder: folder of the checkpoints.
        step: this one instead of the newest.

    Raises:
        DexjaxError: if there is none.
    """
    path, index = newest_intact(Path(folder), step)
    return step_of(path), index["meta"]


def restore(
    folder: Path,
    template: Any,
    step: int | None = None,
    expect: dict | None = None,
    part: str = "",
) -> tuple[int, Any, dict]:
    """Restores the newest checkpoint that is intact.

    Where the newest is damaged the one before it is taken, and stderr says so.

    Args:
        folder: folder of the checkpoints.
        template: pytree like the saved one: arrays or `jax.ShapeDtypeStruct`s.
        step: this checkpoint instead of the newest.
        expect: entries that the meta must have, e.g. {"hand": "shadow"}.
        part: restore only this entry of the saved tree; the template is like it.

    Returns:
        Its step, the tree (JAX arrays where the template has them, NumPy arrays and
        numbers likewise), and its meta.

    Raises:
        DexjaxError: if there is none, or it is of another hand or network: says what
            differs.
    """
    path, index = newest_intact(Path(folder), step)
    check_meta(path, index["meta"], expect or {})
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    prefix = f"{part}/" if part else ""
    named = [(prefix + _leaf_name(key_path), leaf) for key_path, leaf in leaves]
    layers = {n: x for n, x in index["layers"].items() if n.startswith(prefix)}
    check_layers(path, layers, dict(named))
    arrays = _load(path, layers, index["generators"])
    generators = index["generators"]
    restored = [_like(arrays[name], leaf, generators, name) for name, leaf in named]
    tree = jax.tree_util.tree_unflatten(structure, restored)
    return step_of(path), tree, index["meta"]


def _load(
    path: Path, layers: dict[str, dict], generators: dict[str, str]
) -> dict[str, Any]:
    """The arrays of a checkpoint, each of the shape and type that its index tells.

    Typed keys of random generators are stored as what they wrap.
    """
    said = ""
    _ignore_closed_loops()
    with _quiet():
        try:
            return _arrays(path, layers, generators)
        # Orbax and its store report damage by exceptions of several kinds.
        except Exception as error:
            said = reason(error)
        # What orbax has left unfinished complains when it goes.
        gc.collect()
    raise DexjaxError(
        f"checkpoint {path} cannot be read ({said}): start anew with --fresh"
    )


def _arrays(
    path: Path, layers: dict[str, dict], generators: dict[str, str]
) -> dict[str, Any]:
    """See `_load`; raises whatever orbax does."""
    arrays = ocp.load((path / _STATE).absolute())
    for name, told in layers.items():
        if 0 in told["shape"]:
            arrays[name] = np.zeros(told["shape"], told["dtype"])
        elif name not in generators and describe(arrays[name]) != told:
            raise ValueError(f"{name} is not as its index tells")
    return arrays


def _write(path: Path, tree: Any, meta: dict) -> None:
    flat = jax.tree_util.tree_flatten_with_path(tree)[0]
    leaves = {_leaf_name(key_path): leaf for key_path, leaf in flat}
    path.mkdir()
    with _quiet():
        arrays = {name: _to_numpy(leaf) for name, leaf in leaves.items()}
        _check_space(path, sum(array.nbytes for array in arrays.values()))
        # Orbax refuses arrays without elements; the index has their shape.
        filled = {name: array for name, array in arrays.items() if array.size}
        ocp.save((path / _STATE).absolute(), filled)
    # It would tell every reader of a shipped policy where it was written.
    (path / _STATE / "commit_success.txt").unlink(missing_ok=True)
    index = {
        "meta": meta,
        "layers": {name: describe(leaf) for name, leaf in leaves.items()},
        "generators": {
            name: str(jax.random.key_impl(leaf))
            for name, leaf in leaves.items()
            if _is_typed_key(leaf)
        },
        "files": {
            str(file.relative_to(path)): fingerprint(file)
            for file in sorted(path.rglob("*"))
            if file.is_file()
        },
    }
    (path / INDEX).write_text(json.dumps(index, default=str, indent=1))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps orbax from logging tracebacks of errors that it also raises."""
    loggers = [logging.getLogger(name) for name in ("absl", "asyncio")]
    disabled = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, before in zip(loggers, disabled, strict=True):
            logger.disabled = before


@functools.cache
def _ignore_closed_loops() -> None:
    """Keeps reads that orbax leaves unfinished from printing a traceback at their end.

    Where one of several arrays cannot be read, orbax closes its event loop; threads of
    its store then find that closed and have nobody to raise to. Lasts for the process,
    since they may end at any time.
    """
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            before(unraisable)

    sys.unraisablehook = hook


def _check_space(path: Path, needed: int) -> None:
    """Raises the error of a full disk if there is no room for so many bytes.

    Orbax finds out halfway, and what it then still writes prints a traceback when the
    process is at its end.
    """
    if shutil.disk_usage(path).free < needed + INDEX_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _move_in(partial: Path, path: Path) -> None:
    """Renames into place; an older checkpoint of the same step stays until then."""
    aside = path.with_suffix(".old")
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(path, aside)
    os.rename(partial, path)


def _prune(folder: Path, step: int) -> None:
    """Keeps this step and the newest below it.

    Numbers above it belong to a training that has been resumed from before them.
    """
    below = [p for p in newest_first(folder) if step_of(p) < step]
    keep = {f"{step:010d}", *(p.name for p in below[:1])}
    for path in folder.iterdir():
        if path.name not in keep and re.match(r"\.partial-|\d{10}", path.name):
            shutil.rmtree(path, ignore_errors=True)


def _leaf_name(key_path: tuple) -> str:
    return jax.tree_util.keystr(key_path, simple=True, separator="/")


def _is_typed_key(leaf: Any) -> bool:
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)


def _to_numpy(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_typed_key(leaf) else leaf)


def _like(array: np.ndarray, leaf: Any, generators: dict, name: str) -> Any:
    """The saved array as what the template has in its place."""
    if _is_typed_key(leaf):
        return jax.random.wrap_key_data(jnp.array(array), impl=generators[name])
    if isinstance(leaf, (bool, int, float)):
        return type(leaf)(array)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return np.array(array)
    return jnp.array(array)
