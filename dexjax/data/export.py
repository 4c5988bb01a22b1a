"""Transitions as a data set of Minari, for learners that are not of dexjax."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dexjax.data.files import PARTIAL
from dexjax.data.shards import read_shard, written
from dexjax.data.spec import TransitionSpec, read_spec
from dexjax.data.steps import Steps, layout
from dexjax.errors import DexjaxError

OBSERVED = ("joints", "targets", "position", "quaternion", "forces")
TOLD = ("object", "turn", "expert", "mode", "reached", "safe")


def export_minari(folder: Path, out: Path) -> None:
    """Writes a data set that `minari.MinariDataset(out)` reads.

    The observation is a dict of joints, targets, position, quaternion and forces; the
    action is the change of the targets, rad; the reward is 1 where a goal is reached.
    Minari's `infos` hold the rest. Episodes end at the end of a shard, too; those of
    one step have no action and are left out. None is said to be terminated, as
    transitions do not tell a drop from a time limit.

    Args:
        folder: of transitions.
        out: folder to make.

    Raises:
        DexjaxError: Minari is missing, `out` is there already, there are no shards,
            or one of them is bad.
    """
    try:
        from minari.dataset.minari_storage import MinariStorage
    except ImportError:
        raise DexjaxError("Minari is missing: pip install 'dexjax[minari]'") from None
    spec, numbers, out = read_spec(folder), written(folder), Path(out)
    if out.exists():
        raise DexjaxError(f"{out} is there already: choose another folder")
    if not numbers:
        raise DexjaxError(f"{folder} has no shards to export: collect some first")
    partial = out.with_name(PARTIAL + out.name)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        store = MinariStorage.new(partial, *_spaces(spec))
        for number in numbers:
            store.update_episodes(_episodes(read_shard(folder, number)))
        store.update_metadata(_metadata(spec.hand))
        partial.replace(out)
    except OSError as error:
        raise DexjaxError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _spaces(spec: TransitionSpec) -> tuple[Any, Any]:
    """Of observations and of actions."""
    from gymnasium import spaces

    def box(name: str) -> Any:
        return spaces.Box(-np.inf, np.inf, layout(spec)[name][1], np.float32)

    return spaces.Dict({name: box(name) for name in OBSERVED}), box("targets")


def _metadata(hand: str) -> dict[str, Any]:
    """What Minari wants to know of a data set."""
    from minari import __version__

    return {
        "dataset_id": f"dexjax/{hand}-v0",
        "minari_version": __version__,
        "algorithm_name": "experts of dexjax",
    }


def _episodes(steps: Steps) -> Iterator[Any]:
    """The episodes of a shard as Minari takes them."""
    from minari.data_collector import EpisodeBuffer

    length = steps.begins.shape[1]
    for world, begins in enumerate(steps.begins):
        cuts = [0, *np.flatnonzero(begins[1:]) + 1, length]
        for start, end in zip(cuts[:-1], cuts[1:], strict=True):
            count = int(end - start) - 1
            if not count:
                continue
            own = Steps(*(array[world, start:end] for array in steps))
            yield EpisodeBuffer(
                observations={
                    name: getattr(own, name).astype(np.float32) for name in OBSERVED
                },
                actions=np.diff(own.targets.astype(np.float32), axis=0),
                rewards=own.reached[:-1].astype(np.float32),
                terminations=np.zeros(count, bool),
                truncations=np.arange(count) == count - 1,
                infos={name: getattr(own, name) for name in TOLD},
            )
