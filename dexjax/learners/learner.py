"""What a learner of policies is: three functions, and what it keeps between them."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from brax.training.acme import running_statistics, specs
from flax import struct

from dexjax.tasks.task import Task, TaskState

EPISODE_METRICS = ("held", "reached", "return")
COUNTS = ("episodes", "broken")
# What varies less does not: rounding alone gives a constant up to some 1e-5.
_STILL = 1e-4


@struct.dataclass
class Policy:
    """What acting needs: network parameters and observation statistics."""

    params: dict
    statistics: running_statistics.RunningStatisticsState


class LearnerState(Protocol):
    """What a loop around a learner sees of its state, a pytree."""

    policy: Policy
    worlds: TaskState
    env_steps: jax.Array


class Learner(NamedTuple):
    """The functions of a learner.

    Attributes:
        init: key -> state.
        train: state -> state after one iteration, and what was measured, by name.
        act: (policy, observations (…, observation)) -> deterministic actions.
    """

    init: Callable[[jax.Array], Any]
    train: Callable[[Any], tuple[Any, dict[str, jax.Array]]]
    act: Callable[[Policy, jax.Array], jax.Array]


def start_worlds(
    task: Task, count: int, task_key: jax.Array, clock_key: jax.Array
) -> TaskState:
    """Fresh worlds (count, …).

    Their clocks are staggered so that every batch holds all phases of an episode.
    """
    worlds = jax.vmap(task.reset)(jax.random.split(task_key, count))
    steps = jax.random.randint(clock_key, (count,), 0, task.episode_steps)
    return worlds.replace(memory=worlds.memory._replace(step=steps))


def no_statistics(size: int) -> running_statistics.RunningStatisticsState:
    """Statistics of observations (size,) before the first one.

    Arrays of a fixed type, as a checkpoint gives them back: else a training compiles
    once more when it is resumed.
    """
    spec = specs.Array((size,), jnp.dtype("float32"))
    return running_statistics.init_state(spec, std_eps=jnp.zeros(()))


def scale(statistics: running_statistics.RunningStatisticsState) -> jax.Array:
    """What observations are divided by, (size,): their standard deviations.

    What has never varied, as the code of a policy's only object, keeps its own scale:
    divided by next to nothing, every other object's would be out of all bounds.
    """
    return jnp.where(statistics.std > _STILL, statistics.std, 1.0)


def normalise(
    obs: jax.Array, statistics: running_statistics.RunningStatisticsState
) -> jax.Array:
    """Observations (…, size) of mean 0 and standard deviation 1."""
    return (obs - statistics.mean) / scale(statistics)


def summarise(metrics: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Metrics (steps, worlds) of a task's steps as one number each.

    Means; sums of counts and of what an episode's end reports.
    """
    sums = {name: metrics[name].sum() for name in (*EPISODE_METRICS, *COUNTS)}
    means = {n: jnp.mean(x) for n, x in metrics.items() if n not in sums}
    return means | sums
