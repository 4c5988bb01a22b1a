"""DexGraspNet's own grasps in the trial that grasp proposals have to pass.

    python benchmarks/grasps.py FOLDER [--proposals runs/proposals] [--most 64]

FOLDER holds DexGraspNet grasps and meshes, in either format. Writes
benchmarks/results/grasps.json: a row for every object there, one of all of them, and
one of the proposals that `experiments/proposals.py` has made.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tqdm import tqdm

from dexjax.errors import main_guard
from dexjax.grasps.energy import Pose
from dexjax.grasps.proposals import Tried, make_tester
from dexjax.grasps.synthesis import Grasps
from dexjax.hands import load_hand
from dexjax.objects.dexgraspnet import scaled_names
from dexjax.objects.loading import load_objects
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import make_engine
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.folder import read_json, write_json
from dexjax.runs.metrics import provenance
from dexjax.scene import make_scene

OUT = Path(__file__).resolve().parent / "results" / "grasps.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Tries DexGraspNet's grasps out, and puts ours beside them.

    Attributes:
        folder: holds DexGraspNet.
        proposals: folder that `experiments/proposals.py` wrote.
        most: grasps of one object at one scale.
        engine: "auto", "native", "mjx" or "warp".
        out: JSON file for the rows.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    proposals: Path = Path("runs/proposals")
    most: int = 64
    engine: str = "auto"
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


def try_object(names: list[str], options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Held (grasps, 6) and depth (grasps,) of one object at all of its scales."""
    held, depth = [], []
    for name in names:
        objects = load_objects([name], dexgraspnet=options.folder)
        engine = make_engine(make_scene(load_hand(), objects, "servo"), options.engine)
        count = min(options.most, int(objects.grasp_count[0]))
        tried: Tried = make_tester(engine)(given(objects, count), np.zeros(1, int))
        held.append(tried.held[0])
        depth.append(tried.depth[0])
        jax.clear_caches()
    return np.concatenate(held), np.concatenate(depth)


def ours(folder: Path) -> dict:
    """The row of our own proposals, from their summary."""
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
    """Tries all grasps out, object by object."""
    options = tyro.cli(Options)
    use_compilation_cache()
    found = {
        name: try_object(names, options)
        for name, names in tqdm(scaled_names(options.folder).items(), unit="object")
    }
    rows = [row(f"DexGraspNet, {name}", *tried) for name, tried in found.items()]
    every = [np.concatenate(parts) for parts in zip(*found.values(), strict=True)]
    rows.append(row("DexGraspNet, all", *every))
    if (options.proposals / "summary.json").exists():
        rows.append(ours(options.proposals))
    write_json(options.out, [one | provenance() for one in rows])
    for one in rows:
        print(f"{one['source']:60} {one['valid']:.1%} of {one['grasps']:,} held")


if __name__ == "__main__":
    main()
