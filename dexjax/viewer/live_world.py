"""One world of a task and what acts in it, stepped as a person wishes."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax.policies.policy import Command, Policy, Steered, check_fits
from dexjax.scene.objects import OBJECT
from dexjax.tasks.task import BROKEN, Shown, Task, TaskState, WatchedTask

# Start states of every object; a seed chooses one of them.
STARTS = 16


@dataclasses.dataclass
class Tally:
    """Episodes that have ended.

    Attributes:
        episodes: how many.
        outcomes: name -> in how many.
        broken: in how many the simulation broke off.
    """

    episodes: int
    outcomes: dict[str, int]
    broken: int = 0


class LiveWorld:
    """A world that a person watches; nothing of it knows of a page.

    Attributes:
        task: what is done.
        policy: what acts; another of the same kind may take its place at any time.
        acts: whether the policy acts; the hand keeps its last command otherwise.
        state: of the world now.
        tally: of the episodes of the object that the world holds.
        index: which of the task's objects that is.
        seed: of the present episode.
    """

    def __init__(self, task: WatchedTask, policy: Policy, seed: int = 0):
        """Begins the first episode.

        Args:
            task: from start states that no training had, `STARTS` of each object.
            policy: what acts.
            seed: of the first episode.

        Raises:
            DexjaxError: if the policy was not made for the task.
        """
        check_fits(policy, task.spec)
        self.task, self.policy = task, policy
        self.scene = task.engine.scene
        self.acts = True
        self._every = jax.tree.map(jnp.asarray, task.episodes(STARTS))
        self._push = np.zeros(3, np.float32)
        self._command = {own.name: own.start for own in self.commands}
        self.choose(0, seed)

    @property
    def names(self) -> tuple[str, ...]:
        """What the world may hold, by name."""
        return self.task.objects.names

    @property
    def step_s(self) -> float:
        """Seconds of a control step."""
        return float(self.task.engine.substeps * self.model.opt.timestep)

    @property
    def model(self) -> mujoco.MjModel:
        """The MuJoCo model of the world as it is."""
        return self.scene.models[int(self.state.physics.object_id)]

    @property
    def commands(self) -> tuple[Command, ...]:
        """What the policy can be told."""
        return self.policy.commands if isinstance(self.policy, Steered) else ()

    @property
    def is_prompted(self) -> bool:
        """Whether the policy is told where fingertips are to go."""
        return False

    @property
    def can_push(self) -> bool:
        """Whether there is an object to be pushed."""
        return OBJECT in self.scene.joints

    def take_over(self, other: "LiveWorld") -> None:
        """Goes on with what a person has set in another world."""
        self.acts = other.acts

    def choose(self, index: int, seed: int) -> None:
        """Begins anew with one of the task's objects; the tally is empty again."""
        self.index = index
        self.tally = Tally(0, dict.fromkeys(self.task.spec.outcomes, 0))
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Begins an episode; the same seed gives the same one."""
        place = self.index * STARTS + seed % STARTS
        self.state, self._memory = _begin(
            self.task, self.policy, self._every, place, seed
        )
        self.tell(self._command)
        self._push[:] = 0.0
        self.seed = seed

    def push(self, speed: np.ndarray) -> None:
        """Pushes the object in the next step, by an impulse of its mass times this.

        Args:
            speed: (3,) m/s, world frame.
        """
        self._push += np.asarray(speed, np.float32)

    def tell(self, command: dict[str, float]) -> None:
        """Gives a steered policy a person's command; others hear nothing.

        Args:
            command: a number for every name in `Steered.commands`.
        """
        self._command = command
        if isinstance(self.policy, Steered):
            told = self.policy.told(self._memory.carry, command)
            self._memory = self._memory._replace(carry=told)

    def report(self) -> str:
        """Where the episode is, and how those before it ended; Markdown."""
        tally, spec = self.tally, self.task.spec
        now = f"step {int(self.state.step)} of {spec.episode_steps}"
        if not tally.episodes:
            return f"{now}; no episode has ended yet"
        ends = [
            f"**{name} {count}** ({count / tally.episodes:.0%})"
            for name, count in tally.outcomes.items()
        ]
        ends += [f"broken {tally.broken}"] * bool(tally.broken)
        return f"{now}; of {tally.episodes} episodes {', '.join(ends)}"

    def shown(self) -> Shown:
        """What is shown beside the bodies."""
        return jax.device_get(_shown(self.task, self.state))

    def fingertips(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the hand's F fingertips are, and the force on each.

        Returns:
            (F, 3) m and (F, 3) N, world frame.
        """
        sensed = np.asarray(self.state.physics.sensordata)
        sensors, tips = self.scene.sensors, self.scene.hand.fingertips
        places, forces = np.zeros((2, len(tips), 3))
        for i, tip in enumerate(tips):
            places[i] = sensed[sensors[f"{tip}_pos"]]
            own = sensed[sensors[f"{tip}_force"]].astype(float)
            quat = sensed[sensors[f"{tip}_quat"]].astype(float)
            mujoco.mju_rotVecQuat(forces[i], own, quat)
        return places, forces

    def step(self) -> None:
        """One control step; where the episode ends it is counted and the next begins.

        The next one has the next seed.
        """
        if bool(self.state.done):
            self._count()
            self.reset(self.seed + 1)
            return
        state = self._pushed(self.state)
        self.state, self._memory = _step(
            self.task, self.policy, state, self._memory, self.acts
        )

    def _count(self) -> None:
        metrics = jax.device_get(self.state.metrics)
        self.tally.episodes += 1
        self.tally.broken += bool(metrics[BROKEN])
        for name in self.tally.outcomes:
            self.tally.outcomes[name] += bool(metrics[name])

    def _pushed(self, state: TaskState) -> TaskState:
        """The world with what has been pushed since the last step."""
        if not self._push.any():
            return state
        place = self.scene.qvel_of(OBJECT).start
        change = np.zeros(self.model.nv, np.float32)
        change[place : place + 3] = self._push
        self._push[:] = 0.0
        physics = state.physics
        return state.replace(physics=physics._replace(qvel=physics.qvel + change))


class _Memory(NamedTuple):
    """What a world keeps from step to step beside its state.

    Attributes:
        key: of what the policy draws.
        carry: what the policy remembers.
        action: (actions,) the last one.
    """

    key: jax.Array
    carry: Any
    action: jax.Array


# Each is one call: a step has 20 ms, and what JAX does outside takes milliseconds.
@partial(jax.jit, static_argnums=0)
def _begin(
    task: Task, policy: Policy, every: Any, place: int, seed: int
) -> tuple[TaskState, _Memory]:
    """The world at the beginning of one of the episodes."""
    key = jax.random.key(seed)
    state = task.reset(key, jax.tree.map(lambda x: x[place], every))
    return state, _Memory(key, policy.init(1), jnp.zeros(task.spec.actions))


@partial(jax.jit, static_argnums=0)
def _step(
    task: Task, policy: Policy, state: TaskState, memory: _Memory, acts: bool
) -> tuple[TaskState, _Memory]:
    """The world after one step."""
    key, own = jax.random.split(memory.key)
    seen = jax.tree.map(lambda x: x[None], state.obs)
    action, carry = policy.act(seen, memory.carry, own)
    action = jnp.where(acts, action[0], memory.action)
    return task.advance(state, action), _Memory(key, carry, action)


@partial(jax.jit, static_argnums=0)
def _shown(task: WatchedTask, state: TaskState) -> Shown:
    return task.shown(state)
