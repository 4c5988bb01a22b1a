"""Stepping and learning on four devices, against one."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.learners.placement import Placement, check_placement, place
from dexjax.systems.resdex.presets import preset


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float]]:
    """In a process of its own: JAX counts its devices once."""
    program = Path(__file__).with_name("four_devices.py")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_stepping_is_bit_identical(found):
    found = found["stepping"]
    assert found["pmap"] == found["shard_map"] == 0.0
    assert found["moved"] > 0.01 and found["devices"] == 4


@pytest.mark.parametrize(
    ("placement", "simulating", "learning"),
    [("together", 4, 4), ("3 + 1", 3, 1), ("2 + 2", 2, 2), ("3 + 1, cameras", 3, 1)],
)
def test_the_whole_ppo_step_agrees(found, placement, simulating, learning):
    """Sums over worlds come in another order: nothing but float32 rounding."""
    found = found[placement]
    assert found["simulating"] == simulating and found["learning"] == learning
    assert found["learned"] > 0.1
    assert found["first_params"] < 1e-5 * found["learned"]
    assert found["params"] < 1e-5 * found["learned"]
    assert found["statistics"] < 1e-5 and found["qpos"] < 1e-5


def test_worlds_that_do_not_divide_are_refused():
    three = Meshes(np.array(["a", "b", "c"]))
    with pytest.raises(DexjaxError, match="16 worlds do not divide over 3 devices"):
        check_placement(Placement(three, three), 16)


class Meshes(NamedTuple):
    """As much of a mesh as is looked at."""

    devices: np.ndarray

    @property
    def size(self):
        return self.devices.size


def test_meshes_that_overlap_in_part_are_refused():
    one, other = Meshes(np.array(["a", "b", "c"])), Meshes(np.array(["c", "d"]))
    with pytest.raises(DexjaxError, match="1 devices both simulate and learn"):
        check_placement(Placement(one, other), 6)
    assert Placement(one, one).together and not Placement(one, other).together


@pytest.mark.parametrize("devices", [0, 1000])
def test_devices_that_are_not_there_are_refused(devices):
    line = f"{devices} devices: choose 1 to {len(jax.devices())}, as many as JAX has"
    with pytest.raises(DexjaxError, match=line):
        place(devices)


def test_somebody_has_to_simulate():
    with pytest.raises(DexjaxError, match="1 learners of 1 devices"):
        place(1, 1)
    with pytest.raises(DexjaxError, match="learners is 2, must be below devices = 2"):
        dataclasses.replace(preset("smoke"), devices=2, learners=2).check()
