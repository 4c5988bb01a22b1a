"""Success and contacts of every object of a grasping task, and of all together."""

import itertools

import jax
import numpy as np

from dexjax.evaluation.contacts import contact_depths
from dexjax.evaluation.episodes import Evaluation, evaluate
from dexjax.evaluation.interval import wilson
from dexjax.policies.policy import Policy
from dexjax.tasks.task import WatchedTask


def measure_objects(
    task: WatchedTask, policy: Policy, each: int, seed: int
) -> tuple[list[dict], Evaluation]:
    """Success and contacts of every object of a task, ready for JSON; the evaluation.

    Args:
        task: from start states that no training had.
        policy: what acts.
        each: episodes of each object.
        seed: see `evaluate`.
    """
    every = task.episodes(each)
    found = evaluate(task, policy, every, seed)
    # Not by what the worlds hold in the end: one that breaks goes on with any object.
    held = np.asarray(every.object_id)
    own = [held == i for i in range(len(task.objects))]
    return [_object_row(task, found, i, its) for i, its in enumerate(own)], found


def _object_row(
    task: WatchedTask, found: Evaluation, index: int, its: np.ndarray
) -> dict:
    holding = jax.tree.map(lambda x: x[its & found.succeeded], found.holding)
    return {
        "object": task.objects.names[index],
        "category": task.objects.categories[index],
        **found.summary(its),
        "contacts": contact_depths(task.engine.scene, holding),
    }


def pooled(rows: list[dict], name: str) -> dict:
    """The episodes of several objects as one row."""
    counts = np.array([row["episodes"] for row in rows])
    held = np.array([row["success_held"] for row in rows]) @ counts
    reached = np.array([row["success_reached"] for row in rows]) @ counts
    episodes = int(counts.sum())
    return {
        "object": name,
        "objects": len(rows),
        "success_held": float(held / episodes),
        "success_reached": float(reached / episodes),
        "episodes": episodes,
        "ci95": wilson(round(held), episodes),
        "pose_distance": mean_distance(rows),
    }


def mean_distance(rows: list[dict]) -> float | None:
    """Mean pose distance over the objects that have grasp proposals."""
    known = [r["pose_distance"] for r in rows if r["pose_distance"] is not None]
    return float(np.mean(known)) if known else None


def by_category(rows: list[dict]) -> list[dict]:
    """One row per category."""

    def category(row: dict) -> str:
        return row["category"]

    groups = itertools.groupby(sorted(rows, key=category), category)
    return [pooled(list(group), name) for name, group in groups]
