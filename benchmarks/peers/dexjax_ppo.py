"""dexjax's PPO on the linear system.

    python dexjax_ppo.py '{"observation": 168, "actions": 24, "iterations": 8, ...}'

The options are the arguments of `main`; "ppo" has the fields of `PpoConfig`, "network"
those of `MlpConfig`.
"""

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
from channel import Channel
from linear_system import EPISODE_STEPS, advance, start

from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import TrainState, roll_out
from dexjax.learners.worlds import batched
from dexjax.networks.mlp_config import MlpConfig
from dexjax.spec import Observation, TaskSpec
from dexjax.tasks.task import BROKEN, EPISODES, RETURN, TaskState, restart_ended

STATE = "state"
ENDED = "ended"
REPORTED = (EPISODES, RETURN, BROKEN, ENDED)


class LinearTask:
    """The linear system as a task of one world; time-outs only, as in Brax's.

    A world's memory is its first state, to begin again from.
    """

    def __init__(self, observation: int, actions: int) -> None:
        """A system of that size."""
        self.spec = TaskSpec(
            (Observation(STATE, (observation,)),),
            actions,
            body="linear system",
            episode_steps=EPISODE_STEPS,
            outcomes=(ENDED,),
            success=ENDED,
        )

    def reset(self, key: jax.Array, episode: Any = None) -> TaskState:
        """See `Task.reset`."""
        first = start(key, self.spec.observations[0].size)
        no = jnp.zeros((), bool)
        return TaskState(
            physics=None,
            obs={STATE: first},
            reward=jnp.zeros(()),
            terminated=no,
            truncated=no,
            step=jnp.zeros((), jnp.int32),
            metrics=dict.fromkeys(REPORTED, jnp.zeros(())),
            memory=first,
        )

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.step`."""
        return restart_ended(self, self.advance(state, action))

    def advance(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.advance`."""
        x, reward = advance(state.obs[STATE], action)
        step = state.step + 1
        ended = step >= EPISODE_STEPS
        return state.replace(obs={STATE: x}, reward=reward, step=step, truncated=ended)

    def restart(self, state: TaskState) -> TaskState:
        """See `Task.restart`."""
        return state.replace(obs={STATE: state.memory}, step=jnp.zeros((), jnp.int32))


class Learner:
    """Times whole iterations, and their rollouts alone.

    Attributes:
        state: of the training.
    """

    def __init__(
        self, task: LinearTask, iterations: int, ppo: PpoConfig, network: MlpConfig
    ) -> None:
        """Compiles both.

        Args:
            task: to learn.
            iterations: in a round.
            ppo: choices of the learner.
            network: of actor and critic.
        """
        self.iterations = iterations
        networks = Networks(network.actor(task.spec), network.critic(task.spec))
        self._learner = make_ppo(task, networks, ppo)
        self.state = self._learner.init(jax.random.key(0))
        worlds = batched(task)

        @jax.jit
        def roll(state: TrainState, key: jax.Array) -> tuple[TrainState, Any]:
            after, carry, rolled, _ = roll_out(worlds, networks, ppo, state, key)
            return state.replace(worlds=after, carry=carry), rolled

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
        state = self.state
        for key in jax.random.split(jax.random.key(1), self.iterations):
            state, trajectory = self._roll(state, key)
        jax.block_until_ready((state, trajectory))
        rolled = time.perf_counter()
        return {
            "iteration_s": (trained - began) / self.iterations,
            "rollout_s": (rolled - trained) / self.iterations,
        }


def main(
    observation: int, actions: int, iterations: int, ppo: dict, network: dict
) -> None:
    """Answers every request with a round."""
    channel = Channel()
    task = LinearTask(observation, actions)
    config, sizes = PpoConfig(**_tuples(ppo)), MlpConfig(**_tuples(network))
    learner = Learner(task, iterations, config, sizes)
    channel.serve({"versions": {"jax": version("jax")}}, learner.measure)


def _tuples(told: dict) -> dict:
    """Fields as a configuration has them, from JSON."""
    return {name: tuple(x) if isinstance(x, list) else x for name, x in told.items()}


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
