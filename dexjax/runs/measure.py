"""A stored policy measured on fresh episodes, and the worst of them filmed."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import jax
import numpy as np

from dexjax import limits
from dexjax.evaluation.episodes import RECORDED, evaluate
from dexjax.evaluation.objects import measure_objects, pooled
from dexjax.limits import Limits
from dexjax.physics.choice import ENGINES
from dexjax.policies.policy import Policy
from dexjax.render.film import film
from dexjax.runs.assemble import assemble_engine, fresh_task, load_run_objects
from dexjax.runs.kept import with_kept
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import GraspRun, InhandRun
from dexjax.runs.stored import StoredPolicy
from dexjax.tasks.task import WatchedTask

# Episodes of one object, and of all together where there are many.
EPISODES = 512
MOST_EPISODES = 2048
# So many of the objects that were held least often are filmed.
SHOWN = RECORDED


@dataclasses.dataclass(frozen=True)
class Where:
    """What a policy is measured on.

    Attributes:
        object: other objects than the run's own; as for a training.
        size: largest extent of a mesh file in m.
        dexgraspnet: folder of DexGraspNet; the run's own by default.
        grasps: file of grasp proposals or grasp sets of these objects; the run's own by
            default.
        engine: "auto", "native", "mjx" or "warp".
        episodes: fresh episodes of each object; by default 512, or of many objects as
            many as make 2,048 in all, at least one each.
        seed: of start states and episodes.
    """

    object: str = ""
    size: float | None = None
    dexgraspnet: Path | None = None
    grasps: Path | None = None
    engine: str = "auto"
    episodes: int | None = None
    seed: int = 0

    LIMITS: ClassVar[Limits] = {
        "engine": tuple(ENGINES),
        "episodes": (1, 1_000_000),
        "seed": (0, 2_000_000_000),
    }


def measured_run(stored: StoredPolicy, where: Where) -> GraspRun | InhandRun:
    """The policy's run with what is asked for on top."""
    run = with_kept(stored.folder, stored.run)
    scene = dataclasses.replace(
        run.scene,
        engine=where.engine,
        dexgraspnet=where.dexgraspnet or run.scene.dexgraspnet,
        grasps=where.grasps or run.scene.grasps,
    )
    if where.object:
        scene = dataclasses.replace(scene, object=where.object, size=where.size)
    return dataclasses.replace(run, scene=scene, seed=where.seed)


def measuring_task(stored: StoredPolicy, where: Where) -> tuple[WatchedTask, int]:
    """The task that a policy is measured in, and episodes of each object.

    Raises:
        DexjaxError: for objects that are not there, or fewer than one episode.
    """
    limits.check(where)
    run = measured_run(stored, where)
    objects = load_run_objects(run)
    each = where.episodes or min(EPISODES, -(-MOST_EPISODES // len(objects)))
    return fresh_task(run, assemble_engine(run, objects), each), each


def measure(stored: StoredPolicy, where: Where, film_as: Path | None = None) -> dict:
    """The whole result, ready for JSON.

    Args:
        stored: the policy.
        where: what it is measured on.
        film_as: where the worst objects are filmed, without an ending; not by default.
    """
    task, each = measuring_task(stored, where)
    rows, _ = measure_objects(task, stored.policy, each, where.seed)
    if film_as is not None:
        film_worst(task, stored.policy, rows, film_as, where.seed)
    name = where.object or stored.run.scene.object
    return {
        "run": str(stored.folder),
        "trained_on": stored.run.scene.object,
        "training_seed": stored.run.seed,
        "iteration": stored.step,
        "engine": task.engine.name,
        "seed": where.seed,
        **pooled(rows, name),
        "rows": rows,
        **provenance(),
    }


def film_worst(
    task: WatchedTask, policy: Policy, rows: list[dict], path: Path, seed: int
) -> None:
    """Films an episode of each of the objects that were held least often."""
    if len(rows) == 1:
        return
    worst = np.argsort([row["success_held"] for row in rows], kind="stable")[:SHOWN]
    every = task.episodes(1)
    episodes = jax.tree.map(lambda x: x[worst], every)
    recorded = evaluate(task, policy, episodes, seed).recorded
    film(path.parent, path.name, task.engine, recorded)
    names = ", ".join(rows[i]["object"] for i in worst)
    print(f"held least often, in {path}.png: {names}")
