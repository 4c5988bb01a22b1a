"""Tasks as Gymnasium environments, for learners of your own.

    import dexjax.gym

    envs = dexjax.gym.make_vec("grasp", objects="mug", num_envs=64)
    observations, _ = envs.reset(seed=0)
    observations, rewards, terminated, truncated, infos = envs.step(actions)

It needs Gymnasium: `pip install 'dexjax[gym]'`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.learners.worlds import batched
from dexjax.library import make
from dexjax.spec import POLICY, Observation
from dexjax.tasks.task import RETURN, Task, TaskState, where

try:
    from gymnasium.spaces import Box, Dict
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
except ImportError:
    raise DexjaxError("dexjax.gym needs Gymnasium: pip install 'dexjax[gym]'") from None

Arrays = dict[str, np.ndarray]


def make_vec(
    task: str,
    num_envs: int = 64,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    **choices: Any,
) -> "TaskVectorEnv":
    """Many worlds of a task as one Gymnasium environment.

    Args:
        task: one of `dexjax.tasks()`.
        num_envs: worlds.
        autoreset_mode: when a world begins its next episode, see `TaskVectorEnv`.
        **choices: as for `dexjax.make`: objects, sees, engine, seed, ….

    Raises:
        DexjaxError: for whatever does not exist or does not fit.
    """
    return TaskVectorEnv(make(task, **choices), num_envs, autoreset_mode)


class TaskVectorEnv(VectorEnv[Arrays, np.ndarray, np.ndarray]):
    """Worlds of a task, stepped together by the jitted task.

    An observation is a dict of arrays (num_envs, …): what a policy may see. An action
    is (num_envs, actions) in [-1, 1]. In the step that ends a world's episode, infos
    have its return and outcomes.

    With Gymnasium's `AutoresetMode.NEXT_STEP` that world begins its next episode in the
    step after, whose action and reward do not count. With `SAME_STEP` it does so at
    once: its last observation is in `infos["final_obs"]`, and what is said of the
    episode in `infos["final_info"]`.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ):
        """Compiles nothing yet.

        Args:
            task: of one world.
            num_envs: worlds.
            autoreset_mode: `NEXT_STEP` or `SAME_STEP`.

        Raises:
            DexjaxError: for fewer than one world, or another mode.
        """
        if num_envs < 1:
            raise DexjaxError(f"num_envs {num_envs}: give at least 1")
        names = [mode.value for mode in _STEPS]
        if autoreset_mode not in (*_STEPS, *names):
            raise DexjaxError(
                f"autoreset_mode {autoreset_mode!s}: choose from {', '.join(names)}"
            )
        self.task, self.num_envs = task, num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode}
        spec = task.spec
        self._names = seen = spec.sees(POLICY)
        self.single_observation_space = Dict(
            {own.name: _space(own) for own in spec.observations if own.name in seen}
        )
        self.single_action_space = Box(-1.0, 1.0, (spec.actions,))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._state: TaskState | None = None

    def reset(
        self,
        *,
        seed: int | Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[Arrays, dict[str, Any]]:
        """Begins an episode in every world.

        Args:
            seed: of the first world, the others count on from it; or one of each. The
                same seeds and actions give the same episodes, also after the first.
            options: none are known.

        Returns:
            Observations and an empty dict.

        Raises:
            DexjaxError: for options, or another number of seeds than worlds.
        """
        if options:
            raise DexjaxError(f"no options are known, but {', '.join(options)} given")
        seeds = self._seeds(seed)
        keys = jnp.stack([jax.random.key(own) for own in seeds])
        self._state = _reset(self.task, keys)
        return self._seen(self._state.obs), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[Arrays, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One control step of all worlds.

        Args:
            actions: (num_envs, actions), clipped to [-1, 1].

        Returns:
            Observations; rewards, terminated and truncated (num_envs,); infos.

        Raises:
            DexjaxError: before `reset`, or for actions of another shape.
        """
        if self._state is None:
            raise DexjaxError("call reset before step")
        actions = np.asarray(actions, np.float32)
        wanted = (self.num_envs, self.task.spec.actions)
        if actions.shape != wanted:
            raise DexjaxError(
                f"actions of shape {list(actions.shape)}: give {list(wanted)}"
            )
        step = _STEPS[self.autoreset_mode]
        last, self._state = step(self.task, self._state, actions)
        ended = np.asarray(last.done)
        infos = self._infos(last, ended) if ended.any() else {}
        return (
            self._seen(self._state.obs),
            np.asarray(last.reward, np.float64),
            np.array(last.terminated),
            np.array(last.truncated),
            infos,
        )

    def _seeds(self, seed: int | Sequence[int] | None) -> list[int]:
        """One for every world."""
        if seed is None:
            drawn = self.np_random.integers(2**31, size=self.num_envs)
            return [int(own) for own in drawn]
        if isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise DexjaxError(f"{len(seed)} seeds: give one, or {self.num_envs}")
        return [int(own) for own in seed]

    def _seen(self, obs: Mapping[str, jax.Array]) -> Arrays:
        """Copies of what a policy may see: a learner may keep and change them."""
        return {name: np.array(obs[name]) for name in self._names}

    def _infos(self, last: TaskState, ended: np.ndarray) -> dict[str, Any]:
        """What is said of worlds whose episode has ended."""
        told: dict[str, Any] = {}
        for name in (RETURN, *self.task.spec.outcomes):
            told[name] = np.array(last.metrics[name])
            told[f"_{name}"] = ended.copy()
        if self.autoreset_mode is AutoresetMode.NEXT_STEP:
            return told
        seen = self._seen(last.obs)
        final = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(ended):
            final[i] = {name: array[i] for name, array in seen.items()}
        return {
            "final_obs": final,
            "_final_obs": ended.copy(),
            "final_info": told,
            "_final_info": ended.copy(),
        }


def _space(observation: Observation) -> Box:
    """Any values of its shape and kind."""
    kind = np.dtype(observation.dtype)
    if kind == np.uint8:
        return Box(0, 255, observation.shape, np.uint8)
    return Box(-np.inf, np.inf, observation.shape, kind.type)


@partial(jax.jit, static_argnums=0)
def _reset(task: Task, keys: jax.Array) -> TaskState:
    return jax.vmap(task.reset)(keys)


@partial(jax.jit, static_argnums=0)
def _same_step(
    task: Task, state: TaskState, actions: jax.Array
) -> tuple[TaskState, TaskState]:
    """The worlds after the step, and with the next episode where one has ended."""
    worlds = batched(task)
    last = worlds.advance(state, actions)
    return last, worlds.restart(last)


@partial(jax.jit, static_argnums=0)
def _next_step(
    task: Task, state: TaskState, actions: jax.Array
) -> tuple[TaskState, TaskState]:
    """The worlds after the step; where an episode had ended, the next one's start."""
    worlds = batched(task)
    begun = worlds.restart(state)
    no = jnp.zeros(len(actions), bool)
    begun = begun.replace(
        reward=jnp.zeros_like(state.reward),
        terminated=no,
        truncated=no,
        metrics=jax.tree.map(jnp.zeros_like, state.metrics),
    )
    last = worlds.advance(state, actions)
    last = jax.vmap(where)(state.done, begun, last)
    return last, last


_STEPS = {
    AutoresetMode.NEXT_STEP: _next_step,
    AutoresetMode.SAME_STEP: _same_step,
}
