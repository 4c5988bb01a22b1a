"""The task of a hyper-policy: to steer a mixture of base policies (ResDex, 3.3).

A hyper-policy's action is a residual and one weight for each base policy. Seen from the
learner that is a task like any other, with more actions: what the base policies do is
part of its step, and they stay as they are.

The weights that are normalised by their length are counted from the first base policy:
a network at its start says (0, …, 0), which has no direction, and means that one.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from dexjax.errors import DexjaxError
from dexjax.networks.experts import NORMALISATIONS, mix
from dexjax.tasks.task import Task, TaskState


class MixtureTask:
    """A task whose actions are residual and weights; see `Task`.

    Attributes:
        task: what the mixture acts in.
        experts: k, how many base policies there are.
    """

    def __init__(
        self,
        task: Task,
        base_actions: Callable[[jax.Array], jax.Array],
        normalisation: str = "norm",
        residual: bool = True,
    ):
        """Makes the task.

        Args:
            task: with observations of the hyper-policy.
            base_actions: observation (observation,) -> actions (k, actions) of the
                base policies.
            normalisation: of the weights, one of `NORMALISATIONS`.
            residual: whether actions have a residual before the weights.

        Raises:
            DexjaxError: for an unknown normalisation.
        """
        if normalisation not in NORMALISATIONS:
            raise DexjaxError(
                f"normalisation {normalisation!r}: choose from "
                f"{', '.join(NORMALISATIONS)}"
            )
        self.task = task
        self._base_actions = base_actions
        self._normalisation = normalisation
        obs = jax.ShapeDtypeStruct((task.observation_size,), jnp.float32)
        self.experts = jax.eval_shape(base_actions, obs).shape[0]
        self.observation_size = task.observation_size
        self._residual = task.action_size if residual else 0
        self.action_size = self._residual + self.experts
        self._origin = jnp.zeros(self.experts)
        if normalisation == "norm":
            self._origin = self._origin.at[0].set(1.0)
        self.episode_steps = task.episode_steps

    def reset(self, key: jax.Array) -> TaskState:
        """See `Task.reset`."""
        return self.task.reset(key)

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.step`; `action` is the residual, then the weights."""
        return self.task.step(state, self.act(state.obs, action))

    def act(self, obs: jax.Array, action: jax.Array) -> jax.Array:
        """What is done: an action (actions,) of the task itself.

        Args:
            obs: (observation,).
            action: (actions + k,) of the hyper-policy, (k,) without a residual.
        """
        residual, weights = jnp.split(action, [self._residual])
        if not self._residual:
            residual = jnp.zeros(self.task.action_size)
        residual = jnp.clip(residual, -1.0, 1.0)
        weights = weights + self._origin
        return mix(residual, weights, self._base_actions(obs), self._normalisation)
