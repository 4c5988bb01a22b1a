"""The everyday object set in figures: what is in it, and what it costs.

One row for each split and one for the whole: seconds to build it with an empty cache
and to load it again, its size on disk, how well the hulls stand for the meshes, and
seconds and memory of the scene of all objects to train on. Every object is dropped on
the table, and the measurement fails if one never comes to rest.

    python benchmarks/objects.py [--out FILE.json]
"""

import collections
import dataclasses
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from dexjax.errors import main_guard
from dexjax.hands import load_hand
from dexjax.objects import ObjectSet, load_object_set
from dexjax.objects.everyday.built_set import build, cache_file
from dexjax.objects.everyday.plan import SIZES, members
from dexjax.objects.geometry.surface_points import inside_pieces
from dexjax.objects.procedural import make_shape
from dexjax.runs.records.provenance import provenance, usable_cores
from dexjax.runs.storage.files import write_json
from dexjax.scene import make_scene
from dexjax.tasks.grasp.settle import settle_objects

# Meshes whose hulls are compared with them, of all categories.
COMPARED = 320
SAMPLES = 5_000
# Of each object.
DROPS = 4


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and its result."""
    began = time.perf_counter()
    result = call()
    return round(time.perf_counter() - began, 2), result


def memory_mb() -> float:
    """Most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def spread(values: np.ndarray, digits: int = 4) -> list[float]:
    """Least, middle and largest of some values (n,)."""
    return np.quantile(values, [0.0, 0.5, 1.0]).round(digits).tolist()


def split_row(split: str, objects: ObjectSet) -> dict:
    """What is in a split; extents in metres, masses in kg."""
    chosen = members()[split]
    extents = [
        np.ptp(hulls[mask].reshape(-1, 3), axis=0)
        for hulls, mask in zip(objects.hulls, objects.hull_mask, strict=True)
    ]
    scales = collections.Counter(f"{member.scale:g}" for member in chosen)
    scene = make_scene(load_hand(), objects)
    settle_s, _ = timed(lambda: settle_objects(scene, DROPS))
    return {
        "row": split,
        "objects": len(objects),
        "categories": len(set(objects.categories)),
        "meshes": len({(member.category, member.variant) for member in chosen}),
        "objects_by_scale": dict(sorted(scales.items())),
        "largest_extent": spread(np.max(extents, axis=1)),
        "smallest_extent": spread(np.min(extents, axis=1)),
        "mass": spread(objects.mass),
        "friction": spread(objects.friction),
        "hulls": spread(objects.hull_mask.sum(axis=1), 0),
        "drops_of_each": DROPS,
        "settle_s": settle_s,
    }


def hull_iou(names: list[tuple[str, int]], meshes: np.ndarray) -> list[float]:
    """Volume of intersection over union of hulls and mesh, of a sample of meshes."""
    rng = np.random.default_rng(0)
    ious = []
    for i in np.linspace(0, len(names) - 1, COMPARED).astype(int):
        mesh = make_shape(*names[i]).mesh
        hulls = list(meshes["hulls"][i][meshes["hull_mask"][i]].astype(float))
        # The record is of another size.
        mesh.apply_scale((meshes["volume"][i] / mesh.volume) ** (1 / 3))
        reach = 1.05 * mesh.extents / 2
        points = rng.uniform(-reach, reach, (SAMPLES, 3))
        truth, ours = mesh.contains(points), inside_pieces(points, hulls)
        ious.append(float((truth & ours).sum() / (truth | ours).sum()))
    return ious


def set_row() -> tuple[dict, dict[str, ObjectSet]]:
    """What the whole set costs, and its splits."""
    build_s, (names, meshes) = timed(build)
    load_s, splits = timed(lambda: {s: load_object_set(f"everyday/{s}") for s in SIZES})
    ious = hull_iou(names, meshes)
    before = memory_mb()
    scene_s, scene = timed(lambda: make_scene(load_hand(), splits["train"]))
    row = {
        "row": "everyday",
        "objects": sum(len(objects) for objects in splits.values()),
        "meshes": len(names),
        "cores": usable_cores(),
        "build_s": build_s,
        "cache_mb": round(cache_file().stat().st_size / 1e6, 1),
        "load_s": load_s,
        "hull_iou_compared": len(ious),
        "hull_iou_mean": round(float(np.mean(ious)), 4),
        "hull_iou_p05": round(float(np.quantile(ious, 0.05)), 4),
        "hull_iou_min": round(min(ious), 4),
        "scene_objects": len(scene.models),
        "scene_s": scene_s,
        "scene_memory_mb": round(memory_mb() - before),
        "memory_mb": round(memory_mb()),
    }
    return row, splits


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Measure the everyday object set."""

    out: Path = Path("benchmarks/results/objects.json")
    """JSON file for the result"""


@main_guard
def main() -> None:
    """Writes the rows."""
    arguments = tyro.cli(Arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        row, splits = set_row()
        rows = [row, *(split_row(name, objects) for name, objects in splits.items())]
    rows = [row | provenance() for row in rows]
    for row in rows:
        print(row)
    write_json(arguments.out, rows)


if __name__ == "__main__":
    main()
