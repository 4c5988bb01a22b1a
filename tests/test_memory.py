"""A training that does not fit is refused before it starts."""

import dataclasses
from types import SimpleNamespace

import jax.numpy as jnp
import pytest

from dexjax.errors import DexjaxError, main_guard
from dexjax.learners.ppo_config import PpoConfig
from dexjax.runs import memory

TASK = SimpleNamespace(observation_size=10, action_size=2)
CONFIG = PpoConfig(worlds=100, steps=8)


def learner(config):
    """Its state is 1 kB per world."""
    return SimpleNamespace(init=lambda key: jnp.zeros((config.worlds, 250)))


def test_what_is_needed_grows_with_the_worlds():
    assert memory._needed(learner(CONFIG), TASK, CONFIG) == (
        2 * 100 * 1000 + 3 * 100 * 8 * 30 * 4
    )


def test_it_is_compared_with_what_is_there(monkeypatch):
    monkeypatch.setattr(memory, "_available", lambda devices: devices * 10**9)
    many = dataclasses.replace(CONFIG, worlds=400_000)
    memory.check_memory(learner(CONFIG), TASK, CONFIG)
    memory.check_memory(learner(many), TASK, many, devices=4)
    with pytest.raises(DexjaxError, match="400,000 worlds of 8 steps need about 2 GB"):
        memory.check_memory(learner(many), TASK, many)


def test_this_machine_has_some_memory():
    assert 10**8 < memory._available(1) < 10**15


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory")]
)
def test_memory_that_runs_out_is_one_line(error, capsys):
    @main_guard
    def main():
        raise error

    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == "error: out of memory: choose fewer worlds\n"


def test_other_errors_of_the_runtime_are_not_hidden():
    @main_guard
    def main():
        raise RuntimeError("INTERNAL")

    with pytest.raises(RuntimeError, match="INTERNAL"):
        main()
