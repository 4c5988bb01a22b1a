"""How many hulls K of how many vertices V: shape error against stepping cost.

For every (K, V): volume IoU and surface distance between the hulls and the shape they
stand for (procedural objects: the fine mesh; DexGraspNet: all its convex pieces), and
the time of one physics step with the hand pressing on a mug.

    python benchmarks/hulls.py [--data ../shared/data] [--out FILE.json]
    python benchmarks/hulls.py --mjx    # then adds MJX's cost to the same file
"""

import dataclasses
import json
import time
from pathlib import Path
from typing import NamedTuple

import jax
import mujoco
import numpy as np
import trimesh
import tyro
from mujoco import mjx
from scipy.spatial import cKDTree

from dexjax.errors import main_guard
from dexjax.hands import load_hand
from dexjax.objects.dexgraspnet import find_objects, read_pieces
from dexjax.objects.geometry.hulls import make_hulls
from dexjax.objects.geometry.surface_points import (
    inside_pieces,
    pieces_surface,
    sample_surface,
)
from dexjax.objects.object_set import build_object
from dexjax.objects.procedural import make_shape
from dexjax.runs.records.provenance import provenance
from dexjax.scene import make_scene

HULLS = (8, 12, 16, 24)
VERTICES = (12, 16, 24, 32)
PROCEDURAL = (
    "mug",
    "bowl",
    "kettle",
    "bottle",
    "can",
    "toilet_paper",
    "camera",
    "game_console",
    "hammer",
    "banana",
    "apple",
    "toy_figure",
)
# MJX compiles for a minute each, so a few rows say how its cost grows.
MJX_ROWS = ((8, 12), (8, 16), (16, 12), (16, 16), (16, 24))
REAL_SCALE = 0.08
VOLUME_SAMPLES = 20_000
SURFACE_SAMPLES = 30_000
SURFACE_QUERIES = 3_000
SLIT = 0.003  # m; narrower gaps between hulls are not surface
NEAREST = 8  # samples whose triangles are tried for the exact distance


class Shape(NamedTuple):
    """What hulls stand for: a surface, and pieces where these are the solid."""

    pieces: list[np.ndarray]
    mesh: trimesh.Trimesh
    solid: list[np.ndarray] | None


def procedural_shapes() -> dict[str, Shape]:
    """A dozen procedural objects: hollow, handled, flat, round, composed."""
    shapes = {name: make_shape(name) for name in PROCEDURAL}
    return {name: Shape(s.pieces, s.mesh, None) for name, s in shapes.items()}


def real_shapes(folder: Path) -> dict[str, Shape]:
    """The DexGraspNet objects of a folder, none where it is absent."""
    if not folder.is_dir():
        return {}
    shapes = {}
    for name, source in find_objects(folder).items():
        pieces = read_pieces(source, REAL_SCALE)
        shapes[name] = Shape(pieces, pieces_surface(pieces), pieces)
    return shapes


def shape_error(shape: Shape, hulls: list[np.ndarray]) -> tuple[float, np.ndarray]:
    """Volume IoU, and surface distances (n,) both ways in mm."""
    low, high = shape.mesh.bounds + np.array([[-0.003], [0.003]])
    points = np.random.default_rng(0).uniform(low, high, (VOLUME_SAMPLES, 3))
    if shape.solid is None:
        truth = shape.mesh.contains(points)
    else:
        truth = inside_pieces(points, shape.solid)
    ours = inside_pieces(points, hulls)
    iou = (truth & ours).sum() / (truth | ours).sum()
    joined = pieces_surface(hulls)
    there = _distances(shape.mesh, shape.solid, joined, hulls)
    back = _distances(joined, hulls, shape.mesh, shape.solid)
    return float(iou), 1e3 * np.concatenate([there, back])


def _distances(
    origin: trimesh.Trimesh,
    origin_pieces: list[np.ndarray] | None,
    target: trimesh.Trimesh,
    target_pieces: list[np.ndarray] | None,
) -> np.ndarray:
    """Distances (n,) m from points on one surface to another's outer triangles."""
    points, _ = sample_surface(origin, SURFACE_QUERIES, 1, origin_pieces, SLIT)
    samples, normals = sample_surface(target, SURFACE_SAMPLES, 2, target_pieces, SLIT)
    # Within the tangent plane of a near sample, as far as its patch reaches.
    reach = np.sqrt(target.area / SURFACE_SAMPLES)
    _, near = cKDTree(samples).query(points, NEAREST)
    offset = points[:, None] - samples[near]
    height = np.einsum("qki,qki->qk", offset, normals[near])
    aside = np.sqrt(np.maximum((offset**2).sum(-1) - height**2, 0))
    return np.hypot(height, np.maximum(aside - reach, 0)).min(axis=1)


