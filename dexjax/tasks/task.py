"""What a task is."""

from typing import Any, ClassVar, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from flax import struct

from dexjax.objects.object_set import ObjectSet
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.spec import TaskSpec

# Metrics that every task has beside its outcomes, each counted in the step that ends an
# episode: that it counts, and its return; and in any step: that the world broke.
EPISODES, RETURN, BROKEN = "episodes", "return", "broken"

Observations = dict[str, jax.Array]


class TaskConfig(Protocol):
    """Choices of a task, a frozen dataclass.

    Attributes:
        KIND: the task's name in `dexjax.tasks()`.
    """

    KIND: ClassVar[str]

    @property
    def observes_codes(self) -> bool:
        """Whether the objects' codes are observed."""
        ...


class TaskState(struct.PyTreeNode):
    """One world of a task.

    Attributes:
        physics: the world.
        obs: name -> array, what may be seen of it; `TaskSpec.observations` lists them.
        reward: () of the last step.
        terminated: () bool, the episode broke off: no future reward.
        truncated: () bool, the time limit ended the episode: bootstrap it.
        step: () int32, control steps done in this episode.
        metrics: name -> () of the last step; outcomes of an episode in the step that
            ends it.
        memory: what else the task keeps between steps.
    """

    physics: PhysicsState
    obs: Observations
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    step: jax.Array
    metrics: dict[str, jax.Array]
    memory: Any

    @property
    def done(self) -> jax.Array:
        """Whether the episode has ended, () bool."""
        return self.terminated | self.truncated


class Task(Protocol):
    """A task of one world; `jax.vmap` it over keys and states.

    A learner that wants the value of an ended episode's last observation calls
    `advance`, looks, and then `restart`; for everybody else `step` does both.

    Attributes:
        spec: what it observes, takes and counts as success.
    """

    spec: TaskSpec

    def reset(self, key: jax.Array, episode: Any = None) -> TaskState:
        """Starts an episode.

        Args:
            key: of what is random in it.
            episode: what an evaluation wants fixed, a pytree of the task's own; drawn
                if not given.
        """
        ...

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """One control step; where the episode ends, the next one is begun."""
        ...

    def advance(self, state: TaskState, action: jax.Array) -> TaskState:
        """One control step of an episode that has not ended."""
        ...

    def restart(self, state: TaskState) -> TaskState:
        """Begins the next episode of a world whose episode has ended.

        Reward, flags and metrics stay those of the step that ended it.
        """
        ...

    def episodes(self, each: int | None = None) -> Any:
        """For an evaluation: different episodes of everything there is.

        Args:
            each: so many of each; as many as there are by default.

        Returns:
            What `reset` takes as `episode`, with a leading dimension: all of the first
            thing there is, then all of the second.
        """
        ...

    def fresh(self, each: int, seed: int) -> "Task":
        """The task as it is evaluated: whole episodes, from start states of its own.

        Args:
            each: start states of everything there is.
            seed: of them; a training's are of another.
        """
        ...


class Shown(NamedTuple):
    """What a person is shown of a world beside its bodies; world frame, m.

    Attributes:
        goal: (3,) where the object is to be.
        near: how far off it may be.
        points: (P, 3) what cameras see of the object, as a policy gets it; None where
            no observation has points.
    """

    goal: jax.Array
    near: float
    points: jax.Array | None


class WatchedTask(Task, Protocol):
    """A task whose worlds can be watched.

    Attributes:
        engine: steps them.
        objects: that they hold.
    """

    engine: Engine
    objects: ObjectSet

    def fresh(self, each: int, seed: int) -> "WatchedTask":
        """See `Task.fresh`."""
        ...

    def shown(self, state: TaskState) -> Shown:
        """What else is shown of one world."""
        ...

    def applied(self, state: TaskState) -> jax.Array:
        """The `ctrl` (nu,) that one world had in its last step."""
        ...


def restart_ended(task: Task, state: TaskState) -> TaskState:
    """One world, its next episode begun if this one has ended."""
    fresh = task.restart(state)
    return where(state.done, fresh, state)


def where(condition: jax.Array, yes: Any, no: Any) -> Any:
    """Leaf by leaf, one of two trees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
