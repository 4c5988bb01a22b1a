"""Joins convex pieces until few enough are left, those first that fit best."""

import heapq
import itertools
from collections.abc import Iterable

import numpy as np
from scipy.spatial import ConvexHull, cKDTree
from tqdm import tqdm

# Up to so many pieces every pair is tried; of more, each with its nearest ones only,
# so that the work grows with their number and not with its square.
_ALL_PAIRS = 40
_NEAREST = 8
# So many merges take no time worth a progress bar.
_FEW = 100


def merge_pieces(pieces: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Joins pairs of pieces, least added volume first, until `count` are left.

    Args:
        pieces: hull vertices (n, 3) of each piece, m.
        count: how many may be left.
    """
    merges = len(pieces) - count
    with tqdm(
        total=merges, desc="merging pieces", unit="piece", disable=merges <= _FEW
    ) as bar:
        for most in (_ALL_PAIRS, count):
            while len(pieces) > max(most, count):
                before = len(pieces)
                pieces = _merged(pieces, max(most, count))
                bar.update(before - len(pieces))
    return pieces


def _merged(pieces: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Merges candidates until `count` pieces or no more candidates are left."""
    pool = _Pool(pieces)
    for i, j in _candidates(pieces):
        pool.offer(i, j)
    while len(pool.alive) > count and pool.merge_best():
        pass
    return [pool.pieces[i] for i in sorted(pool.alive)]


def _candidates(pieces: list[np.ndarray]) -> Iterable[tuple[int, int]]:
    """Pairs (i, j), i > j."""
    count = len(pieces)
    if count <= _ALL_PAIRS:
        return ((i, j) for i in range(count) for j in range(i))
    centres = np.array([(p.min(axis=0) + p.max(axis=0)) / 2 for p in pieces])
    _, near = cKDTree(centres).query(centres, _NEAREST + 1)
    rows = np.repeat(np.arange(count), _NEAREST + 1)
    pairs = np.sort(np.stack([rows, near.reshape(-1)], axis=1), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    return ((int(j), int(i)) for i, j in pairs)


class _Pool:
    """Pieces, and the pairs of them that may be joined.

    Attributes:
        pieces: all that ever were, (n, 3) each.
        alive: which of them are there still.
    """

    def __init__(self, pieces: list[np.ndarray]) -> None:
        self.pieces = list(pieces)
        self.alive = set(range(len(pieces)))
        self._volume = [ConvexHull(p).volume for p in pieces]
        self._partners: list[set[int]] = [set() for _ in pieces]
        self._offers: list[tuple[float, int, int, int]] = []
        # Of equally good pairs the one that was offered first is taken.
        self._order = itertools.count()

    def offer(self, i: int, j: int) -> None:
        """Lets two pieces be joined."""
        joined = ConvexHull(np.concatenate([self.pieces[i], self.pieces[j]])).volume
        added = joined - self._volume[i] - self._volume[j]
        heapq.heappush(self._offers, (added, next(self._order), i, j))
        self._partners[i].add(j)
        self._partners[j].add(i)

    def merge_best(self) -> bool:
        """Joins the pair that adds least volume; False if no pair is left."""
        while self._offers:
            _, _, i, j = heapq.heappop(self._offers)
            if self.alive.issuperset((i, j)):
                self._merge(i, j)
                return True
        return False

    def _merge(self, i: int, j: int) -> None:
        both = np.concatenate([self.pieces[i], self.pieces[j]])
        hull = ConvexHull(both)
        self.alive -= {i, j}
        new = len(self.pieces)
        self.pieces.append(both[hull.vertices])
        self._volume.append(hull.volume)
        self._partners.append(set())
        for k in sorted((self._partners[i] | self._partners[j]) & self.alive):
            self.offer(new, k)
        self.alive.add(new)
