"""What a task is."""

from typing import Any, Protocol

import jax
from flax import struct

from dexjax.physics.engine import PhysicsState


@struct.dataclass
class TaskState:
    """One world of a task after a step, already reset where its episode ended.

    Attributes:
        physics: the world.
        obs: (observation,) what the policy sees next.
        final_obs: (observation,) what it would have seen had no reset happened.
        reward: ().
        terminated: () bool, the episode broke off: no future reward.
        truncated: () bool, the time limit ended the episode: bootstrap it.
        metrics: name -> () of this step; reward terms, and the results of an episode
            in the step that ends it.
        memory: what the task keeps between steps.
    """

    physics: PhysicsState
    obs: jax.Array
    final_obs: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    metrics: dict[str, jax.Array]
    memory: Any


class Task(Protocol):
    """A task of one world; `jax.vmap` it over keys and states.

    Attributes:
        observation_size: features of an observation.
        action_size: components of an action, each in [-1, 1].
        episode_steps: control steps until the time limit.
    """

    observation_size: int
    action_size: int
    episode_steps: int

    def reset(self, key: jax.Array) -> TaskState:
        """Starts an episode."""
        ...

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """One control step; where the episode ends, the next one is begun."""
        ...
