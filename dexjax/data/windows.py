"""Windows: a few successive steps of one episode, gathered from many shards at once."""

from typing import NamedTuple

import numpy as np

from dexjax.data.steps import Steps


class Windows(NamedTuple):
    """B windows around a step t, from t - H + 1 to t + T.

    Attributes:
        joints: (B, H + T, J) float32 rad, before the action of each step.
        targets: (B, H + T, A) float32 rad, in force before the action of each step.
        forces: (B, H + T, 3 F) float32 N, at the fingertips.
        object: (B,) int32, index into the spec's objects.
        mode: (B,) int32, index into the spec's modes.
    """

    joints: np.ndarray
    targets: np.ndarray
    forces: np.ndarray
    object: np.ndarray
    mode: np.ndarray


class Span(NamedTuple):
    """How far windows reach.

    Attributes:
        history: H steps, the present one among them.
        future: T steps after it.
    """

    history: int
    future: int


def beginnings(begins: np.ndarray) -> np.ndarray:
    """Of every step the first of its episode, (worlds, steps) from (worlds, steps).

    An episode that goes on from another shard has its first step there: -1.
    """
    steps = np.arange(begins.shape[1], dtype=np.int32)
    return np.maximum.accumulate(np.where(begins, steps, np.int32(-1)), axis=1)


def has_window(begins: np.ndarray, safe: np.ndarray, span: Span) -> np.ndarray:
    """Around which steps there is a window, (worlds, steps) from (worlds, steps).

    All its steps are of one episode and in these arrays, those from t on are safe. What
    is missing before the first step of an episode does not matter: it is repeated.
    """
    worlds, steps = begins.shape
    found = np.zeros((worlds, steps), bool)
    last = steps - span.future
    if last < 1:
        return found
    first = beginnings(begins)
    same = first[:, span.future :] == first[:, :last]
    # The first step of an episode from another shard is not there to be repeated.
    known = (first >= 0) | (np.arange(steps) >= span.history - 1)
    unsafe = np.zeros((worlds, steps + 1), np.int32)
    np.cumsum(~safe, axis=1, out=unsafe[:, 1:])
    all_safe = unsafe[:, span.future + 1 :] == unsafe[:, :last]
    found[:, :last] = same & known[:, :last] & all_safe
    return found


class Pool:
    """Steps of several shards in memory, as rows, and the windows among them.

    Attributes:
        windows: (n,) int32, rows around which there is a window.
    """

    # Beside joints, targets and forces: object, mode, first row and windows twice,
    # which are shuffled.
    BYTES = 2 + 1 + 4 + 8

    def __init__(self, rows: int, widths: tuple[int, int, int], span: Span):
        """An empty pool.

        Args:
            rows: that it has room for.
            widths: of joints, targets and forces.
            span: of its windows.
        """
        self.windows = np.zeros(0, np.int32)
        self._columns = np.split(np.arange(sum(widths)), np.cumsum(widths)[:-1])
        self._values = np.empty((rows, sum(widths)), np.float16)
        self._object = np.empty(rows, np.uint16)
        self._mode = np.empty(rows, np.uint8)
        # The earliest row that a window around a row may reach back to.
        self._first = np.empty(rows, np.int32)
        self._offsets = np.arange(1 - span.history, span.future + 1, dtype=np.int32)
        self._span, self._filled = span, 0

    def add(self, steps: Steps, objects: np.ndarray) -> None:
        """Puts the steps of a shard in.

        Args:
            steps: of the shard.
            objects: indices of those whose windows count.
        """
        count, start = steps.begins.size, self._filled
        rows = slice(start, start + count)
        values = (steps.joints, steps.targets, steps.forces)
        for columns, array in zip(self._columns, values, strict=True):
            place = slice(columns[0], columns[-1] + 1)
            self._values[rows, place] = array.reshape(count, -1)
        self._object[rows] = steps.object.ravel()
        self._mode[rows] = steps.mode.ravel()
        world = np.arange(len(steps.begins), dtype=np.int32)[:, None]
        first = np.maximum(beginnings(steps.begins), 0)
        self._first[rows] = (first + world * first.shape[1] + start).ravel()
        found = has_window(steps.begins, steps.safe, self._span)
        found &= np.isin(steps.object, objects)
        new = (np.flatnonzero(found) + start).astype(np.int32)
        self.windows = np.concatenate([self.windows, new])
        self._filled += count

    def gather(self, around: np.ndarray) -> Windows:
        """The windows around some rows (B,)."""
        rows = np.maximum(around[:, None] + self._offsets, self._first[around][:, None])
        found = self._values.take(rows, axis=0)
        joints, targets, forces = (
            found[..., columns[0] : columns[-1] + 1].astype(np.float32)
            for columns in self._columns
        )
        return Windows(
            joints,
            targets,
            forces,
            self._object[around].astype(np.int32),
            self._mode[around].astype(np.int32),
        )
