"""Benchmarks against other systems: arithmetic, processes, and equal problems."""

import dataclasses
import importlib
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.networks.mlp_config import MlpConfig
from dexjax.physics.choice import make_engine
from dexjax.systems.resdex.presets import preset
from dexjax.tasks.grasp import GraspTask

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
WORKERS = BENCHMARKS / "peers"


def _load(name):
    """Imports a script, which finds its neighbours as if it had been started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(WORKERS))
        patch.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module(name)


peers, ppo, environments = _load("peers"), _load("ppo"), _load("environments.peers")


def test_ratios_are_medians_of_pairs():
    """The machine was slow in the second round: for both."""
    rounds = [
        ((900, 3600), (90, 450)),
        ((300, 1200), (20, 100)),
        ((900, 3600), (100, 500)),
    ]
    pairs = [tuple(peers.Rate(*rate) for rate in pair) for pair in rounds]
    assert peers.figures(pairs) == {
        "control_steps_per_s": 90,
        "our_control_steps_per_s": 900,
        "physics_steps_per_s": 450,
        "our_physics_steps_per_s": 3600,
        "ratio_control": 10.0,
        "ratio_physics": 8.0,
    }


class Playground:
    """A worker that measured the same in every round."""

    about = {"substeps": 5, "versions": {"jax": "0.9.2"}}

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def measure(self):
        return {"control_steps_per_s": 500.0}


def test_row_of_a_peer_holds_what_the_table_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "environment", lambda *_: Path("python"))
    monkeypatch.setattr(peers, "Worker", Playground)
    ours = lambda: peers.Rate(10_000.0, 40_000.0)  # noqa: E731
    row = peers.compare(peers.PEERS[0], ours, 2, tmp_path, tmp_path / "log")
    assert (row["ratio_control"], row["ratio_physics"]) == (20.0, 16.0)
    assert (row["physics_steps_per_s"], row["substeps"], row["worlds"]) == (
        2500,
        5,
        128,
    )
    assert {"system", "differs", "commit", "date", "device", "versions"} <= row.keys()
    assert row["their_versions"] == {"jax": "0.9.2"}


def test_update_is_what_is_left_of_an_iteration():
    measured = {
        ppo.OURS: [ppo.Times(0.2, 0.3), ppo.Times(0.4, 0.5)],
        ppo.BRAX: [ppo.Times(0.3, 0.45), ppo.Times(0.6, 0.75)],
        ppo.OURS_ON_BRAX_JAX: [ppo.Times(0.25, 0.3), ppo.Times(0.5, 0.5)],
    }
    rows = {row["system"]: row for row in ppo.make_rows(measured)}
    times = ppo.times({"iteration_s": 0.5, "rollout_s": 0.1})
    np.testing.assert_allclose(times, (0.4, 0.5))
    assert rows[ppo.OURS]["ratio"] == 1.0
    assert rows[ppo.BRAX]["ratio"] == 1.5
    assert rows[ppo.BRAX]["ratio_iteration"] == 1.5
    assert rows[ppo.BRAX]["ratio_same_jax"] == 1.2
    assert rows[ppo.BRAX]["update_s"] == 0.45
    assert rows[ppo.OURS_ON_BRAX_JAX]["iteration_s"] == 0.4


ECHO = f"""
import json, sys
sys.path.insert(0, {str(WORKERS)!r})
print("what a library says when it is imported")
from channel import Channel
channel = Channel()
print("a library's greeting")
options = json.loads(sys.argv[1])
def measure():
    print("noise")
    options["rounds"] += 1
    if options["rounds"] == 3:
        raise RuntimeError("out of luck")
    return options
