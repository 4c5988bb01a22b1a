"""Brax's PPO on the linear system, with dexjax's choices as far as it has them.

    python brax_ppo.py '{"observation": 168, "actions": 24, "iterations": 8, ...}'

The options are the arguments of `main`; "ppo" has the fields of our `PpoConfig`,
"network" those of our `MlpConfig`.
Its `train` is used whole: it reports how fast each stretch between two (skipped)
evaluations went, and the callback that it reports to waits until the next is asked for.
"""

import functools
import json
import sys
import time
from importlib.metadata import version

import jax
import jax.numpy as jnp
from brax import envs
from brax.training import acting
from brax.training.agents.ppo import networks, train
from channel import Channel
from flax import linen
from linear_system import EPISODE_STEPS, advance, start

# What Brax's training step has its rollout keep beside the transitions.
KEPT = ("truncation", "episode_metrics", "episode_done")
# It compiles in the first stretch, and again when its own results come back to it.
WARM_UPS = 2


class LinearEnv(envs.Env):
    """The linear system as Brax's environment of one world."""

    backend = "none"
    observation_size = 0
    action_size = 0

    def __init__(self, observation_size: int, action_size: int) -> None:
        """A system of that size."""
        self.observation_size = observation_size
        self.action_size = action_size

    def reset(self, rng: jax.Array) -> envs.State:
        """Starts an episode."""
        zero = jnp.zeros(())
        return envs.State(None, start(rng, self.observation_size), zero, zero)

    def step(self, state: envs.State, action: jax.Array) -> envs.State:
        """One step; Brax's wrappers end episodes and begin them again."""
        x, reward = advance(state.obs, action)
        return state.replace(obs=x, reward=reward)


class Rounds:
    """What Brax calls back: times rollouts alone, answers, and waits."""

    def __init__(self, env: envs.Env, worlds: int, steps: int, iterations: int) -> None:
        """Starts the worlds whose rollouts are timed."""
        self._channel = Channel()
        self._env = envs.training.wrap(env, episode_length=EPISODE_STEPS)
        # Brax's wrappers know keys of the old style only.
        keys = jax.random.split(jax.random.PRNGKey(0), worlds)
        self._state = jax.jit(self._env.reset)(keys)
        self._samples, self._steps, self._iterations = worlds * steps, steps, iterations
        self._stretches = 0
        self._roll = None
        self._params = None

    def take_policy(self, _, make_policy, params) -> None:
        """Keeps the parameters that the next rollouts act with."""
        self._params = params
        if self._roll is not None:
            return

        @jax.jit
        def roll(params, state, key):
            return acting.generate_unroll(
                self._env, state, make_policy(params), key, self._steps, KEPT
            )

        self._roll = roll

    def report(self, _, metrics: dict) -> None:
        """Answers with the stretch that just ended, and waits for the next request."""
        if not jnp.isfinite(metrics["training/total_loss"]):
            sys.exit("the learner is not finite any more")
        self._stretches += 1
        rollout_s = self._rollout_seconds()
        if self._stretches < WARM_UPS:
            return
        if self._stretches == WARM_UPS:
            versions = {name: version(name) for name in ("brax", "jax")}
            self._channel.answer({"versions": versions})
        else:
            iteration_s = self._samples / metrics["training/sps"]
            self._channel.answer({"iteration_s": iteration_s, "rollout_s": rollout_s})
        self._channel.wait()

    def _rollout_seconds(self) -> float:
        state = self._state
        began = time.perf_counter()
        for key in jax.random.split(jax.random.PRNGKey(1), self._iterations):
            state, trajectory = self._roll(self._params, state, key)
        jax.block_until_ready((state, trajectory))
        return (time.perf_counter() - began) / self._iterations


def main(
    observation: int,
    actions: int,
    iterations: int,
    rounds: int,
    ppo: dict,
    network: dict,
) -> None:
    """Trains, a stretch of `iterations` for every round that is asked for."""
    config = ppo
    env = LinearEnv(observation, actions)
    worlds, steps = config["worlds"], config["steps"]
    callbacks = Rounds(env, worlds, steps, iterations)
    low, high = config["learning_rate_range"]
    train.train(
        env,
        num_timesteps=(rounds + WARM_UPS) * iterations * worlds * steps,
        num_evals=rounds + WARM_UPS + 1,
        run_evals=False,
        num_envs=worlds,
        episode_length=EPISODE_STEPS,
        unroll_length=steps,
        # In trajectories of `steps`, not in samples.
        batch_size=worlds // config["minibatches"],
        num_minibatches=config["minibatches"],
        num_updates_per_batch=config["epochs"],
        discounting=config["discount"],
        gae_lambda=config["gae_lambda"],
        reward_scaling=config["reward_scale"],
        clipping_epsilon=config["clip"],
        clipping_epsilon_value=config["clip"] if config["value_clip"] else None,
        vf_loss_coefficient=2.0 * config["value_scale"],
        entropy_cost=0.0,
        max_grad_norm=config["gradient_clip"],
        normalize_observations=config["normalise"],
        learning_rate=config["learning_rate"],
        learning_rate_schedule="ADAPTIVE_KL",
        desired_kl=config["desired_kl"],
        learning_rate_schedule_min_lr=low,
        learning_rate_schedule_max_lr=high,
        network_factory=functools.partial(
            networks.make_ppo_networks,
            policy_hidden_layer_sizes=network["widths"],
            value_hidden_layer_sizes=network["widths"],
            activation=linen.elu,
            distribution_type="normal",
            noise_std_type="log",
            init_noise_std=network["initial_std"],
        ),
        policy_params_fn=callbacks.take_policy,
        progress_fn=callbacks.report,
    )


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
