"""What the rows of an iteration's benchmark are called, and what they undo."""

import dataclasses
import importlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.learners import worlds
from dexjax.learners.ppo import rollout as ppo_rollout

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def changes(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("ppo_iteration.changes")


def test_names_of_changes_are_those_of_the_configuration(changes):
    now, other = changes.NOW.ppo, changes.CHANGES[changes.EPOCHS][0].ppo
    for config in (now, other):
        assert f"{config.epochs}" in changes.EPOCHS
        assert f"{config.minibatches}" in changes.EPOCHS
    assert dataclasses.replace(other, epochs=now.epochs) == now != other


def test_ends_of_all_worlds_are_the_same_as_of_few(changes):
    ended = jnp.arange(40) == 7
    arrays = jnp.arange(40.0)

    def ends():
        return np.asarray(
            jax.jit(lambda: worlds.for_ended(jnp.square, ended, arrays, arrays))()
        )

    few = ends()
    plain = worlds.for_ended
    with changes.ends_of_all():
        assert worlds.for_ended is not plain
        assert ppo_rollout.for_ended is worlds.for_ended
        np.testing.assert_array_equal(ends(), few)
    assert worlds.for_ended is plain
    assert few[7] == 49.0 and few[8] == 8.0
