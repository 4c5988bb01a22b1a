"""What each change took off an iteration: whole ones with it undone.

Or done, for what was tried and not taken.
"""

import contextlib
import dataclasses
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
from throughput import make_task

from dexjax.learners import worlds
from dexjax.learners.ppo import learner as ppo
from dexjax.learners.ppo import rollout as ppo_rollout
from dexjax.learners.ppo.rollout import TrainState
from dexjax.physics.host_call import HostFunction
from dexjax.runs.launch import ppo_learner
from dexjax.runs.run import PpoRun
from dexjax.tasks.task import where
from ppo_iteration.timing import NOW, OBJECT, measure_training, warmed_up


@contextlib.contextmanager
def callbacks() -> Iterator[None]:
    """Calls to the host as `jax.pure_callback` makes them, with copies."""

    def call(self: HostFunction, outputs, *inputs):
        return self._through_callback(outputs)(*inputs)

    with mock.patch.object(HostFunction, "__call__", call):
        yield


@contextlib.contextmanager
def critic_asked_again() -> Iterator[None]:
    """Values of all observations after the rollout."""
    kept = ppo.make_batch

    def batch(networks, config, state, trajectory, last_obs):
        seen = ppo_rollout.seen_by(networks, config, state.statistics, trajectory.obs)
        value = networks.critic.apply(state.params.critic, seen)
        trajectory = trajectory._replace(value=value)
        return kept(networks, config, state, trajectory, last_obs)

    with mock.patch.object(ppo, "make_batch", batch):
        yield


@contextlib.contextmanager
def ends_of_all() -> Iterator[None]:
    """What an episode's end needs is computed for all worlds in every step."""

    def for_all(function, ended, inputs, otherwise):
        return jax.vmap(where)(ended, function(inputs), otherwise)

    with (
        mock.patch.object(worlds, "for_ended", for_all),
        mock.patch.object(ppo_rollout, "for_ended", for_all),
    ):
        yield


@contextlib.contextmanager
def half_precision() -> Iterator[None]:
    """Networks that compute in bfloat16, their parameters in float32."""
    dense = partial(nn.Dense, dtype=jnp.bfloat16)
    with mock.patch.object(nn, "Dense", dense):
        yield


def with_epochs(run: PpoRun, epochs: int) -> PpoRun:
    """The run with another number of passes over an iteration's data."""
    return dataclasses.replace(run, ppo=dataclasses.replace(run.ppo, epochs=epochs))


TWICE = with_epochs(NOW, 2 * NOW.ppo.epochs)
EPOCHS = (
    f"{NOW.ppo.epochs} epochs of {NOW.ppo.minibatches} minibatches, "
    f"not {TWICE.ppo.epochs} of {TWICE.ppo.minibatches}"
)
# Name -> (the run, what is undone or tried, whether it was taken).
CHANGES = {
    "host calls without copies": (NOW, callbacks, True),
    "values kept from the rollout": (NOW, critic_asked_again, True),
    "ends of episodes computed for the worlds that have them": (NOW, ends_of_all, True),
    EPOCHS: (TWICE, contextlib.nullcontext, True),
    "networks in bfloat16": (NOW, half_precision, False),
}


def change_rows(rounds: int) -> list[dict]:
    """Whole iterations with each change undone or done, against the present ones.

    All from one state, so that the physics has the same to do.
    """
    present = Altered(NOW, contextlib.nullcontext)
    state = warmed_up(present.learner)
    learners = {
        name: Altered(run, altered) for name, (run, altered, _) in CHANGES.items()
    }
    now: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in learners}
    for learner in (present, *learners.values()):
        with learner.altered():  # Compiled now, with what is altered.
            learner.iterate(state)
    for _ in range(rounds):
        now.append(present.iterate(state))
        for name, learner in learners.items():
            found[name].append(learner.iterate(state))
    return [_change(name, now, found[name]) for name in learners]


class Altered:
    """A learner with something altered; its task lives as long."""

    def __init__(self, run: PpoRun, altered: Callable) -> None:
        """Makes it, with a task of its own: nothing traced is shared with another."""
        self.task = make_task("native", OBJECT)
        self.learner = ppo_learner(run)(self.task, None)
        self.altered = altered

    def iterate(self, state: TrainState) -> float:
        """Seconds of one iteration."""
        return measure_training(self.learner.train, state).wall_s


def _change(name: str, now: list[float], altered: list[float]) -> dict:
    taken = CHANGES[name][2]
    ratios = [b / a for a, b in zip(now, altered, strict=True)]
    seconds, other = statistics.median(now), statistics.median(altered)
    before, after = (other, seconds) if taken else (seconds, other)
    return {
        "kind": "change",
        "what": name,
        "taken": taken,
        "before_s": round(before, 4),
        "after_s": round(after, 4),
        "ratio": round(statistics.median(ratios), 3),
    }
