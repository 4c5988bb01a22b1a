"""Seconds of a call, of an iteration, and what all of them start from."""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax.learners.learner import Learner
from dexjax.learners.ppo.rollout import TrainState
from dexjax.systems.resdex.presets import preset

OBJECT = "mug"
NOW = preset("laptop")
WARM_UP = 5


class Measured(NamedTuple):
    """Of one call: seconds, and processor seconds of all threads."""

    wall_s: float
    cpu_s: float


def measure(call: Callable) -> Measured:
    """Until its result is there."""
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(call())
    return Measured(time.perf_counter() - wall, time.process_time() - cpu)


def warmed_up(learner: Learner) -> TrainState:
    """A state whose worlds have spread."""
    state = learner.init(jax.random.key(0))
    for _ in range(WARM_UP):
        state, _ = learner.train(state)
    return state


def measure_training(train: Callable, state: TrainState) -> Measured:
    """One iteration from a state, which stays as it is."""
    given_away = jax.block_until_ready(jax.tree.map(jnp.copy, state))
    return measure(lambda: train(given_away))
