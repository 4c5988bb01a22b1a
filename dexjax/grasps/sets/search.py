"""The search for grasps, round by round, until every set is full."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.analysed_seeds import analysed_seeds
from dexjax.grasps.sets.graph import (
    FARTHEST,
    NEAREST,
    Places,
    distances,
    largest_part,
    near_grasps,
)
from dexjax.grasps.sets.growth import choose_parents, random_seeds, walk_targets
from dexjax.grasps.sets.palm import finger_of_actuators
from dexjax.grasps.sets.trial import Grasps, Trial, Tried, make_trial
from dexjax.physics.engine import Engine
from dexjax.scene import Scene

BATCH = 2048  # grasps tried in a round
# A set with fewer grasps than this is sown: by closing hands, and by what holds the
# object with the palm turned otherwise.
SOWN = 16
LINKED_EVERY = 8  # rounds between two looks at how sets hang together
_SOWING = 0.25  # of a round, each way, as long as there are such sets
# Of a set's size, so much is sown at most: what is sown does not hang together, and a
# set that is full of it would lose it all again.
_SOWN_SHARE = 0.25
# A round has the last share of its size once no more grasps than the first share of it
# are missing: about a third of those that are tried are kept.
_LITTLE, _SMALL = 1 / 32, 1 / 8
# How sets are sown: by closing hands at random, or by grasp analysis.
SEEDINGS = ("random", "analysis")


class Found(NamedTuple):
    """All grasps so far.

    Attributes:
        grasps: n of them.
        touching: (n, fingers + 1) bool, the palm last.
        depth: (n,) m.
        linked: (n,) bool, in the largest part of its set as far as that is known:
            others are not grown from.
        rounds: that have been done.
        counts: how many were tried as "seeds", "moves" and "walks"; with "_valid" how
            many of them held, with "_kept" how many were kept.
    """

    grasps: Grasps
    touching: np.ndarray
    depth: np.ndarray
    linked: np.ndarray
    rounds: int
    counts: dict[str, int]


@dataclasses.dataclass
class Search:
    """Finds grasps in the models of a scene with a fixed palm.

    A round's draws follow from the seed and its number alone, so that a search that
    goes on from what was found finds the same.

    Attributes:
        engine: of the scene.
        size: grasps that every set is to have.
        seed: of everything.
        seeding: in `SEEDINGS`, how sets are sown.
        batch: grasps tried in a round.
    """

    engine: Engine
    size: int
    seed: int = 0
    seeding: str = "random"
    batch: int = BATCH

    def __post_init__(self) -> None:
        """Compiles nothing yet.

        Raises:
            DexjaxError: for an unknown seeding, and as `analysed_seeds`.
        """
        if self.seeding not in SEEDINGS:
            raise DexjaxError(f"seeding {self.seeding!r}: choose from {list(SEEDINGS)}")
        scene = self.engine.scene
        self._seeds = (
            analysed_seeds(scene)
            if self.seeding == "analysis"
            else functools.partial(random_seeds, scene)
        )
        self._close: Trial = make_trial(self.engine, ramp=5)
        self._walk: Trial = make_trial(self.engine)
        self._finger = finger_of_actuators(self.engine.scene)

    def start(self) -> Found:
        """Nothing found yet."""
        model = self.engine.scene.model
        fingers = len(self.engine.scene.hand.fingertips) + 1
        empty = Grasps(
            np.zeros(0, int), np.zeros((0, model.nq)), np.zeros((0, model.nu))
        )
        touching = np.zeros((0, fingers), bool)
        return Found(empty, touching, np.zeros(0), np.zeros(0, bool), 0, {})

    def missing(self, found: Found) -> np.ndarray:
        """How many grasps each model's set lacks, (models,) int."""
        there = np.bincount(found.grasps.model, minlength=len(self.engine.scene.models))
        return np.maximum(self.size - there, 0)

    def step(self, found: Found) -> Found:
        """One round: what it found is added."""
        rng = np.random.default_rng([self.seed, found.rounds])
        sown = min(SOWN, self.size // 8 + 1)
        lacking = self.missing(found)
        poor = np.flatnonzero(self.size - lacking < sown)
        parts: list[tuple[str, Tried, np.ndarray]] = []
        if len(poor):
            parts += self._sow(poor, rng)
            parts += self._move(found, poor, rng)
            room = max(sown, int(_SOWN_SHARE * self.size)) - (self.size - lacking)
            parts = _limited(parts, room)
        little = not len(poor) and lacking.sum() <= _LITTLE * self.batch
        count = int(_SMALL * self.batch) if little else self.batch
        used = int(_SOWING * self.batch) * len(parts)
        parts += self._grow(found, lacking, count - used, rng)
        found = self._joined(found, parts)
        looked = self.missing(found) == 0
        # What is full has been looked at when it became so.
        looked &= lacking > 0
        if found.rounds % LINKED_EVERY == 0:
            looked |= self.missing(found) > 0
        return self._linked(found, np.flatnonzero(looked))

    def _sow(
        self, poor: np.ndarray, rng: np.random.Generator
    ) -> list[tuple[str, Tried, np.ndarray]]:
        """Closes hands where sets are poor."""
        count = int(_SOWING * self.batch)
        grasps, targets = self._seeds(rng.choice(poor, count), rng)
        if not len(targets):
            return []
        tried = _tried(self._close, grasps, targets, count)
        return [("seeds", tried, tried.valid)]

    def _move(
        self, found: Found, poor: np.ndarray, rng: np.random.Generator
    ) -> list[tuple[str, Tried, np.ndarray]]:
        """Turns palms that hold the same object the way that a poor set has them."""
        scene = self.engine.scene
        count = int(_SOWING * self.batch)
        owner = scene.object_of(found.grasps.model)
        source, model = [], []
        for target in rng.choice(poor, count):
            own = np.flatnonzero(owner == scene.object_of(target))
            if len(own):
                source.append(rng.choice(own))
                model.append(target)
        if not source:
            return []
        grasps = found.grasps.subset(np.array(source))._replace(model=np.array(model))
        targets = walk_targets(scene, grasps, self._finger, rng)
        tried = _tried(self._walk, grasps, targets, count)
        return [("moves", tried, tried.valid)]

    def _grow(
        self, found: Found, lacking: np.ndarray, count: int, rng: np.random.Generator
    ) -> list[tuple[str, Tried, np.ndarray]]:
        """Walks from what holds already."""
        if not len(found.grasps.model):
            return []
        scene, grasps = self.engine.scene, found.grasps
        rows = choose_parents(scene, grasps, found.linked, lacking, count, rng)
        if not len(rows):
            return []
        parents = grasps.subset(rows)
        tried = self._walk(parents, walk_targets(scene, parents, self._finger, rng))
        apart = distances(places_of(scene, parents), places_of(scene, tried.grasps))
        # What is nearer is the same grasp, what is farther no neighbour.
        new = (apart >= NEAREST) & (apart <= FARTHEST)
        return [("walks", tried, tried.valid & new)]

    def _joined(
        self, found: Found, parts: list[tuple[str, Tried, np.ndarray]]
    ) -> Found:
        """What was found with what a round has kept; no set grows beyond its size."""
        counts = dict(found.counts)
        for name, tried, kept in parts:
            told = {name: len(kept), f"{name}_valid": int(tried.valid.sum())}
            for key, number in (told | {f"{name}_kept": int(kept.sum())}).items():
                counts[key] = counts.get(key, 0) + number
        new = [(tried, kept) for _, tried, kept in parts]
        more = sum(int(kept.sum()) for _, kept in new)
        joined = Found(
            Grasps.joined(
                [found.grasps, *(tried.grasps.subset(kept) for tried, kept in new)]
            ),
            np.concatenate([found.touching, *(t.touching[k] for t, k in new)]),
            np.concatenate([found.depth, *(t.depth[k] for t, k in new)]),
            np.concatenate([found.linked, np.ones(more, bool)]),
            found.rounds + 1,
            counts,
        )
        size = np.full(len(self.engine.scene.models), self.size)
        return _kept(joined, _first(joined.grasps.model, size))

    def _linked(self, found: Found, looked: np.ndarray) -> Found:
        """Looks which grasps hang together; a full set loses those that do not.

        Args:
            found: all grasps.
            looked: models whose sets are looked at.
        """
        scene, model = self.engine.scene, found.grasps.model
        linked = found.linked.copy()
        kept = np.ones(len(model), bool)
        for own in np.intersect1d(looked, model):
            rows = np.flatnonzero(model == own)
            places = places_of(scene, found.grasps.subset(rows))
            linked[rows] = largest_part(near_grasps(places))
            if len(rows) >= self.size:
                kept[rows] = linked[rows]
        return _kept(found._replace(linked=linked), kept)


def _tried(trial: Trial, grasps: Grasps, targets: np.ndarray, size: int) -> Tried:
    """Tries up to `size` grasps out, at least one.

    Always as many as that, whatever is there: a trial is compiled for each number.
    """
    rows = np.resize(np.arange(len(targets)), size)
    tried = trial(grasps.subset(rows), targets[rows])
    return tried.subset(np.arange(len(targets)))


def places_of(scene: Scene, grasps: Grasps) -> Places:
    """What the graph compares grasps by; the palm stands still in the scene."""
    place = scene.object_qpos.start
    return Places(
        grasps.qpos[:, place : place + 3],
        grasps.qpos[:, place + 3 : place + 7],
        grasps.qpos[:, scene.finger_qpos],
    )


def _kept(found: Found, which: np.ndarray) -> Found:
    """Those grasps of what was found."""
    return found._replace(
        grasps=found.grasps.subset(which),
        touching=found.touching[which],
        depth=found.depth[which],
        linked=found.linked[which],
    )


def _limited(
    parts: list[tuple[str, Tried, np.ndarray]], room: np.ndarray
) -> list[tuple[str, Tried, np.ndarray]]:
    """The same with no more kept of a model than it has room for, (models,) int."""
    limited = []
    for name, tried, kept in parts:
        rows = np.flatnonzero(kept)
        rows = rows[_first(tried.grasps.model[rows], room)]
        room = room - np.bincount(tried.grasps.model[rows], minlength=len(room))
        limited.append((name, tried, np.isin(np.arange(len(kept)), rows)))
    return limited


def _first(model: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Which entries (n,) are the first `room` (models,) of their models, bool."""
    order = np.argsort(model, kind="stable")
    ordered = model[order]
    rank = np.empty(len(model), int)
    rank[order] = np.arange(len(model)) - np.searchsorted(ordered, ordered)
    return rank < room[model]
