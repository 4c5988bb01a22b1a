"""Stepping and learning on four devices, against one."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from toys import Follow

from dexjax.errors import DexjaxError
from dexjax.learners.placement import WORLDS, worlds_mesh
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.networks.mlp_config import MlpConfig


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    """In a process of its own: JAX counts its devices once."""
    program = Path(__file__).with_name("four_devices.py")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_stepping_is_bit_identical(found):
    assert found["pmap"] == found["shard_map"] == 0.0
    assert found["moved"] > 0.01 and found["devices"] == 4


def test_the_whole_ppo_step_agrees(found):
    """Sums over worlds come in another order: nothing but float32 rounding."""
    assert found["learner_devices"] == 4 and found["learned"] > 0.1
    assert found["first_params"] < 1e-5 * found["learned"]
    assert found["params"] < 1e-5 * found["learned"]
    assert found["statistics"] < 1e-5 and found["qpos"] < 1e-5


def test_worlds_that_do_not_divide_are_refused():
    mesh = jax.sharding.AbstractMesh((3,), (WORLDS,))
    task, own = Follow(), MlpConfig((8,))
    networks = Networks(own.actor(task.spec), own.critic(task.spec))
    with pytest.raises(DexjaxError, match="16 worlds do not divide over 3 devices"):
        make_ppo(task, networks, PpoConfig(worlds=16), mesh)


@pytest.mark.parametrize("devices", [0, 1000])
def test_devices_that_are_not_there_are_refused(devices):
    line = f"{devices} devices: choose 1 to {len(jax.devices())}, as many as JAX has"
    with pytest.raises(DexjaxError, match=line):
        worlds_mesh(devices)
