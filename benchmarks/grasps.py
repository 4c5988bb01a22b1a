"""Grasps of DexGraspNet and ours in one trial, on the same real objects.

    python benchmarks/grasps.py FOLDER [--proposals runs/proposals] [--most 64]

FOLDER holds DexGraspNet grasps and meshes, in either format. Writes
benchmarks/results/grasps.json: DexGraspNet's grasps of every object there and of all,
as many found here, and the proposals that `experiments/proposals.py` has made.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from dexjax.errors import main_guard
from dexjax.grasps.energy import Pose
from dexjax.grasps.proposals import make_proposer, make_tester
from dexjax.grasps.synthesis import Grasps
from dexjax.hands import load_hand
from dexjax.objects.dexgraspnet import scaled_names
from dexjax.objects.loading import load_objects
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import make_engine
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json, write_json
from dexjax.scene import make_scene

OUT = Path(__file__).resolve().parent / "results" / "grasps.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Tries DexGraspNet's grasps and ours out.

    Attributes:
        folder: holds DexGraspNet.
        proposals: folder that `experiments/proposals.py` wrote.
        most: grasps of one object at one scale.
        engine: "auto", "native", "mjx" or "warp".
        seed: of our search.
        out: JSON file for the rows.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    proposals: Path = Path("runs/proposals")
    most: int = 32
    engine: str = "auto"
    seed: int = 0
    out: Path = OUT


def given(objects: ObjectSet, count: int) -> Grasps:
    """The first grasps that the objects come with, (objects, count, …)."""
    joints = jnp.asarray(objects.grasp_joints[:, :count])
    pose = Pose(
        jnp.asarray(objects.grasp_translation[:, :count]),
        jnp.asarray(objects.grasp_rotation[:, :count]),
        joints[..., load_hand().actuated_index],
    )
    return Grasps(pose, joints, {}, jnp.zeros(joints.shape[:2]))


def row(source: str, held: np.ndarray, depth: np.ndarray) -> dict:
    """Figures of grasps from one source: held (grasps, 6), depth (grasps,) m."""
    depth = 1000 * depth
    return {
        "source": source,
        "grasps": len(held),
        "valid": float(held.all(axis=1).mean()),
        "directions_held": float(held.mean()),
        "depth_mm_median": float(np.median(depth)),
        "depth_mm_p95": float(np.percentile(depth, 95)),
    }


def try_both(options: Options) -> list[dict]:
    """Rows of DexGraspNet's grasps and of ours, on all objects at all scales."""
    names = scaled_names(options.folder)
    owner = np.repeat(list(names), [len(scaled) for scaled in names.values()])
    flat = [name for scaled in names.values() for name in scaled]
    objects = load_objects(flat, dexgraspnet=options.folder)
    engine = make_engine(make_scene(load_hand(), objects, "servo"), options.engine)
    every = np.arange(len(objects))
    count = min(options.most, objects.grasp_joints.shape[1])
    theirs = make_tester(engine)(given(objects, count), every)
    there = np.arange(count) < objects.grasp_count[:, None]
    ours = make_proposer(engine, count)(jax.random.key(options.seed), every)
    rows = [
        row(f"DexGraspNet, {name}", theirs.held[own], theirs.depth[own])
        for name in names
        for own in [there & (owner == name)[:, None]]
    ]
    rows.append(row("DexGraspNet, all", theirs.held[there], theirs.depth[there]))
    found = ours.held.reshape(-1, 6), ours.depth.ravel()
    return [*rows, row("dexjax, the same objects", *found)]


def everyday(folder: Path) -> dict:
    """The row of the everyday set's proposals, from their summary."""
    summary = read_json(folder / "summary.json")
    kept = ("valid", "directions_held", "depth_mm_median", "depth_mm_p95")
    more = ("objects", "objects_with_a_valid_one", "proposals_valid", "grasps_per_s")
    return {
        "source": "dexjax, everyday set",
        "grasps": summary["objects"] * summary["tries"],
        **{name: summary[name] for name in (*kept, *more, "spread", "by_category")},
    }


@main_guard
def main() -> None:
    """Tries all grasps out."""
    options = tyro.cli(Options)
    use_compilation_cache()
    rows = try_both(options)
    if (options.proposals / "summary.json").exists():
        rows.append(everyday(options.proposals))
    write_json(options.out, [one | provenance() for one in rows])
    for one in rows:
        print(f"{one['source']:60} {one['valid']:.1%} of {one['grasps']:,} held")


if __name__ == "__main__":
    main()
