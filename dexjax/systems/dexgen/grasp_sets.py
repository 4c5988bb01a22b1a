"""Grasp sets of many objects, found round by round, into a file (section III-A)."""

import dataclasses
import json
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.grasp_set import GraspSets, from_simulation, write_sets
from dexjax.grasps.sets.palm import SUBSTEPS, TURNS, palm_scene
from dexjax.grasps.sets.report import report
from dexjax.grasps.sets.search import SEEDINGS, Found, Search
from dexjax.grasps.sets.trial import Grasps
from dexjax.hands import load_hand
from dexjax.limits import Limits
from dexjax.objects.array_file import read_arrays
from dexjax.objects.geometric import SPLITS, geometric_objects
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import ENGINES, make_engine
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.folder import RunFolder

SAVED_S = 20.0  # between two times that what was found is kept
_STATE = "search.npz"


@dataclasses.dataclass(frozen=True)
class GraspSetOptions:
    """Finds grasps of geometric objects with the palm turned any way.

    Attributes:
        objects: "train", "heldout" or "everyday".
        names: some of them, separated by commas; all by default.
        hand: "allegro", "shadow" or the .yaml file that describes your own.
        size: grasps of every object with every turn of the palm.
        seeding: how sets are sown: "random" closes hands at random, "analysis" lays
            fingers on points whose forces cancel (section III-A).
        patience: rounds in which the sets as a whole have not grown before those that
            are not full are left as they are.
        engine: "auto", "native", "mjx" or "warp".
        seed: of the search.
        out: folder for grasp_sets.npz, summary.json and what is found up to now.
        fresh: start anew.
    """

    objects: str = "train"
    names: str = ""
    hand: str = "allegro"
    size: int = 600
    seeding: str = "random"
    patience: int = 80
    engine: str = "auto"
    seed: int = 0
    out: Path = Path("runs/grasp-sets")
    fresh: bool = False

    LIMITS: ClassVar[Limits] = {
        "objects": tuple(SPLITS),
        "size": (2, 100_000),
        "seeding": SEEDINGS,
        "patience": (1, 10_000),
        "engine": tuple(ENGINES),
        "seed": (0, 2_000_000_000),
    }

    def check_fit(self) -> None:
        """Refuses an unknown hand or object."""
        load_hand(self.hand)
        chosen(self)


def chosen(options: GraspSetOptions) -> ObjectSet:
    """The objects.

    Raises:
        DexjaxError: for a name that the split does not have.
    """
    names = [name.strip() for name in options.names.split(",") if name.strip()]
    return geometric_objects(options.objects, names)


def make_grasp_sets(options: GraspSetOptions) -> dict:
    """Searches, keeps and reports; again, it goes on. The summary."""
    with RunFolder.open(options.out, dataclasses.asdict(options), options.fresh) as run:
        if run.finished:
            print(f"{options.out} is finished: --fresh begins anew")
            return run.read_summary()
        objects = chosen(options)
        scene = palm_scene(load_hand(options.hand), objects)
        engine = make_engine(scene, options.engine, SUBSTEPS)
        run.checkpoints.mkdir(exist_ok=True)
        search = Search(engine, options.size, options.seed, options.seeding)
        found, seconds = look(search, run.checkpoints / _STATE, options.patience)
        sets = from_simulation(
            scene, tuple(TURNS), objects, found.grasps, found.touching, found.depth
        )
        write_sets(run.path / "grasp_sets.npz", sets)
        summary = summarise(sets, found, seconds, engine.name, options)
        run.write_summary(summary)
    print(
        f"{len(sets):,} grasps of {len(objects)} objects, {summary['turns_found']} of "
        f"{len(scene.models)} sets with any; wrote {options.out}/grasp_sets.npz"
    )
    return summary


def look(search: Search, state: Path, patience: int) -> tuple[Found, float]:
    """Searches until all sets are full or none grows; goes on from what is kept."""
    found, seconds = read_found(state, search)
    total = search.size * len(search.engine.scene.models)
    most, grown = 0, found.rounds
    saved = began = time.monotonic()
    with tqdm(total=total, initial=len(found.linked), unit=" grasps") as bar:
        while search.missing(found).any() and found.rounds - grown < patience:
            found = search.step(found)
            bar.update(len(found.linked) - bar.n)
            # A set that loses what does not hang together grows anew.
            if found.linked.sum() > most:
                most, grown = 0, found.rounds
            if time.monotonic() - saved >= SAVED_S:
                write_found(state, found, seconds + time.monotonic() - began)
                saved = time.monotonic()
    seconds += time.monotonic() - began
    write_found(state, found, seconds)
    return found, seconds


def write_found(file: Path, found: Found, seconds: float) -> None:
    """Keeps a search, whole or not at all.

    Raises:
        DexjaxError: if it cannot be written.
    """
    partial = file.with_suffix(".partial.npz")
    told = json.dumps({"rounds": found.rounds, "seconds": seconds} | found.counts)
    try:
        np.savez(
            partial,
            **found.grasps._asdict(),
            touching=found.touching,
            depth=found.depth,
            linked=found.linked,
            told=np.array(told),
        )
        partial.replace(file)
    except OSError as error:
        raise DexjaxError(f"cannot write {file}: {error.strerror}") from error


def read_found(file: Path, search: Search) -> tuple[Found, float]:
    """What a search has kept and the seconds it took; nothing if there is no file.

    Raises:
        DexjaxError: if the file is damaged.
    """
    if not file.exists():
        return search.start(), 0.0
    parts = ("touching", "depth", "linked")
    try:
        arrays = read_arrays(file, (*Grasps._fields, *parts, "told"))
        told = json.loads(str(arrays["told"]))
        grasps = Grasps(*(arrays[name] for name in Grasps._fields))
        rounds, seconds = told.pop("rounds"), told.pop("seconds")
    except (ValueError, KeyError) as error:
        raise DexjaxError(f"{file} is damaged ({error}): use --fresh") from None
    touching, depth, linked = (arrays[name] for name in parts)
    return Found(grasps, touching, depth, linked, rounds, told), seconds


def summarise(
    sets: GraspSets,
    found: Found,
    seconds: float,
    engine: str,
    options: GraspSetOptions,
) -> dict:
    """Yield, speed, coverage, penetration and connection."""
    counts = found.counts
    valid = sum(counts.get(f"{kind}_valid", 0) for kind in ("seeds", "moves", "walks"))
    tried = sum(counts.get(kind, 0) for kind in ("seeds", "moves", "walks"))
    return {
        "objects": len(sets.objects),
        "split": options.objects,
        "hand": sets.hand,
        "size": options.size,
        "seeding": options.seeding,
        "tried": tried,
        "valid": valid,
        "valid_per_s": round(valid / seconds, 1),
        "kept_per_s": round(len(sets) / seconds, 1),
        "seconds": round(seconds, 1),
        **{name: int(number) for name, number in counts.items()},
        **report(sets),
        "engine": engine,
        "seed": options.seed,
        **provenance(),
    }
