"""A training that does not fit is refused before it starts."""

import jax.numpy as jnp
import pytest

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner
from dexjax.runs import memory
from dexjax.runs.memory import check_memory
from dexjax.spec import CAMERA, Observation, TaskSpec

# 2 actions; 10 floats and an image of 100 bytes are seen.
SPEC = TaskSpec(
    (
        Observation("state", (10,)),
        Observation("image", (5, 5, 4), "uint8", CAMERA),
    ),
    actions=2,
    body="cart",
    episode_steps=5,
    outcomes=("done",),
    success="done",
)
WORLDS, STEPS = 1000, 8
# Twice a state of 1 kB a world; thrice a step of 10 floats, an image, and 10 floats of
# actions and values.
NEEDED = WORLDS * (2 * 1000 + 3 * STEPS * (40 + 100 + 4 * (3 * 2 + 4)))


def learner(worlds):
    """Its state is 1 kB per world."""
    return Learner(lambda key: jnp.zeros((worlds, 250)), None, None)


@pytest.mark.parametrize("devices", [1, 4])
def test_it_is_compared_with_what_is_there(monkeypatch, devices):
    def check(worlds, option="--ppo.worlds"):
        check_memory(learner(worlds), SPEC, worlds, STEPS, devices, option)

    monkeypatch.setattr(memory, "_available", lambda devices: devices * NEEDED)
    check(devices * WORLDS)
    with pytest.raises(DexjaxError, match=r"8 steps need .*: choose fewer \(--ppo"):
        check(devices * WORLDS + 1)
    # The option is that of the learner which is too large.
    with pytest.raises(DexjaxError, match=r"\(--dagger.worlds\)"):
        check(devices * WORLDS + 1, "--dagger.worlds")


def test_it_says_how_much_is_needed_and_there(monkeypatch):
    monkeypatch.setattr(memory, "_available", lambda devices: 10**9)
    with pytest.raises(DexjaxError, match="800,000 worlds .* 2 GB, there are 1 GB"):
        check_memory(learner(800_000), SPEC, 800_000, 1)


def test_this_machine_has_some_memory():
    assert 10**8 < memory._available(1) < 10**15
