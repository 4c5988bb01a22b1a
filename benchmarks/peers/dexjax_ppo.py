"""dexjax's PPO on the linear system.

python dexjax_ppo.py '{"observation": 168, "actions": 24, "iterations": 8,
    "ppo": {"worlds": 512, ...}}'
"""

import json
import sys
import time
from importlib.metadata import version
from typing import NamedTuple

import jax
import jax.numpy as jnp
from channel import Channel
from linear_system import EPISODE_STEPS, advance, start

from dexjax.learners import ppo
from dexjax.learners.learner import COUNTS, EPISODE_METRICS
from dexjax.learners.ppo_config import PpoConfig
from dexjax.networks.actor_critic import ActorCritic
from dexjax.tasks.task import TaskState

REPORTED = (*EPISODE_METRICS, *COUNTS)


class Memory(NamedTuple):
    """What a world keeps: its first state, to begin again from, and its clock."""

    first: jax.Array
    step: jax.Array


class LinearTask:
    """The linear system as a task of one world; time-outs only, as in Brax's."""

    episode_steps = EPISODE_STEPS

    def __init__(self, observation_size: int, action_size: int) -> None:
        """A system of that size."""
        self.observation_size = observation_size
        self.action_size = action_size

    def reset(self, key: jax.Array) -> TaskState:
        """Starts an episode."""
        x = start(key, self.observation_size)
        memory = Memory(x, jnp.zeros((), jnp.int32))
        return self._state(x, x, jnp.zeros(()), jnp.zeros((), bool), memory)

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """One step; where the episode ends, the next one is begun."""
        x, reward = advance(state.obs, action)
        first, step = state.memory.first, state.memory.step + 1
        ended = step >= self.episode_steps
        memory = Memory(first, jnp.where(ended, 0, step))
        return self._state(jnp.where(ended, first, x), x, reward, ended, memory)

    def _state(self, obs, final_obs, reward, ended, memory) -> TaskState:
        return TaskState(
            physics=None,
            obs=obs,
            final_obs=final_obs,
            reward=reward,
            terminated=jnp.zeros((), bool),
            truncated=ended,
            metrics=dict.fromkeys(REPORTED, jnp.zeros(())),
            memory=memory,
        )


class Learner:
    """Times whole iterations, and their rollouts alone.

    Attributes:
        state: of the training.
    """

    def __init__(
        self, observation: int, actions: int, iterations: int, config: PpoConfig
    ) -> None:
        """Compiles both.

        Args:
            observation: features of an observation.
            actions: components of an action.
            iterations: in a round.
            config: choices of the learner.
        """
        self.iterations = iterations
        task = LinearTask(observation, actions)
        step = jax.vmap(task.step)
        network = ActorCritic(actions, config.widths, config.initial_std)
        self._learner = ppo.make_ppo(task, config)
        self.state = self._learner.init(jax.random.key(0))

        @jax.jit
        def roll(policy, worlds, key):
            return ppo._rollout(step, config, network, policy, worlds, key)

        self._roll = roll
        self.measure()

    def measure(self) -> dict:
        """One round: {iteration_s, rollout_s}, means over its iterations."""
        began = time.perf_counter()
        for _ in range(self.iterations):
            self.state, metrics = self._learner.train(self.state)
        jax.block_until_ready(self.state)
        trained = time.perf_counter()
        if not jnp.isfinite(metrics["value"]):
            sys.exit("the learner is not finite any more")
        worlds = self.state.worlds
        for key in jax.random.split(jax.random.key(1), self.iterations):
            worlds, trajectory, _ = self._roll(self.state.policy, worlds, key)
        jax.block_until_ready((worlds, trajectory))
        rolled = time.perf_counter()
        return {
            "iteration_s": (trained - began) / self.iterations,
            "rollout_s": (rolled - trained) / self.iterations,
        }


def main(observation: int, actions: int, iterations: int, ppo_config: dict) -> None:
    """Answers every request with a round."""
    channel = Channel()
    lists = {n: tuple(x) for n, x in ppo_config.items() if isinstance(x, list)}
    config = PpoConfig(**ppo_config | lists)
    learner = Learner(observation, actions, iterations, config)
    channel.serve({"versions": {"jax": version("jax")}}, learner.measure)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
