"""Success of a deterministic policy over fresh episodes, with its interval."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from dexjax.errors import DexjaxError
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.runs.assemble import evaluation_task
from dexjax.runs.config import RunConfig
from dexjax.runs.contacts import contact_depths
from dexjax.tasks.grasp import GraspTask

Act = Callable[[jax.Array], jax.Array]

# Contacts are measured this many control steps before an episode's end.
SNAPSHOT = 10
# So many episodes are recorded whole, for pictures.
RECORDED = 3


class Episodes(NamedTuple):
    """Which episodes to run; arrays are (episodes,).

    Attributes:
        object_id: int, index in the task's object set.
        start: int, which of the object's start states.
    """

    object_id: np.ndarray
    start: np.ndarray


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found; arrays are (episodes,).

    Attributes:
        held: near the goal at all of the last steps.
        reached: near the goal at any step.
        pose_distance: to a grasp proposal, summed over the episode (the paper's D);
            zero where no object has proposals.
        holding: the worlds shortly before the episodes' end.
        recorded: (steps, `RECORDED`, …) of episodes spread over all of them.
    """

    held: np.ndarray
    reached: np.ndarray
    pose_distance: np.ndarray
    holding: PhysicsState
    recorded: PhysicsState

    def summary(self, which: np.ndarray | slice = slice(None)) -> dict:
        """Shares with the 95 % Wilson interval of the held one.

        Args:
            which: of the episodes; all by default.
        """
        held, reached = self.held[which], self.reached[which]
        return {
            "success_held": float(held.mean()),
            "success_reached": float(reached.mean()),
            "episodes": len(held),
            "ci95": wilson(int(held.sum()), len(held)),
            "pose_distance": self._mean_distance(which),
        }

    def _mean_distance(self, which: np.ndarray | slice) -> float | None:
        """Mean pose distance of those episodes that have one."""
        distance = self.pose_distance[which]
        return float(distance[distance > 0].mean()) if distance.any() else None


def wilson(successes: int, episodes: int) -> list[float]:
    """The 95 % Wilson interval of a share."""
    from scipy.stats import binomtest  # A third of a second to import.

    interval = binomtest(successes, episodes).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def fresh_task(config: RunConfig, engine: Engine, episodes: int) -> GraspTask:
    """The task of an evaluation: as many new start states as episodes.

    A deterministic policy repeats itself from the same start; an episode that is
    counted twice makes the interval too narrow.

    Args:
        config: of the run whose policy is evaluated.
        engine: holds the objects to evaluate it on.
        episodes: of each object.
    """
    starts = dataclasses.replace(config.task, starts=episodes)
    return evaluation_task(dataclasses.replace(config, task=starts), engine)


def every_object(task: GraspTask, episodes: int) -> Episodes:
    """So many episodes of every object of a task, each from a start of its own.

    Args:
        task: see `fresh_task`.
        episodes: of each object; one after the other has the next object.

    Raises:
        DexjaxError: if there are no episodes, or more than start states.
    """
    if not 1 <= episodes <= task.config.starts:
        raise DexjaxError(
            f"{episodes} episodes: choose 1 to {task.config.starts}, the number of "
            "start states, since a deterministic policy repeats itself from the same"
        )
    start, object_id = np.indices((episodes, len(task.objects))).reshape(2, -1)
    return Episodes(object_id, start)


def drawn(task: GraspTask, most: int, seed: int) -> Episodes:
    """Episodes from different start states, drawn over all objects.

    Args:
        task: any.
        most: how many, if there are so many start states.
        seed: of the draw.
    """
    every = every_object(task, task.config.starts)
    count = min(most, len(every.start))
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(every.start), count, replace=False))
    return Episodes(*(array[chosen] for array in every))


def evaluate(task: GraspTask, act: Act, episodes: Episodes, seed: int) -> Evaluation:
    """Runs every world of a batch for one episode.

    Other episodes of the same task, or a `jax.tree_util.Partial` with other
    parameters, need no new compilation.

    Args:
        task: see `fresh_task`.
        act: (episodes, observation) -> actions (episodes, actions).
        episodes: see `every_object`.
        seed: of what is random in an episode beside its start.
    """
    keys = jax.random.split(jax.random.key(seed), len(episodes.start))
    act = act if isinstance(act, Partial) else Partial(act)
    object_id, start = (jnp.asarray(array, jnp.int32) for array in episodes)
    return Evaluation(*jax.device_get(_run(task, act, keys, object_id, start)))


@partial(jax.jit, static_argnums=0)
def _run(
    task: GraspTask,
    act: Partial,
    keys: jax.Array,
    object_id: jax.Array,
    start: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array, PhysicsState, PhysicsState]:
    shown = np.linspace(0, len(keys) - 1, min(len(keys), RECORDED)).astype(int)

    def step(worlds, _):
        before = jax.tree.map(lambda x: x[shown], worlds.physics)
        worlds = jax.vmap(task.step)(worlds, act(worlds.obs))
        ended = worlds.metrics["held"] > 0, worlds.metrics["reached"] > 0
        distance = worlds.metrics.get("pose_distance", jnp.zeros(len(keys)))
        return worlds, (*ended, distance, before)

    worlds = jax.vmap(task.reset)(keys, object_id, start)
    worlds, first = jax.lax.scan(step, worlds, length=task.episode_steps - SNAPSHOT)
    holding = worlds.physics
    worlds, last = jax.lax.scan(step, worlds, length=SNAPSHOT)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, last)
    held, reached, distance, recorded = joined
    ended = held.any(axis=0), reached.any(axis=0)
    return *ended, distance.sum(axis=0), holding, recorded


def measure_objects(task: GraspTask, act: Act, episodes: int, seed: int) -> list[dict]:
    """Success and contacts of every object of a task, ready for JSON.

    Args:
        task: see `fresh_task`.
        act: (episodes, observation) -> actions (episodes, actions).
        episodes: of each object.
        seed: see `evaluate`.
    """
    every = every_object(task, episodes)
    found = evaluate(task, act, every, seed)
    # Not by what the worlds hold in the end: one that breaks goes on with any object.
    own = [every.object_id == i for i in range(len(task.objects))]
    return [_object_row(task, found, i, its) for i, its in enumerate(own)]


def _object_row(
    task: GraspTask, found: Evaluation, index: int, its: np.ndarray
) -> dict:
    holding = jax.tree.map(lambda x: x[its & found.held], found.holding)
    return {
        "object": task.objects.names[index],
        "category": task.objects.categories[index],
        **found.summary(its),
        "contacts": contact_depths(task.engine.scene, holding),
    }
