"""PPO whose simulators and learner are different devices, step by step.

In every control step the worlds' devices send what the networks see, and the learner's
send actions back: on-policy, and no weight ever leaves the learner (End-to-end RL
Improves Dexterous Grasping Policies, 2025). What is learned is the same as on one
device.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding

from dexjax.learners.learner import summarise
from dexjax.learners.placement import Placement, split, whole
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import (
    TrainState,
    happened,
    say,
    seen_names,
    step_worlds,
)
from dexjax.learners.ppo.update import learn
from dexjax.learners.unroll import forget
from dexjax.learners.worlds import batched
from dexjax.tasks.task import Task


def across(tree: Any, there: NamedSharding) -> Any:
    """Sends arrays to other devices: all that ever passes between the two meshes."""
    return jax.device_put(tree, there)


class Lockstep:
    """A learner on disjoint meshes; see `Learner`."""

    def __init__(
        self,
        task: Task,
        networks: Networks,
        config: PpoConfig,
        placement: Placement,
        init: Callable[[jax.Array], TrainState],
    ):
        """Compiles nothing yet.

        Args:
            task: written for one world.
            networks: that are trained.
            config: choices of the learner.
            placement: of disjoint meshes.
            init: key -> state.
        """
        self._placement, self._config = placement, config
        self._sees = sorted(seen_names(networks))
        simulate, learner = placement
        # What is not asked for is not computed: no device holds what is not its own.
        self._worlds = jax.jit(
            lambda key: init(key).worlds, out_shardings=split(simulate)
        )
        self._rest = jax.jit(
            lambda key: init(key).replace(worlds=None), out_shardings=whole(learner)
        )
        worlds = batched(task, simulate)
        step = partial(step_worlds, worlds, networks)
        self._step = jax.jit(
            step,
            in_shardings=(split(simulate), split(simulate)),
            out_shardings=split(simulate),
            donate_argnums=0,
        )
        self._say = jax.jit(partial(say, networks, config))
        self._happened = jax.jit(partial(_kept, networks, config))
        self._learn = jax.jit(
            partial(_learned, networks, config), out_shardings=whole(learner)
        )
        spec = task.spec
        self._summarise = jax.jit(lambda metrics: summarise(_stacked(metrics), spec))

    def init(self, key: jax.Array) -> TrainState:
        """See `Learner`; the worlds on their devices, all else on the others."""
        return self._rest(key).replace(worlds=self._worlds(key))

    def _placed(self, state: TrainState) -> TrainState:
        simulate, learner = self._placement
        rest = across(state.replace(worlds=None, carry=None), whole(learner))
        return rest.replace(
            worlds=across(state.worlds, split(simulate)),
            carry=across(state.carry, split(learner)),
        )

    def train(self, state: TrainState) -> tuple[TrainState, dict[str, jax.Array]]:
        """See `Learner`."""
        # A checkpoint gives its arrays back on one device.
        state = self._placed(state)
        simulate, learner = self._placement
        known = state.params, state.statistics
        key, rollout_key, update_key = jax.random.split(state.key, 3)
        worlds, carry = state.worlds, state.carry
        seen = {name: worlds.obs[name] for name in self._sees}
        obs = across(seen, split(learner))
        transitions, metrics = [], []
        for each in jax.random.split(rollout_key, self._config.steps):
            said, carry = self._say(*known, obs, carry, each)
            action = across(said.action, split(simulate))
            worlds, told, measured = self._step(worlds, action)
            told = across(told, split(learner))
            transition, carry = self._happened(*known, said, told, carry)
            transitions.append(transition)
            metrics.append(measured)
            obs = told.obs
        # The state before the rollout: an actor with a memory begins there.
        rest = state.replace(worlds=None)
        learned, losses = self._learn(rest, transitions, obs, update_key)
        state = learned.replace(worlds=worlds, carry=carry, key=key)
        return state, self._summarise(metrics) | losses


def _stacked(trees: list) -> Any:
    """Trees of one shape as one, step by step."""
    return jax.tree.map(lambda *x: jnp.stack(x), *trees)


def _kept(networks: Networks, config: PpoConfig, params, statistics, said, told, carry):
    """What a learner keeps of a step, and the carry for the next one."""
    transition = happened(networks, config, params, statistics, said, told)
    return transition, forget(networks.actor, carry, transition.done)


def _learned(networks: Networks, config: PpoConfig, state, transitions, obs, key):
    """See `update.learn`."""
    return learn(networks, config, state, _stacked(transitions), obs, key)
