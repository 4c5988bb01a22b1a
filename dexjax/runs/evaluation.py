"""Success of a deterministic policy over fresh episodes, with its interval."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binomtest

from dexjax.physics.engine import PhysicsState
from dexjax.tasks.grasp import GraspTask

Act = Callable[[jax.Array], jax.Array]

# Contacts are measured this many control steps before an episode's end.
SNAPSHOT = 10


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found; arrays are (episodes,).

    Attributes:
        held: near the goal at all of the last steps.
        reached: near the goal at any step.
        holding: the worlds shortly before the episodes' end.
    """

    held: np.ndarray
    reached: np.ndarray
    holding: PhysicsState

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
    interval = binomtest(successes, episodes).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def evaluate(task: GraspTask, act: Act, episodes: int, seed: int) -> Evaluation:
    """Runs every world of a batch for one episode.

    Args:
        task: the task; its start states should not be those of the training.
        act: (episodes, observation) -> actions (episodes, actions).
        episodes: how many.
        seed: of the episodes.
    """
    keys = jax.random.split(jax.random.key(seed), episodes)

    @jax.jit
    def run(keys: jax.Array):
        def step(worlds, _):
            worlds = jax.vmap(task.step)(worlds, act(worlds.obs))
            return worlds, (worlds.metrics["held"], worlds.metrics["reached"])

        worlds = jax.vmap(task.reset)(keys)
        steps = task.episode_steps - SNAPSHOT
        worlds, first = jax.lax.scan(step, worlds, length=steps)
        holding = worlds.physics
        worlds, last = jax.lax.scan(step, worlds, length=SNAPSHOT)
        joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, last)
        return *(x.any(axis=0) for x in joined), holding

    held, reached, holding = jax.device_get(run(keys))
    return Evaluation(held > 0, reached > 0, holding)
