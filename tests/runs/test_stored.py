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
from dexjax.physics.choice import make_engine
from dexjax.runs.launch import ppo_learner
from dexjax.runs.storage import checkpoint
from dexjax.runs.stored import export_policy, load_stored, policy_meta, read_run
from dexjax.shipped import shipped
from dexjax.systems.resdex.presets import PRESETS
from dexjax.tasks.grasp import GraspTask

SMOKE = PRESETS["smoke"]
RUN = dataclasses.replace(
    SMOKE,
    ppo=dataclasses.replace(SMOKE.ppo, worlds=4),
    network=dataclasses.replace(SMOKE.network, widths=(16, 8)),
    task=dataclasses.replace(SMOKE.task, starts=2),
)


@pytest.fixture(scope="module")
def trained(mug_scene):
    """Learner and state of a training at its start, statistics made uneven."""
    task = GraspTask(make_engine(mug_scene, "native"), RUN.task)
    ppo = ppo_learner(RUN)(task, None)
    state = ppo.init(jax.random.key(3))
    mean = {
        name: jax.random.normal(jax.random.key(i), x.shape)
        for i, (name, x) in enumerate(state.statistics.mean.items())
    }
    return ppo, state.replace(statistics=state.statistics.replace(mean=mean))


@pytest.fixture
def run(trained, tmp_path):
    """A run's folder as a training leaves it."""
    ppo, state = trained
    folder = tmp_path / "run"
    policy = ppo.policy(state)
    tree = {"policy": policy, "state": state}
    meta = policy_meta(policy) | {"object": "mug", "wall_s": 1.0}
    checkpoint.save(folder / "checkpoints", 7, tree, meta)
    plain = json.loads(json.dumps(dataclasses.asdict(RUN), default=str))
    plain["out"] = "/somewhere/run"
    plain["scene"]["dexgraspnet"] = "/somewhere/data"
    (folder / "config.yaml").write_text(yaml.safe_dump(plain))
    (folder / "summary.json").write_text('{"object": "mug"}')
    return folder


def seen(policy, count=5):
    """Observations (count, …) of what a policy sees."""
    return {
        own.name: jax.random.normal(jax.random.key(i), (count, *own.shape))
        for i, own in enumerate(policy.spec.observations)
    }


def acts(policy, obs):
    count = len(next(iter(obs.values())))
    return policy.act(obs, policy.init(count))[0]


def test_it_acts_as_the_learner_does(run, trained):
    ppo, state = trained
    found, own = load_stored(run), ppo.policy(state)
    assert found.step == 7 and found.spec == own.spec
    assert found.run.scene.object == "mug" and found.run.task == RUN.task
    expected = acts(own, seen(own))
    np.testing.assert_array_equal(acts(found, seen(own)), expected)
    assert np.abs(expected).max() > 1e-3


def test_an_export_acts_alike_and_holds_no_more(run, tmp_path):
    out = tmp_path / "policies" / "mug"
    export_policy(run, out)
    before, after = load_stored(run), load_stored(out)
    obs = seen(before)
    np.testing.assert_array_equal(acts(after, obs), acts(before, obs))
    content = b"".join(f.read_bytes() for f in out.rglob("*") if f.is_file())
    assert b"/somewhere" not in content and str(tmp_path).encode() not in content
    index = json.loads(next(out.rglob("checkpoint.json")).read_text())
    assert all(layer.startswith("policy/") for layer in index["layers"])
    with pytest.raises(DexjaxError, match="is not empty"):
        export_policy(run, out)


def _edit(run, section, **changes):
    config = yaml.safe_load((run / "config.yaml").read_text())
    (config[section] if section else config).update(changes)
    (run / "config.yaml").write_text(yaml.safe_dump(config))


def _save_again(run, step, **changes):
    """A later checkpoint of the same arrays with another description."""
    stored = load_stored(run)
    meta = policy_meta(stored.policy)
    tree = {"policy": stored.policy}
    checkpoint.save(
        run / "checkpoints", step, tree, {"policy": meta["policy"] | changes}
    )


