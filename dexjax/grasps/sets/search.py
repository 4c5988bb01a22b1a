"""The search for grasps, round by round, until every set is full."""

import dataclasses
from typing import NamedTuple

import numpy as np

from dexjax.grasps.sets.graph import (
    FARTHEST,
    NEAREST,
    Places,
    distances,
    largest_part,
    near_grasps,
)
from dexjax.grasps.sets.growth import (
    choose_parents,
    random_seeds,
    walk_targets,
)
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
        batch: grasps tried in a round.
    """

    engine: Engine
    size: int
    seed: int = 0
    batch: int = BATCH

    def __post_init__(self) -> None:
        """Compiles nothing yet."""
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
        poor = np.flatnonzero(self.size - self.missing(found) < sown)
        parts: list[tuple[str, Tried, np.ndarray]] = []
        if len(poor):
            parts.append(self._sow(poor, rng))
            parts += self._move(found, poor, rng)
        used = sum(len(tried.valid) for _, tried, _ in parts)
        parts += self._grow(found, self.batch - used, rng)
        found = self._joined(found, parts)
        due = found.rounds % LINKED_EVERY == 0 or not self.missing(found).any()
        return self._linked(found) if due else found

    def _sow(
        self, poor: np.ndarray, rng: np.random.Generator
    ) -> tuple[str, Tried, np.ndarray]:
        """Closes hands at random where sets are poor."""
        model = rng.choice(poor, int(_SOWING * self.batch))
        grasps, targets = random_seeds(self.engine.scene, model, rng)
        tried = self._close(grasps, targets)
        return "seeds", tried, tried.valid

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
        # One size whatever is there: a trial is compiled once for each.
        rows = np.resize(np.array(source), count)
        grasps = found.grasps.subset(rows)._replace(model=np.resize(model, count))
        targets = walk_targets(scene, grasps, self._finger, rng)
        tried = self._walk(grasps, targets)
        first = np.arange(count) < len(source)
        return [("moves", tried, tried.valid & first)]

    def _grow(
        self, found: Found, count: int, rng: np.random.Generator
    ) -> list[tuple[str, Tried, np.ndarray]]:
        """Walks from what holds already."""
        if not len(found.grasps.model):
            return []
        scene = self.engine.scene
        room = self.missing(found)[found.grasps.model] > 0
        rows = choose_parents(scene, found.grasps, room & found.linked, count, rng)
        if not len(rows):
            return []
        parents = found.grasps.subset(rows)
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
        return _kept(joined, _first(joined.grasps.model, self.size))

    def _linked(self, found: Found) -> Found:
        """Looks which grasps hang together; a full set loses those that do not."""
        scene, model = self.engine.scene, found.grasps.model
        linked = np.zeros(len(model), bool)
        kept = np.ones(len(model), bool)
        for own in np.unique(model):
            rows = np.flatnonzero(model == own)
            places = places_of(scene, found.grasps.subset(rows))
            linked[rows] = largest_part(near_grasps(places))
            if len(rows) >= self.size:
                kept[rows] = linked[rows]
        return _kept(found._replace(linked=linked), kept)


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


def _first(model: np.ndarray, size: int) -> np.ndarray:
    """Which entries are among the first `size` of their model, (n,) bool."""
    order = np.argsort(model, kind="stable")
    ordered = model[order]
    rank = np.empty(len(model), int)
    rank[order] = np.arange(len(model)) - np.searchsorted(ordered, ordered)
    return rank < size