channel.serve({{"ready": True}}, measure)
"""


@pytest.fixture
def echo(tmp_path):
    script = tmp_path / "echo.py"
    script.write_text(ECHO)
    log = tmp_path / "log"
    with environments.Worker(sys.executable, script, {"rounds": 0}, log) as worker:
        yield worker


def test_worker_answers_when_asked(echo):
    assert echo.about == {"ready": True}
    assert [echo.measure()["rounds"] for _ in range(2)] == [1, 2]


def test_worker_says_why_it_failed(echo):
    echo.measure(), echo.measure()
    for _ in range(2):
        with pytest.raises(DexjaxError, match=r"echo.py failed: .*out of luck"):
            echo.measure()


@pytest.fixture
def commands(monkeypatch):
    """What would have been run to make an environment; each command succeeds."""
    ran = []

    def run(command, **_):
        ran.append(command)
        if "venv" in command:
            home = Path(command[-1])
            home.mkdir(parents=True, exist_ok=True)
            (home / "pyvenv.cfg").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(environments.subprocess, "run", run)
    return ran


def test_environment_is_made_once_for_its_requirements(tmp_path, commands):
    python = environments.environment("brax", tmp_path)
    assert python == tmp_path / "brax" / "bin" / "python"
    assert len(commands) == 2
    assert commands[1][0] == str(python)
    assert commands[1][-1] == str(WORKERS / "brax.txt")
    environments.environment("brax", tmp_path)
    assert len(commands) == 2
    (tmp_path / "brax" / "ready").write_text("of older requirements")
    environments.environment("brax", tmp_path)
    assert len(commands) == 4


def test_environment_that_cannot_be_made_is_no_environment(tmp_path, monkeypatch):
    def run(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: no space\n")

    monkeypatch.setattr(environments.subprocess, "run", run)
    with pytest.raises(DexjaxError, match="environment of brax: ERROR: no space$"):
        environments.environment("brax", tmp_path)
    assert not (tmp_path / "brax" / "ready").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path, commands):
    treasure = tmp_path / "brax" / "treasure"
    treasure.parent.mkdir()
    treasure.write_text("gold")
    with pytest.raises(DexjaxError, match="is no virtual environment"):
        environments.environment("brax", tmp_path)
    assert treasure.read_text() == "gold"
    assert not commands


@pytest.mark.parametrize("name", ["brax", "playground", "gymnasium-robotics"])
def test_requirements_are_pinned(name):
    lines = (WORKERS / f"{name}.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted
    for line in wanted:
        assert re.fullmatch(r"[\w.-]+==[\w.+]+", line), line


def test_workers_and_requirements_of_the_peers_exist():
    for peer in peers.PEERS:
        assert (WORKERS / peer.script).exists()
        assert (WORKERS / f"{peer.environment}.txt").exists()


def test_sizes_are_those_of_the_laptop_task(box_scene):
    config = dataclasses.replace(preset("laptop").task, starts=1)
    spec = GraspTask(make_engine(box_scene, "native"), config).spec
    seen = sum(spec.observation(name).size for name in spec.sees("policy"))
    assert (ppo.OBSERVATION, ppo.ACTIONS) == (seen, spec.actions)


def test_linear_system_against_numpy():
    advance = _load("linear_system").advance
    rng = np.random.default_rng(0)
    x, action = rng.normal(size=7), rng.normal(size=3)
    push = np.vstack([np.eye(3)] * 3)[:7]
    expected = 0.95 * x + 0.05 * push @ action
    after, reward = advance(jnp.asarray(x), jnp.asarray(action))
    np.testing.assert_allclose(after, expected, atol=1e-6)
    np.testing.assert_allclose(reward, -(expected**2).mean(), atol=1e-6)


def test_both_learners_see_the_same_system():
    """Over the end of an episode, in the wrappers that Brax trains in."""
    ours, theirs = _load("dexjax_ppo"), _load("brax_ppo")
    worlds, size = 2, 5
    task, env = ours.LinearTask(size, 3), theirs.LinearEnv(size, 3)
    env = theirs.envs.training.wrap(env, episode_length=ours.EPISODE_STEPS)
    keys = jax.random.split(jax.random.PRNGKey(0), worlds)
    shape = (ours.EPISODE_STEPS + 3, worlds, 3)
    actions = jax.random.normal(jax.random.key(1), shape)

    def our_step(state, action):
        state = jax.vmap(task.step)(state, action)
        (x,) = state.obs.values()
        return state, (x, state.reward, state.truncated, state.terminated)

    def their_step(state, action):
        state = env.step(state, action)
        cut = state.info["truncation"]
        return state, (state.obs, state.reward, cut, state.done - cut)

    mine = jax.jit(lambda: jax.lax.scan(our_step, jax.vmap(task.reset)(keys), actions))
    brax = jax.jit(lambda: jax.lax.scan(their_step, env.reset(keys), actions))
    for a, b in zip(mine()[1], brax()[1], strict=True):
        np.testing.assert_allclose(np.asarray(a, float), b, atol=1e-6)
    assert mine()[1][2].sum() == worlds


def test_our_learner_is_timed_in_parts():
    worker = _load("dexjax_ppo")
    config = dataclasses.replace(preset("smoke").ppo, worlds=8)
    task, network = worker.LinearTask(6, 2), MlpConfig(widths=(16,))
    learner = worker.Learner(task, iterations=2, ppo=config, network=network)
    before = learner.state.env_steps.item()
    answer = learner.measure()
    assert learner.state.env_steps - before == 2 * config.worlds * config.steps
    assert answer["rollout_s"] > 0
    assert answer["iteration_s"] > 0
