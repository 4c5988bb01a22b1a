"""How good grasp sets are: size, coverage, penetration, connection."""

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from dexjax.grasps.sets.graph import Places, largest_part, near_grasps
from dexjax.grasps.sets.grasp_set import GraspSets

# A turn of an object is covered if a grasp has it within so much.
COVERED_RAD = 0.4
_TURNS = 2000  # drawn to measure that
CELL_M = 0.01


def report(sets: GraspSets) -> dict:
    """Figures over all sets that have any grasp.

    Returns:
        `grasps`; `turns_found` sets with any; of the sets the least and the median of
        `connected` (share in the largest strongly connected part), `turns_covered`
        (share of an object's turns that a grasp is near to) and `places` (cells of 1 cm
        that the object lies in); of the grasps the median and the 95th percentile of
        `depth_mm`, and the mean number of `fingers` that touch.
    """
    own = [
        sets.of(o, t) for o in range(len(sets.objects)) for t in range(len(sets.turns))
    ]
    there = [rows for rows in own if len(rows) > 1]
    result: dict = {"grasps": len(sets), "turns_found": len(there)}
    if not there:
        return result
    for name, measure in _MEASURES.items():
        values = [measure(sets, rows) for rows in there]
        result[f"{name}_least"] = round(float(min(values)), 3)
        result[f"{name}_median"] = round(float(np.median(values)), 3)
    depth = 1000 * sets.depth
    result["depth_mm_median"] = round(float(np.median(depth)), 3)
    result["depth_mm_p95"] = round(float(np.percentile(depth, 95)), 3)
    result["fingers"] = round(float(sets.touching[:, :-1].sum(axis=1).mean()), 2)
    return result


def connected(sets: GraspSets, rows: np.ndarray) -> float:
    """Share of one set that is in its largest strongly connected part."""
    places = Places(sets.position[rows], sets.quaternion[rows], sets.joints[rows])
    return float(largest_part(near_grasps(places)).mean())


def turns_covered(sets: GraspSets, rows: np.ndarray) -> float:
    """Share of random turns of the object that a grasp of one set is near to."""
    drawn = Rotation.random(_TURNS, np.random.default_rng(0)).as_quat(scalar_first=True)
    # |q - p| = 2 sin(angle / 4) of unit quaternions, of which q and -q are one turn.
    both = np.concatenate([sets.quaternion[rows], -sets.quaternion[rows]])
    near, _ = cKDTree(both).query(drawn)
    return float((near <= 2 * np.sin(COVERED_RAD / 4)).mean())


def places(sets: GraspSets, rows: np.ndarray) -> float:
    """How many cells of 1 cm the object of one set lies in."""
    return float(len(np.unique(np.round(sets.position[rows] / CELL_M), axis=0)))


_MEASURES = {
    "connected": connected,
    "turns_covered": turns_covered,
    "places": places,
}
