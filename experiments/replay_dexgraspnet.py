"""Replays DexGraspNet grasps kinematically on their meshes.

For every grasp (R, t, q) of a folder, in both on-disk formats, the hand is put at its
pose and the gap between each of its links and the object's surface is measured. Where
frames, joint names and signs agree with the data set's, nearly every grasp has several
links within a few millimetres of the surface and none deep inside.

    python experiments/replay_dexgraspnet.py FOLDER [--hand shadow] [--out FILE.json]
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import trimesh
import tyro
from scipy.spatial import ConvexHull, QhullError, cKDTree

from dexjax.errors import DexjaxError, main_guard
from dexjax.hands import Hand, forward_kinematics, load_hand
from dexjax.hands.contact_geometry import Spheres, hand_spheres, place
from dexjax.objects.dexgraspnet import Grasp, find_objects, read_grasps, read_pieces
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

NEAR = 0.005  # a link this close to the surface (m) counts as touching
MIN_LINKS = 3
SURFACE_SAMPLES = 100_000


@dataclasses.dataclass(frozen=True)
class Surface:
    """The surface of a union of convex pieces, for signed distances.

    Attributes:
        samples: tree over points of the outer surface.
        pieces: per piece its bounds (2, 3) and half-spaces (faces, 4): n.x + d <= 0.
    """

    samples: cKDTree
    pieces: tuple[tuple[np.ndarray, np.ndarray], ...]

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Distance (n,) of `points` (n, 3) to the surface, negative inside."""
        distance, _ = self.samples.query(points, workers=-1)
        return np.where(_inside(points, self.pieces), -distance, distance)


class Replay(NamedTuple):
    """What one object's replay gave.

    Attributes:
        near_links: (grasps,) finger links within `NEAR` of the surface.
        depth: (grasps,) deepest penetration of the hand into the object, m; 0 if none.
    """

    near_links: np.ndarray
    depth: np.ndarray


def make_surface(pieces: Sequence[np.ndarray], seed: int = 0) -> Surface:
    """The outer surface of the union of convex pieces.

    Args:
        pieces: vertices (vertices, 3) of each convex piece.
        seed: of the surface samples.

    Raises:
        DexjaxError: if no piece has a volume.
    """
    hulls = [hull for hull in map(_convex_hull, pieces) if hull is not None]
    if not hulls:
        raise DexjaxError("the mesh has no convex piece with a volume")
    planes = tuple((hull.bounds, _half_spaces(hull)) for hull in hulls)
    mesh = trimesh.util.concatenate(hulls)
    points, faces = trimesh.sample.sample_surface(mesh, SURFACE_SAMPLES, seed=seed)
    # Faces between two pieces lie inside the solid: a step outwards ends in a piece.
    outwards = points + 1e-4 * mesh.scale * mesh.face_normals[faces]
    return Surface(cKDTree(points[~_inside(outwards, planes)]), planes)


def replay(hand: Hand, grasps: Sequence[Grasp], surface: Surface) -> Replay:
    """Measures the grasps of one object.

    Args:
        hand: the hand.
        grasps: its grasps; translations in metres.
        surface: the object's surface before scaling.
    """
    spheres = hand_spheres(hand)
    scale = np.array([grasp.scale for grasp in grasps])[:, None]
    centres = _sphere_centres(hand, spheres, grasps)
    unscaled = (centres / scale[..., None]).reshape(-1, 3)
    distance = surface.signed_distance(unscaled).reshape(centres.shape[:2]) * scale
    gap = distance - spheres.radius
    fingers = [hand.links.index(link) for link in hand.finger_links]
    per_link = np.stack([gap[:, spheres.link == f].min(axis=1) for f in fingers], 1)
    return Replay((per_link < NEAR).sum(axis=1), np.maximum(-gap.min(axis=1), 0.0))


def summarise(result: Replay) -> dict[str, float]:
    """The figures reported for one object or for all."""
    depth = 1e3 * result.depth
    return {
        "grasps": len(depth),
        "share_3_links_within_5mm": float(np.mean(result.near_links >= MIN_LINKS)),
        "near_links_mean": float(np.mean(result.near_links)),
        "penetration_median_mm": float(np.median(depth)),
        "penetration_p95_mm": float(np.percentile(depth, 95)),
    }


