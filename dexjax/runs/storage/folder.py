"""A run's folder: made, locked, resumed or refused."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import filelock
import yaml

from dexjax.errors import DexjaxError
from dexjax.reading import read_yaml
from dexjax.runs.storage.files import PARTIAL, read_json, write_json, write_text

_LOCK = ".lock"
# A fresh start removes these and nothing else; the configuration last, because a folder
# that has one still looks like a run's folder if the removal is interrupted.
_FILES = (
    "summary.json",
    "checkpoints",
    "objects.object.npz",
    "encoder",
    "grasps.npz",
    "grasp_sets.npz",
    "bases.json",
    "chunks",
    "metrics.csv",
    "tensorboard",
    "curve.png",
    "rollout.mp4",
    "rollout.png",
    "evaluation.json",
    "evaluation-worst.mp4",
    "evaluation-worst.png",
    "config.yaml",
)
_DISCARDED = ".discarded-"
# Where and how a run is started, not what it is: how it is spread over devices changes
# nothing that it learns.
_NOT_COMPARED = ("out", "fresh", "devices")
# With more of it a finished run is an unfinished one again.
_BUDGET = "budget.env_steps"


class RunFolder:
    """The folder of one run, locked until closed (or until the process ends).

    Attributes:
        path: the folder.
        config: the configuration, in the plain form that config.yaml holds.
        resuming: whether it holds an unfinished run with the same configuration.
        finished: whether it holds the result of one.
    """

    def __init__(self, path: Path, lock: filelock.BaseFileLock, config: dict) -> None:
        """Use `open`."""
        self.path = path
        self.config = config
        self.finished = self.summary_path.exists()
        self.resuming = not self.finished and self.checkpoints.is_dir()
        self._lock = lock

    @classmethod
    def open(cls, path: Path, config: dict, fresh: bool = False) -> "RunFolder":
        """Makes or opens a run folder and locks it.

        Args:
            path: the folder.
            config: the resolved configuration; anything not JSON-able is kept by `str`.
                "out" and "fresh" are not compared; with more env_steps than before
                a finished run goes on.
            fresh: start anew, removing an old run's files.

        Raises:
            DexjaxError: if another process uses it, if it holds other things than a
                run, a run with another configuration (says what differs), or cannot be
                written.
        """
        path = Path(path)
        plain = json.loads(json.dumps(config, default=str))
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = _acquire(path)
        except OSError as error:
            reason = error.strerror or error
            raise DexjaxError(f"cannot use {path} as run folder: {reason}") from error
        try:
            _prepare(path, plain, fresh)
        except OSError as error:
            lock.release()
            raise DexjaxError(f"cannot write in {path}: {error.strerror}") from error
        except DexjaxError:
            lock.release()
            raise
        return cls(path, lock, plain)

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def summary_path(self) -> Path:
        """File of the result; there once the run is finished."""
        return self.path / "summary.json"

    def write_summary(self, summary: dict) -> None:
        """Writes the result, which makes the run a finished one.

        Raises:
            DexjaxError: if it cannot be written.
        """
        write_json(self.summary_path, summary)
        self.finished, self.resuming = True, False

    def read_summary(self) -> dict:
        """Reads the result; see `read_json`."""
        return read_json(self.summary_path)

    def close(self) -> None:
        """Unlocks the folder."""
        self._lock.release()

    def __enter__(self) -> "RunFolder":
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Unlocks the folder."""
        self.close()


def read_config(path: Path) -> dict:
    """Reads the configuration of a run folder.

    Raises:
        DexjaxError: if there is none, or it cannot be understood.
    """
    file = Path(path) / "config.yaml"
    if not file.exists():
        raise DexjaxError(f"{path} is no run folder: no config.yaml in it")
    try:
        config = read_yaml(file)
    except DexjaxError as error:
        raise DexjaxError(f"{file} is damaged ({error}): use --fresh") from error
    if not isinstance(config, dict):
        raise DexjaxError(f"{file} is damaged (no fields in it): use --fresh")
    return config


def _acquire(path: Path) -> filelock.BaseFileLock:
    lock = filelock.FileLock(path / _LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise DexjaxError(
            f"run folder {path} is in use by another process: wait until that has "
            "ended, or choose another folder (OUT=...)"
        ) from error
    return lock


def _prepare(path: Path, config: dict, fresh: bool) -> None:
    _remove_leftovers(path)
    strangers = sorted(
        entry.name for entry in path.iterdir() if entry.name not in (*_FILES, _LOCK)
    )
    has_config = (path / "config.yaml").exists()
    if strangers and not has_config:
        raise DexjaxError(
            f"{path} holds other things than a run ({strangers[0]}): choose another "
            "folder (OUT=...)"
        )
    if fresh:
        _remove_run(path)
    elif has_config and _worth_keeping(path):
        old = read_config(path)
        _compare(path, old, config)
        if _flat(old).get(_BUDGET) != _flat(config).get(_BUDGET):
            (path / "summary.json").unlink(missing_ok=True)
    elif not has_config and (path / "checkpoints").exists():
        raise DexjaxError(f"{path} holds checkpoints but no config.yaml: use --fresh")
    write_text(path / "config.yaml", yaml.safe_dump(config, sort_keys=False))


def _worth_keeping(path: Path) -> bool:
    """Whether there is a result or a checkpoint: else another run may take over."""
    checkpoints = path / "checkpoints"
    saved = checkpoints.is_dir() and any(checkpoints.iterdir())
    return saved or (path / "summary.json").exists()


def _remove_run(path: Path) -> None:
    for name in _FILES:
        target = path / name
        if target.is_dir():
            # Renamed first: half a removal must not look like a run to resume.
            aside = path / f"{_DISCARDED}{name}"
            os.rename(target, aside)
            shutil.rmtree(aside)
        else:
            target.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Removes what a killed process left half written or half removed."""
    for entry in path.iterdir():
        if entry.name.startswith(_DISCARDED):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith(PARTIAL):
            entry.unlink(missing_ok=True)


def _compare(path: Path, old: dict, new: dict) -> None:
    there, here = _flat(old), _flat(new)
    names = [*here, *(name for name in there if name not in here)]
    differences = [
        f"{name} {there.get(name)!r} there, {here.get(name)!r} now"
        for name in names
        if name not in _NOT_COMPARED and there.get(name) != here.get(name)
        if name != _BUDGET or there.get(name, 0) > here.get(name, 0)
    ]
    if differences:
        more = len(differences) - 4
        tail = f"; and {more} more" if more > 0 else ""
        raise DexjaxError(
            f"{path} holds a run with another configuration: "
            f"{'; '.join(differences[:4])}{tail}. Use --fresh to replace it, or "
            "another folder (OUT=...)"
        )


def _flat(config: dict, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
