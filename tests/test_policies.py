"""Trained policies: exported, read again, refused when they do not fit."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.learners.learner import Policy
from dexjax.learners.ppo import make_ppo
from dexjax.physics.choice import make_engine
from dexjax.runs import checkpoint, policies
from dexjax.runs.config import PRESETS
from dexjax.runs.policies import export_policy, load_config, load_policy
from dexjax.runs.training import identity
from dexjax.tasks.grasp import GraspTask

CONFIG = dataclasses.replace(
    PRESETS["smoke"],
    ppo=dataclasses.replace(PRESETS["smoke"].ppo, worlds=4, widths=(16, 8)),
    task=dataclasses.replace(PRESETS["smoke"].task, starts=2),
)


@pytest.fixture(scope="module")
def trained(mug_scene):
    """Learner and state of a training at its start, statistics made uneven."""
    task = GraspTask(make_engine(mug_scene, "native"), CONFIG.task)
    ppo = make_ppo(task, CONFIG.ppo)
    state = ppo.init(jax.random.key(3))
    statistics = state.policy.statistics
    mean = jax.random.normal(jax.random.key(4), statistics.mean.shape)
    policy = state.policy.replace(statistics=statistics.replace(mean=mean))
    return ppo, state.replace(policy=policy)


@pytest.fixture
def run(trained, tmp_path):
    """A run's folder as a training leaves it."""
    folder = tmp_path / "run"
    meta = identity(CONFIG) | {"object": "mug", "wall_s": 1.0}
    checkpoint.save(folder / "checkpoints", 7, trained[1], meta)
    plain = json.loads(json.dumps(dataclasses.asdict(CONFIG)))
    plain |= {"out": "/somewhere/run", "dexgraspnet": "/somewhere/data"}
    (folder / "config.yaml").write_text(yaml.safe_dump(plain))
    (folder / "summary.json").write_text('{"object": "mug"}')
    return folder


def test_it_acts_as_the_learner_does(run, trained):
    ppo, state = trained
    found = load_policy(run)
    assert found.step == 7
    assert found.config.ppo == CONFIG.ppo and found.config.task == CONFIG.task
    obs = jax.random.normal(jax.random.key(0), (5, 168))
    expected = ppo.act(state.policy, obs)
    np.testing.assert_array_equal(found.act(obs), expected)
    assert np.abs(expected).max() > 1e-3


def test_an_export_acts_alike_and_holds_no_more(run, trained, tmp_path):
    out = tmp_path / "policies" / "mug"
    export_policy(run, out)
    obs = jnp.ones((2, 168))
    np.testing.assert_array_equal(load_policy(out).act(obs), load_policy(run).act(obs))
    content = b"".join(f.read_bytes() for f in out.rglob("*") if f.is_file())
    assert b"/somewhere" not in content and str(tmp_path).encode() not in content
    index = json.loads(next(out.rglob("checkpoint.json")).read_text())
    assert all(layer.startswith("policy/") for layer in index["layers"])
    with pytest.raises(DexjaxError, match="is not empty"):
        export_policy(run, out)


@pytest.mark.parametrize("name", ["geometry-unaware", "full", "surface"])
@pytest.mark.parametrize("relative", [False, True])
def test_sizes_are_those_of_the_task(mug_scene, name, relative):
    config = dataclasses.replace(CONFIG.task, observation=name, relative=relative)
    task = GraspTask(make_engine(mug_scene, "native"), config)
    sizes = policies._sizes(dataclasses.replace(CONFIG, task=config), load_hand())
    assert sizes == (task.observation_size, task.action_size, 200)


def _edit(run, section, **changes):
    config = yaml.safe_load((run / "config.yaml").read_text())
    (config[section] if section else config).update(changes)
    (run / "config.yaml").write_text(yaml.safe_dump(config))


def test_another_hand_or_network_is_refused(run):
    meta = identity(CONFIG) | {"hand": "claw"}
    state = {"policy": load_policy(run).policy}
    checkpoint.save(run / "checkpoints", 8, state, meta)
    with pytest.raises(DexjaxError, match="has hand 'claw', this run wants 'shadow'"):
        load_policy(run)
    checkpoint.save(run / "checkpoints", 9, state, identity(CONFIG))
    assert load_policy(run).step == 9
    _edit(run, "ppo", widths=[16, 4])
    with pytest.raises(DexjaxError, match=r"Dense_1/bias: \(8,\) there, \(4,\) here"):
        load_policy(run)


def test_what_is_no_run_is_refused(run, tmp_path):
    with pytest.raises(DexjaxError, match="no run .*/nothing"):
        load_config(tmp_path / "nothing")
    with pytest.raises(DexjaxError, match="no config.yaml"):
        load_config(tmp_path)
    _edit(run, "task", colour="red")
    with pytest.raises(DexjaxError, match="task has the field 'colour'"):
        load_config(run)
    (run / "config.yaml").write_text("object: mug\n")
    with pytest.raises(DexjaxError, match="task is damaged"):
        load_config(run)


def test_a_relative_folder_serves_as_well(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    export_policy(Path("run"), Path("out"))
    assert load_policy(Path("out")).step == load_policy(run).step


def test_an_unfinished_run_is_not_exported(run, tmp_path):
    (run / "summary.json").unlink()
    with pytest.raises(DexjaxError, match="summary.json"):
        export_policy(run, tmp_path / "out")
    assert load_policy(run).step == 7


def test_a_part_of_a_checkpoint_is_restored_alone(tmp_path):
    tree = {"policy": {"w": jnp.arange(3.0)}, "worlds": jnp.zeros(100)}
    checkpoint.save(tmp_path, 1, tree, {})
    template = {"w": jax.ShapeDtypeStruct((3,), jnp.float32)}
    _, part, _ = checkpoint.restore(tmp_path, template, part="policy")
    np.testing.assert_array_equal(part["w"], [0, 1, 2])
    with pytest.raises(DexjaxError, match="layer actor/w: none there"):
        checkpoint.restore(tmp_path, template, part="actor")


def test_the_shipped_policy_can_be_read():
    folder = Path(__file__).resolve().parents[1] / "policies" / "mug"
    found = load_policy(folder)
    assert isinstance(found.policy, Policy) and found.config.object == "mug"
    assert found.act(jnp.zeros(168)).shape == (24,)
    files = (file for file in folder.rglob("*") if file.is_file())
    assert sum(file.stat().st_size for file in files) < 3e6
