"""What a learner of policies is: three functions, and what it keeps between them."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from dexjax.policies.policy import Policy
from dexjax.spec import TaskSpec
from dexjax.tasks.task import BROKEN, EPISODES, RETURN, TaskState


class LearnerState(Protocol):
    """What a loop around a learner sees of its state, a pytree."""

    worlds: TaskState
    env_steps: jax.Array


class Learner(NamedTuple):
    """The functions of a learner.

    Attributes:
        init: key -> state.
        train: state -> state after one iteration, and what was measured, by name.
        policy: state -> the policy that has been learned so far.
    """

    init: Callable[[jax.Array], Any]
    train: Callable[[Any], tuple[Any, dict[str, jax.Array]]]
    policy: Callable[[Any], Policy]


def summarise(metrics: dict[str, jax.Array], spec: TaskSpec) -> dict[str, jax.Array]:
    """Metrics (steps, worlds) of a task's steps as one number each.

    Means; sums of counts and of what an episode's end reports.
    """
    counts = (EPISODES, RETURN, BROKEN, *spec.outcomes)
    sums = {name: metrics[name].sum() for name in counts}
    means = {n: jnp.mean(x) for n, x in metrics.items() if n not in sums}
    return means | sums
