"""Grasp proposals of many objects, chunk by chunk, into a file."""

import dataclasses
import time
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.grasps.proposals import Tried, best, make_proposer
from dexjax.grasps.validation import SLIP
from dexjax.hands import load_hand
from dexjax.limits import Limits
from dexjax.objects.grasp_file import GraspFile, write_grasps
from dexjax.objects.loading import load_object_set
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import ENGINES, make_engine
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.folder import RunFolder
from dexjax.scene import make_scene

EVERY_PART = "everyday/train,everyday/unseen-object,everyday/unseen-category"
# Objects at a time; what is done is kept after each.
CHUNK = 32


@dataclasses.dataclass(frozen=True)
class ProposalOptions:
    """Finds grasps by energy, tries them out, keeps the best of each object.

    Attributes:
        object: whose; the whole everyday set by default.
        hand: "shadow" or the .yaml file that describes your own.
        engine: "auto", "native", "mjx" or "warp".
        tries: grasps found for each object.
        keep: proposals kept of each.
        dexgraspnet: folder of DexGraspNet, for its names.
        seed: of the search.
        out: folder for grasps.npz, summary.json and what is done up to now.
        fresh: start anew.
    """

    object: str = EVERY_PART
    hand: str = "shadow"
    engine: str = "auto"
    tries: int = 12
    keep: int = 4
    dexgraspnet: Path | None = None
    seed: int = 0
    out: Path = Path("runs/proposals")
    fresh: bool = False

    LIMITS: ClassVar[Limits] = {
        "engine": tuple(ENGINES),
        "tries": (1, 10_000),
        "keep": (1, 10_000),
        "seed": (0, 2_000_000_000),
    }

    def check_fit(self) -> None:
        """Refuses an unknown hand, and more to keep than there will be."""
        load_hand(self.hand)
        if self.keep > self.tries:
            raise DexjaxError(
                f"keep is {self.keep}, must be at most tries = {self.tries}"
            )


def make_chunks(run: RunFolder, options: ProposalOptions, objects: ObjectSet) -> None:
    """Finds what is not there yet, chunk by chunk."""
    folder = run.path / "chunks"
    folder.mkdir(exist_ok=True)
    scene = make_scene(load_hand(options.hand), objects, "servo")
    propose = make_proposer(make_engine(scene, options.engine), options.tries)
    for start in tqdm(range(0, len(objects), CHUNK), unit="chunk"):
        file = folder / f"{start:05d}.npz"
        if file.exists():
            continue
        began = time.monotonic()
        # The last chunk is filled up: another size would be compiled anew.
        indices = np.minimum(np.arange(start, start + CHUNK), len(objects) - 1)
        key = jax.random.fold_in(jax.random.key(options.seed), start)
        tried = propose(key, indices)
        partial = file.with_suffix(".partial.npz")
        chunk: dict[str, Any] = flat(tried, options.keep)
        np.savez(partial, seconds=time.monotonic() - began, **chunk)
        partial.replace(file)


def flat(tried: Tried, keep: int) -> dict[str, np.ndarray]:
    """What a chunk keeps: the best grasps, and figures of all."""
    chosen = best(tried, keep)

    def of(array: jax.Array | np.ndarray) -> np.ndarray:
        array = np.asarray(array)
        index = chosen.reshape(*chosen.shape, *[1] * (array.ndim - 2))
        return np.take_along_axis(array, index, axis=1)

    return {
        "translation": of(tried.grasps.pose.translation),
        "rotation": of(tried.grasps.pose.rotation),
        "joints": of(tried.grasps.joints),
        "valid": of(tried.valid),
        "tried_valid": tried.valid,
        "tried_held": tried.held,
        "tried_depth": tried.depth,
    }


def gather(folder: Path, count: int) -> dict[str, np.ndarray]:
    """All chunks as one, without what filled the last one up."""
    chunks = [dict(np.load(file)) for file in sorted(folder.glob("[0-9]*.npz"))]
    seconds = [chunk.pop("seconds") for chunk in chunks]
    found = {n: np.concatenate([c[n] for c in chunks])[:count] for n in chunks[0]}
    # The first chunk of a process compiles.
    return found | {"chunk_s": np.median(seconds)}


def summarise(objects: ObjectSet, found: dict, options: ProposalOptions) -> dict:
    """Speed, validity, penetration and diversity."""
    valid, depth = found["tried_valid"], 1000 * found["tried_depth"]
    categories = np.array(objects.categories)
    return {
        "objects": len(objects),
        "tries": options.tries,
        "slip_limit_m": SLIP,
        "grasps_per_s": float(CHUNK * options.tries / found["chunk_s"]),
        "valid": float(valid.mean()),
        "directions_held": float(found["tried_held"].mean()),
        "objects_with_a_valid_one": float(valid.any(axis=1).mean()),
        "proposals_valid": float(found["valid"].mean()),
        "depth_mm_median": float(np.median(depth)),
        "depth_mm_p95": float(np.percentile(depth, 95)),
        "depth_below_1mm": float((depth < 1).mean()),
        "valid_depth_mm_median": float(np.median(depth[valid]))
        if valid.any()
        else None,
        "spread": spread(found),
        "by_category": {
            category: float(valid[categories == category].mean())
            for category in sorted(set(categories))
        },
        "seed": options.seed,
        **provenance(),
    }


def spread(found: dict) -> dict[str, float]:
    """Mean distance of two proposals of one object: wrist, turn and joints."""
    first, second = np.triu_indices(found["joints"].shape[1], 1)
    if not len(first):
        return {}
    t, r, q = (found[n] for n in ("translation", "rotation", "joints"))
    apart = np.linalg.norm(t[:, first] - t[:, second], axis=-1)
    cosine = np.abs((r[:, first] * r[:, second]).sum(axis=-1)).clip(max=1)
    return {
        "wrist_m": float(apart.mean()),
        "turn_degrees": float(np.degrees(2 * np.arccos(cosine)).mean()),
        "joints_rad": float(np.abs(q[:, first] - q[:, second]).mean()),
    }


def make_proposals(options: ProposalOptions) -> dict:
    """Finds, tries out, keeps and reports; again, it goes on. The summary."""
    objects = load_object_set(options.object, dexgraspnet=options.dexgraspnet)
    with RunFolder.open(options.out, dataclasses.asdict(options), options.fresh) as run:
        make_chunks(run, options, objects)
        found = gather(run.path / "chunks", len(objects))
        grasps = GraspFile(
            hand=np.array(load_hand(options.hand).name),
            names=np.array(objects.names),
            **{n: found[n] for n in ("translation", "rotation", "joints")},
            valid=found["valid"].sum(axis=1),
        )
        write_grasps(run.path / "grasps.npz", grasps)
        summary = summarise(objects, found, options)
        run.write_summary(summary)
    tried = summary["objects"] * summary["tries"]
    print(
        f"{summary['valid']:.1%} of {tried:,} grasps held in all six directions; "
        f"wrote {options.out}/grasps.npz"
    )
    return summary
