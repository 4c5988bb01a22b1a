"""A policy over fresh episodes: what they end as, and a few of them recorded."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.evaluation.interval import wilson
from dexjax.learners.worlds import batched
from dexjax.networks.carry import begun_again
from dexjax.physics.engine import PhysicsState
from dexjax.policies.policy import Policy, check_fits
from dexjax.tasks.task import Task

# Contacts are measured this many control steps before an episode's end.
SNAPSHOT = 10
# So many episodes are recorded whole, for pictures.
RECORDED = 3


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found; arrays are (episodes,).

    Attributes:
        outcomes: name -> bool, whether an episode ended as that.
        success_name: the outcome that counts as success.
        pose_distance: to a grasp proposal, summed over the episode (the paper's D);
            zero where the task has none.
        holding: the worlds shortly before the episodes' end.
        recorded: (steps, `RECORDED`, …) of episodes spread over all of them.
    """

    outcomes: dict[str, np.ndarray]
    success_name: str
    pose_distance: np.ndarray
    holding: PhysicsState
    recorded: PhysicsState

    @property
    def succeeded(self) -> np.ndarray:
        """Whether each episode was a success."""
        return self.outcomes[self.success_name]

    def summary(self, which: np.ndarray | slice = slice(None)) -> dict:
        """Shares of all outcomes, with the 95 % Wilson interval of success.

        Args:
            which: of the episodes; all by default.
        """
        succeeded = self.succeeded[which]
        shares = {
            f"success_{name}": float(ended[which].mean())
            for name, ended in self.outcomes.items()
        }
        return shares | {
            "episodes": len(succeeded),
            "ci95": wilson(int(succeeded.sum()), len(succeeded)),
            "pose_distance": self._mean_distance(which),
        }

    def _mean_distance(self, which: np.ndarray | slice) -> float | None:
        """Mean pose distance of those episodes that have one."""
        distance = self.pose_distance[which]
        return float(distance[distance > 0].mean()) if distance.any() else None


def evaluate(task: Task, policy: Policy, episodes: Any, seed: int) -> Evaluation:
    """Runs every world of a batch for one episode.

    Other episodes of the same task, or a policy with other parameters, need no new
    compilation.

    Args:
        task: from start states that no training had.
        policy: what acts.
        episodes: what `Task.episodes` gives, or some of it.
        seed: of what is random in an episode beside its start.

    Raises:
        DexjaxError: if the policy was not made for the task.
    """
    check_fits(policy, task.spec)
    episodes = jax.tree.map(jnp.asarray, episodes)
    count = len(jax.tree.leaves(episodes)[0])
    keys = jax.random.split(jax.random.key(seed), count)
    found = jax.device_get(_run(task, policy, keys, episodes))
    outcomes, distance, holding, recorded = found
    return Evaluation(outcomes, task.spec.success, distance, holding, recorded)


def drawn(episodes: Any, most: int, seed: int) -> Any:
    """Different episodes, drawn at random.

    Args:
        episodes: pytree (episodes, …).
        most: how many, if there are so many.
        seed: of the draw.
    """
    count = len(jax.tree.leaves(episodes)[0])
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(count, min(most, count), replace=False))
    return jax.tree.map(lambda x: x[chosen], episodes)


@partial(jax.jit, static_argnums=0)
def _run(
    task: Task, policy: Policy, keys: jax.Array, episodes: Any
) -> tuple[dict[str, jax.Array], jax.Array, PhysicsState, PhysicsState]:
    spec, count = task.spec, len(keys)
    shown = np.linspace(0, count - 1, min(count, RECORDED)).astype(int)
    batch = batched(task)

    def step(now, key: jax.Array):
        worlds, carry, over = now
        before = jax.tree.map(lambda x: x[shown], worlds.physics)
        action, carry = policy.act(worlds.obs, carry, key)
        worlds = batch.restart(batch.advance(worlds, action))
        carry = begun_again(carry, policy.init(count), worlds.done)
        # A world whose episode ended before its time goes on with another.
        own = {n: (worlds.metrics[n] > 0) & ~over for n in spec.outcomes}
        distance = worlds.metrics.get("pose_distance", jnp.zeros(count))
        distance = jnp.where(over, 0.0, distance)
        return (worlds, carry, over | worlds.done), (own, distance, before)

    begun = jax.vmap(task.reset)(keys, episodes)
    now = begun, policy.init(count), jnp.zeros(count, bool)
    steps = jax.random.split(jax.random.fold_in(keys[0], 1), spec.episode_steps)
    now, first = jax.lax.scan(step, now, steps[:-SNAPSHOT])
    holding = now[0].physics
    _, last = jax.lax.scan(step, now, steps[-SNAPSHOT:])
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, last)
    ended, distance, recorded = joined
    outcomes = {name: ends.any(axis=0) for name, ends in ended.items()}
    return outcomes, distance.sum(axis=0), holding, recorded