def test_a_description_that_does_not_fit_is_refused(run):
    _save_again(run, 8, widths=[16, 4])
    with pytest.raises(DexjaxError, match=r"is of another network: .*\(8,\) there, "):
        load_stored(run)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "oracle"}, "policy kind 'oracle': this dexjax has mlp, mixture"),
        ({"spec": None}, "description of a mlp policy is damaged"),
        ({"widths": ["wide"]}, "description of a mlp policy is damaged"),
    ],
)
def test_a_damaged_description_is_one_line(run, changes, said):
    _save_again(run, 8, **changes)
    with pytest.raises(DexjaxError, match=said) as error:
        load_stored(run)
    assert "\n" not in str(error.value)


def test_a_checkpoint_without_a_policy_is_named(run):
    checkpoint.save(run / "checkpoints", 8, {"w": jnp.zeros(1)}, {"hand": "shadow"})
    with pytest.raises(DexjaxError, match="holds no policy that this dexjax can read"):
        load_stored(run)


def test_what_is_no_run_is_refused(run, tmp_path):
    with pytest.raises(DexjaxError, match="no run .*/nothing"):
        read_run(tmp_path / "nothing")
    with pytest.raises(DexjaxError, match="no config.yaml"):
        read_run(tmp_path)
    _edit(run, "scene", size="small")
    with pytest.raises(DexjaxError, match="scene: size is 'small', must be of type"):
        read_run(run)
    _edit(run, "scene", size=None, engine="bullet")
    with pytest.raises(DexjaxError, match="engine 'bullet': choose from"):
        read_run(run)
    _edit(run, "task", colour="red")
    with pytest.raises(DexjaxError, match="task has the field 'colour'"):
        read_run(run)
    (run / "config.yaml").write_text("object: mug\n")
    with pytest.raises(DexjaxError, match="scene is damaged"):
        read_run(run)


def test_a_relative_folder_and_a_home_serve_as_well(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    export_policy(Path("~/run"), Path("out"))
    assert load_stored(Path("out")).step == load_stored("~/run").step == 7


def test_an_unfinished_run_is_not_exported(run, tmp_path):
    (run / "summary.json").unlink()
    with pytest.raises(DexjaxError, match="summary.json"):
        export_policy(run, tmp_path / "out")
    assert load_stored(run).step == 7 and not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_falls_back(run, capsys):
    _save_again(run, 8)
    next((run / "checkpoints" / "0000000008").rglob("d/*")).write_bytes(b"")
    assert load_stored(run).step == 7
    assert "0000000008 is damaged" in capsys.readouterr().err


def test_a_part_of_a_checkpoint_is_restored_alone(tmp_path):
    tree = {"policy": {"w": jnp.arange(3.0)}, "worlds": jnp.zeros(100)}
    checkpoint.save(tmp_path, 1, tree, {})
    template = {"w": jax.ShapeDtypeStruct((3,), jnp.float32)}
    _, part, _ = checkpoint.restore(tmp_path, template, part="policy")
    np.testing.assert_array_equal(part["w"], [0, 1, 2])
    with pytest.raises(DexjaxError, match="layer actor/w: none there"):
        checkpoint.restore(tmp_path, template, part="actor")


def test_a_stored_policy_is_a_pytree(run):
    """It can be handed to a jitted function and is one kind of thing there."""
    stored = load_stored(run)
    obs = seen(stored)
    jitted = jax.jit(lambda policy, obs: acts(policy, obs))
    np.testing.assert_allclose(jitted(stored, obs), acts(stored, obs), atol=1e-6)


def test_all_that_is_shipped_is_small():
    files = [file for file in shipped("").rglob("*") if file.is_file()]
    assert 0 < len(files) <= 80
    assert sum(file.stat().st_size for file in files) < 8e6