def _sphere_centres(
    hand: Hand, spheres: Spheres, grasps: Sequence[Grasp]
) -> np.ndarray:
    """Centres (grasps, spheres, 3) in the object frame, m."""
    quaternions = np.stack([_quaternion(grasp.rotation) for grasp in grasps])
    translations = np.stack([grasp.translation for grasp in grasps])
    joints = np.stack([grasp.joints for grasp in grasps])
    kinematics = forward_kinematics(hand)

    def one(position: jax.Array, quaternion: jax.Array, q: jax.Array) -> jax.Array:
        return place(kinematics(position, quaternion, q), spheres.link, spheres.centre)

    arguments = map(jnp.asarray, (translations, quaternions, joints))
    return np.asarray(jax.jit(jax.vmap(one))(*arguments), dtype=float)


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, np.asarray(rotation, float).ravel())
    return quaternion


def _convex_hull(vertices: np.ndarray) -> trimesh.Trimesh | None:
    try:
        return trimesh.convex.convex_hull(vertices)
    except QhullError:  # a flat piece bounds no volume
        return None


def _half_spaces(hull: trimesh.Trimesh) -> np.ndarray:
    return np.unique(ConvexHull(hull.vertices).equations.round(9), axis=0)


def _inside(
    points: np.ndarray, pieces: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Whether each of `points` (n, 3) lies in any piece."""
    inside = np.zeros(len(points), bool)
    for (low, high), planes in pieces:
        near = np.flatnonzero(((points >= low) & (points <= high)).all(1) & ~inside)
        held = points[near] @ planes[:, :3].T + planes[:, 3] <= 0.0
        inside[near] = held.all(axis=1)
    return inside


def _replay_folder(folder: Path, hand: Hand) -> tuple[dict[str, Replay], list[str]]:
    results: dict[str, Replay] = {}
    skipped: list[str] = []
    for name, entry in find_objects(folder).items():
        try:
            surface = make_surface(read_pieces(entry))
            results[name] = replay(hand, read_grasps(entry), surface)
        except DexjaxError as error:
            skipped.append(f"{name}: {error}")
    if not results:
        reason = f" ({skipped[0]})" if skipped else ""
        raise DexjaxError(f"no grasps with a readable mesh under '{folder}'{reason}")
    return results, skipped


def _print_table(rows: dict[str, dict[str, float]]) -> None:
    width = max(map(len, rows))
    print(f"{'object':<{width}}  grasps  >=3 links  median mm  p95 mm")
    for name, row in rows.items():
        print(
            f"{name:<{width}}  {row['grasps']:6.0f}"
            f"  {100 * row['share_3_links_within_5mm']:7.1f} %"
            f"  {row['penetration_median_mm']:9.2f}  {row['penetration_p95_mm']:6.2f}"
        )


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Replay every DexGraspNet grasp under a folder and measure its contacts."""

    folder: Annotated[Path, tyro.conf.Positional]
    """folder that holds grasps and meshes, format A or B, nested anywhere"""
    hand: str = "shadow"
    """the hand"""
    out: Path | None = None
    """JSON file for the result"""


@main_guard
def main() -> None:
    """Replays, prints the table and writes the JSON file."""
    arguments = tyro.cli(Arguments)
    results, skipped = _replay_folder(arguments.folder, load_hand(arguments.hand))
    rows = {name: summarise(result) for name, result in results.items()}
    everything = Replay(*map(np.concatenate, zip(*results.values(), strict=True)))
    total = summarise(everything)
    _print_table(rows | {"all": total})
    for line in skipped:
        print(f"skipped {line}", file=sys.stderr)
    if arguments.out is not None:
        report = {"hand": arguments.hand, "objects": rows, "all": total}
        write_json(arguments.out, report | {"skipped": skipped} | provenance())


if __name__ == "__main__":
    main()
