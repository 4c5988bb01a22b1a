"""The task of a hyper-policy: to steer a mixture of base policies (ResDex, 3.3).

A hyper-policy's action is a residual and one weight for each base policy. Seen from the
learner that is a task like any other, with more actions: what the base policies do is
part of its step, and they stay as they are.
"""

import dataclasses
from typing import Any

import jax

from dexjax.errors import DexjaxError
from dexjax.networks.experts import NORMALISATIONS
from dexjax.policies.actor import ActorPolicy
from dexjax.policies.mixture import Mixture, MixturePolicy
from dexjax.spec import PolicySpec
from dexjax.tasks.task import Task, TaskState, restart_ended


class MixtureTask:
    """A task whose actions are residual and weights; see `Task`.

    Attributes:
        task: what the mixture acts in.
        mixture: what is steered.
        spec: that of the task, with the hyper-policy's actions.
    """

    def __init__(self, task: Task, mixture: Mixture):
        """Makes the task.

        Args:
            task: observes what the base policies see.
            mixture: what it is to steer.

        Raises:
            DexjaxError: for an unknown normalisation.
        """
        if mixture.normalisation not in NORMALISATIONS:
            raise DexjaxError(
                f"normalisation {mixture.normalisation!r}: choose from "
                f"{', '.join(NORMALISATIONS)}"
            )
        self.task = task
        self.mixture = mixture
        self.spec = dataclasses.replace(task.spec, actions=mixture.said)

    def policy(self, hyper: ActorPolicy) -> MixturePolicy:
        """The policy that acts in the task itself as a hyper-policy says."""
        sees = (*hyper.network.sees, *self.mixture.bases.network.sees)
        return MixturePolicy(hyper, self.mixture, PolicySpec.of(self.task.spec, sees))

    def reset(self, key: jax.Array, episode: Any = None) -> TaskState:
        """See `Task.reset`."""
        return self.task.reset(key, episode)

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.step`; `action` is the residual, then the weights."""
        return restart_ended(self, self.advance(state, action))

    def advance(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.advance`; `action` is the residual, then the weights."""
        return self.task.advance(state, self.mixture.mix(state.obs, action))

    def restart(self, state: TaskState) -> TaskState:
        """See `Task.restart`."""
        return self.task.restart(state)

    def episodes(self, each: int | None = None) -> Any:
        """See `Task.episodes`."""
        return self.task.episodes(each)

    def fresh(self, each: int, seed: int) -> "MixtureTask":
        """See `Task.fresh`."""
        return MixtureTask(self.task.fresh(each, seed), self.mixture)
