"""Endless batches of windows, shuffled over the shards of a folder."""

import functools
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from dexjax.data.shards import (
    BadShard,
    read_header,
    read_shard,
    read_some,
    written,
)
from dexjax.data.spec import TransitionSpec, read_spec
from dexjax.data.windows import Pool, Span, Windows, has_window
from dexjax.errors import DexjaxError

Item = TypeVar("Item", bound=Hashable)
MEMORY = 1_000_000_000  # bytes
_MOST_NAMED = 5


def split(
    items: Sequence[Item], held_out: float, seed: int = 0
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Two parts of some numbers of shards or names of objects: to learn, to test.

    Args:
        items: at least two.
        held_out: share of the second part, which gets at least one.
        seed: of the draw.

    Raises:
        DexjaxError: if a part would be empty.
    """
    count = max(round(held_out * len(items)), 1)
    if not 0 < held_out < 1 or count >= len(items):
        raise DexjaxError(
            f"holding out {held_out} of {len(items)} leaves nothing to learn or test: "
            "give two or more and a share between 0 and 1"
        )
    order = np.random.default_rng(seed).permutation(len(items))
    held = set(order[:count].tolist())
    learn = tuple(item for i, item in enumerate(items) if i not in held)
    return learn, tuple(item for i, item in enumerate(items) if i in held)


def loader(
    folder: Path,
    batch: int,
    history: int = 4,
    future: int = 2,
    seed: int = 0,
    shards: Sequence[int] | None = None,
    objects: Sequence[str] | None = None,
    start: int = 0,
    bad: Literal["refuse", "skip"] = "refuse",
    memory: int = MEMORY,
) -> Iterator[Windows]:
    """Endless batches of windows.

    As many shards as the memory holds are loaded at a time. Their windows are drawn
    without replacement, all but a rest that fills no batch; then come the next shards.
    An epoch goes through all shards once, in an order of its own. The batches are the
    same for the same folder and arguments.

    Args:
        folder: of transitions.
        batch: windows in each.
        history: steps up to the present one, which is among them.
        future: steps after it.
        seed: of all draws.
        shards: numbers; all that are in the folder by default.
        objects: names of those whose windows count; all by default.
        start: batches that are left out, to go on with a training.
        bad: "refuse" shards that are missing, damaged or of another spec, or "skip"
            them and print which; skipping reads every shard once before it begins.
        memory: bytes that the loaded shards may take; one is always loaded, and takes
            two to three times its size more while it is read.

    Raises:
        DexjaxError: for no shards or windows, bad shards, an unknown object, or a
            number that is too small.
    """
    low = {"batch": (batch, 1), "history": (history, 1), "future": (future, 0)}
    low |= {"seed": (seed, 0), "start": (start, 0)}
    for name, (value, least) in low.items():
        if value < least:
            raise DexjaxError(f"{name} is {value}, must be {least} or more")
    spec = read_spec(folder)
    source = _Source(Path(folder), spec, Span(history, future), _chosen(spec, objects))
    numbers = written(folder) if shards is None else sorted(set(shards))
    sizes = source.sizes(numbers, bad)
    if not sizes:
        raise DexjaxError(f"{folder} has no shards to read: collect some first")
    return _batches(source, sizes, batch, seed, start, memory)


class _Source:
    """Shards of a folder, and what is wanted of them."""

    def __init__(
        self, folder: Path, spec: TransitionSpec, span: Span, objects: np.ndarray
    ):
        self.folder, self.spec, self.span, self.objects = folder, spec, span, objects
        self.widths = spec.joints, spec.actuated, 3 * spec.fingertips
        self.count = functools.cache(self._count)

    def sizes(self, numbers: Sequence[int], bad: str) -> dict[int, int]:
        """Steps of all worlds in every shard that can be read."""
        found, faults = {}, []
        for number in numbers:
            try:
                header = read_header(self.folder, number, self.spec)
                if bad == "skip":
                    read_shard(self.folder, number)
                found[number] = header.worlds * header.steps
            except BadShard as fault:
                faults.append(str(fault))
        if faults:
            more = len(faults) - _MOST_NAMED
            text = "; ".join(faults[:_MOST_NAMED])
            text += f"; and {more} more" if more > 0 else ""
            if bad != "skip":
                raise DexjaxError(f"{text}; collect them again, or skip them")
            print(f"skipped {len(faults)} of {len(numbers)} shards: {text}")
        return found

    def groups(
        self, order: Sequence[int], sizes: dict[int, int], memory: int
    ) -> list[tuple[int, ...]]:
        """Shards in that order, in tuples that fit into the memory, each ascending."""
        room = memory // (2 * sum(self.widths) + Pool.BYTES)
        room = min(room, np.iinfo(np.int32).max)  # rows are numbered in 32 bits
        found: list[list[int]] = [[]]
        taken = 0
        for number in order:
            if found[-1] and taken + sizes[number] > room:
                found.append([])
                taken = 0
            found[-1].append(number)
            taken += sizes[number]
        return [tuple(sorted(group)) for group in found]

    def load(self, group: tuple[int, ...], sizes: dict[int, int]) -> Pool:
        """Reads and checks shards."""
        pool = Pool(sum(sizes[number] for number in group), self.widths, self.span)
        for number in group:
            before = len(pool.windows)
            steps = read_shard(self.folder, number)
            if steps.begins.size == sizes[number]:
                pool.add(steps, self.objects)
            if len(pool.windows) - before != self.count(number):
                raise BadShard(
                    f"shard {number} of {self.folder} was replaced while it was in "
                    "use: begin again"
                )
        return pool

    def batches(self, group: tuple[int, ...], batch: int) -> int:
        """Whole batches of windows in some shards."""
        return sum(map(self.count, group)) // batch

    def _count(self, number: int) -> int:
        """Windows of a shard, as its unchecked flags say."""
        names = ("begins", "safe", "object")
        begins, safe, objects = read_some(self.folder, number, names)
        found = has_window(begins, safe, self.span) & np.isin(objects, self.objects)
        return int(found.sum())


def _chosen(spec: TransitionSpec, objects: Sequence[str] | None) -> np.ndarray:
    """Indices of some of a spec's objects."""
    if objects is None:
        return np.arange(len(spec.objects))
    unknown = [name for name in objects if name not in spec.objects]
    if unknown or not objects:
        raise DexjaxError(
            f"no object {unknown[0] if unknown else ''!r} among the transitions: "
            f"choose from {', '.join(spec.objects)}"
        )
    return np.array([spec.objects.index(name) for name in objects])


def _batches(
    source: _Source,
    sizes: dict[int, int],
    batch: int,
    seed: int,
    start: int,
    memory: int,
) -> Iterator[Windows]:
    """The batches of `loader`."""
    epoch, pool = 0, None
    loaded: tuple[int, ...] = ()
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(list(sizes))
        there = 0
        for place, group in enumerate(source.groups(order.tolist(), sizes, memory)):
            # Counting is much faster than loading.
            count = source.batches(group, batch)
            there += count
            if start >= count:
                start -= count
                continue
            if pool is None or group != loaded:
                pool = None  # Two pools would need the memory twice.
                pool, loaded = source.load(group, sizes), group
            draw = np.random.default_rng([seed, epoch, place])
            shuffled = draw.permutation(pool.windows)
            for number in range(start, count):
                yield pool.gather(shuffled[number * batch : (number + 1) * batch])
            start = 0
        if not there:
            raise DexjaxError(
                f"no batch of {batch} windows in {len(sizes)} shards of "
                f"{source.folder}: choose smaller batches or collect more"
            )
        epoch += 1