def pressed_model(shape: Shape, count: int, vertices: int) -> mujoco.MjModel:
    """Hand and table with one object of K hulls of V vertices."""
    built = build_object(
        "object", "any", shape.pieces, shape.mesh, hulls=count, vertices=vertices
    )
    return make_scene(load_hand("shadow"), built).model


def start_pressing(model: mujoco.MjModel) -> tuple[mujoco.MjData, np.ndarray]:
    """The hand 8 cm above the object's middle and a closing command."""
    hand = load_hand("shadow")
    data = mujoco.MjData(model)
    start = model.joint("root").qposadr[0]
    data.qpos[start : start + 7] = [-0.08, 0, 0.17, *hand.start_quat]
    data.qpos[start + 7 : start + 7 + len(hand.joints)] = hand.poses["open"]
    place = model.joint("object").qposadr[0]
    data.qpos[place : place + 7] = [0, 0, 0.06, 1, 0, 0, 0]
    ctrl = np.zeros(model.nu)
    ctrl[2] = -0.3
    ctrl[6:] = hand.poses["grasp"][hand.actuated_index]
    return data, ctrl


def native_cost(model: mujoco.MjModel, steps: int = 1000) -> tuple[float, float]:
    """CPU microseconds a step (least of three), and contacts, the hand pressing."""
    data, ctrl = start_pressing(model)
    data.ctrl[:] = ctrl
    mujoco.mj_step(model, data, 200)
    contacts, costs = 0, []
    for _ in range(3):
        began = time.process_time()
        for _ in range(steps):
            mujoco.mj_step(model, data)
            contacts += data.ncon
        costs.append((time.process_time() - began) / steps)
    return 1e6 * min(costs), contacts / (3 * steps)


def mjx_cost(model: mujoco.MjModel, worlds: int = 16, steps: int = 10) -> dict:
    """MJX: steps a second over all worlds, and compile seconds."""
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
    data, ctrl = start_pressing(model)
    on_device = mjx.put_model(model)
    blank = mjx.make_data(model).replace(qpos=data.qpos, ctrl=ctrl)
    batch = jax.vmap(lambda _: blank)(np.arange(worlds))
    step = jax.jit(jax.vmap(lambda d: mjx.step(on_device, d)))
    began = time.perf_counter()
    batch = jax.block_until_ready(step(batch))
    compiled = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(steps):
        batch = step(batch)
    jax.block_until_ready(batch)
    rate = worlds * steps / (time.perf_counter() - began)
    return {"mjx_steps_per_s": rate, "mjx_compile_s": compiled, "mjx_worlds": worlds}


def summarise(shapes: dict[str, Shape], count: int, vertices: int) -> dict[str, float]:
    """Mean IoU, worst IoU, mean and p95 surface distance over some shapes."""
    ious, distances = [], []
    for shape in shapes.values():
        made = make_hulls(shape.pieces, count, vertices)
        iou, distance = shape_error(shape, list(made.vertices[made.mask]))
        ious.append(iou)
        distances.append([distance.mean(), np.percentile(distance, 95)])
    mean, p95 = np.mean(distances, axis=0)
    return {
        "objects": len(shapes),
        "iou_mean": float(np.mean(ious)),
        "iou_min": float(np.min(ious)),
        "surface_mean_mm": float(mean),
        "surface_p95_mm": float(p95),
    }


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Measure hull counts and sizes."""

    data: Path = Path("../shared/data")
    """folder with DexGraspNet objects"""
    out: Path = Path("benchmarks/results/hulls.json")
    """JSON file for the result"""
    mjx: bool = False
    """step a few of them in MJX (a minute of compiling each), added to the file"""


def measure(data: Path) -> list[dict]:
    """One row per source, K and V."""
    sources = {"procedural": procedural_shapes(), "real": real_shapes(data)}
    rows = []
    for count in HULLS:
        for vertices in VERTICES:
            model = pressed_model(sources["procedural"]["mug"], count, vertices)
            microseconds, contacts = native_cost(model)
            cost = {"native_step_us": microseconds, "native_contacts": contacts}
            for source, shapes in sources.items():
                if shapes:
                    row = {"source": source, "K": count, "V": vertices}
                    row |= summarise(shapes, count, vertices) | cost
                    print(row, flush=True)
                    rows.append(row | provenance())
    return rows


def add_mjx(rows: list[dict]) -> None:
    """Adds MJX's cost to the rows of `MJX_ROWS`."""
    mug = procedural_shapes()["mug"]
    for count, vertices in MJX_ROWS:
        cost = mjx_cost(pressed_model(mug, count, vertices))
        print(count, vertices, cost, flush=True)
        for row in rows:
            if (row["K"], row["V"]) == (count, vertices):
                row.update(cost)


@main_guard
def main() -> None:
    """Writes the table, or adds MJX's cost to it."""
    arguments = tyro.cli(Arguments)
    if arguments.mjx:
        rows = json.loads(arguments.out.read_text())
        add_mjx(rows)
    else:
        rows = measure(arguments.data)
    arguments.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
