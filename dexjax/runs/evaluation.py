"""Success of a deterministic policy over fresh episodes, with its interval."""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from dexjax.errors import DexjaxError
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.runs.assemble import evaluation_task
from dexjax.runs.config import BaseConfig
from dexjax.runs.contacts import contact_depths
from dexjax.tasks.grasp import GraspTask

Act = Callable[[jax.Array], jax.Array]

# Contacts are measured this many control steps before an episode's end.
SNAPSHOT = 10
# The first episodes are recorded whole, for pictures.
RECORDED = 3


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found; arrays are (episodes,).

    Attributes:
        held: near the goal at all of the last steps.
        reached: near the goal at any step.
        holding: the worlds shortly before the episodes' end.
        recorded: (steps, episodes, …) of the first episodes.
    """

    held: np.ndarray
    reached: np.ndarray
    holding: PhysicsState
    recorded: PhysicsState

    def summary(self) -> dict:
        """Shares with the 95 % Wilson interval of the held one."""
        return {
            "success_held": float(self.held.mean()),
            "success_reached": float(self.reached.mean()),
            "episodes": len(self.held),
            "ci95": wilson(int(self.held.sum()), len(self.held)),
        }


def wilson(successes: int, episodes: int) -> list[float]:
    """The 95 % Wilson interval of a share."""
    from scipy.stats import binomtest  # A third of a second to import.

    interval = binomtest(successes, episodes).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def fresh_task(config: BaseConfig, engine: Engine, episodes: int) -> GraspTask:
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


def evaluate(
    task: GraspTask, act: Act, episodes: int, seed: int, object_id: int | None = None
) -> Evaluation:
    """Runs every world of a batch for one episode, each from a start of its own.

    Another object of the same task, or a `jax.tree_util.Partial` with other
    parameters, needs no new compilation.

    Args:
        task: see `fresh_task`; it has at least as many start states as episodes.
        act: (episodes, observation) -> actions (episodes, actions).
        episodes: how many.
        seed: of the episodes.
        object_id: which object of the task's set; drawn in every episode by default.

    Raises:
        DexjaxError: if there are no episodes, or more than start states.
    """
    if not 1 <= episodes <= task.config.starts:
        raise DexjaxError(
            f"{episodes} episodes: choose 1 to {task.config.starts}, the number of "
            "start states, since a deterministic policy repeats itself from the same"
        )
    keys = jax.random.split(jax.random.key(seed), episodes)
    which = None if object_id is None else jnp.asarray(object_id, jnp.int32)
    act = act if isinstance(act, Partial) else Partial(act)
    return Evaluation(*jax.device_get(_episodes(task, act, keys, which)))


@partial(jax.jit, static_argnums=0)
def _episodes(
    task: GraspTask, act: Partial, keys: jax.Array, object_id: jax.Array | None
) -> tuple[jax.Array, jax.Array, PhysicsState, PhysicsState]:
    def step(worlds, _):
        before = jax.tree.map(lambda x: x[:RECORDED], worlds.physics)
        worlds = jax.vmap(task.step)(worlds, act(worlds.obs))
        ended = worlds.metrics["held"] > 0, worlds.metrics["reached"] > 0
        return worlds, (*ended, before)

    starts = jnp.arange(len(keys))
    worlds = jax.vmap(task.reset, (0, None, 0))(keys, object_id, starts)
    worlds, first = jax.lax.scan(step, worlds, length=task.episode_steps - SNAPSHOT)
    holding = worlds.physics
    worlds, last = jax.lax.scan(step, worlds, length=SNAPSHOT)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, last)
    held, reached, recorded = joined
    return held.any(axis=0), reached.any(axis=0), holding, recorded


def measure(
    task: GraspTask, act: Act, episodes: int, seed: int, object_id: int
) -> dict:
    """Evaluates one object of a task: its success and contacts, ready for JSON."""
    found = evaluate(task, act, episodes, seed, object_id)
    holding = jax.tree.map(lambda x: x[found.held], found.holding)
    return {
        "object": task.objects.names[object_id],
        **found.summary(),
        "contacts": contact_depths(task.engine.scene, holding),
    }
