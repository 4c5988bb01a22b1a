"""Hyper-policies: how base policies are mixed, kept, and refused."""

import dataclasses
import json
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.learners.ppo import make_ppo
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.runs import checkpoint
from dexjax.runs.codes import with_codes
from dexjax.runs.config import PRESETS
from dexjax.runs.hyper import HyperConfig, MixtureConfig, check_bases, make_hyper
from dexjax.runs.policies import export_policy, keep_bases, load_base, load_policy
from dexjax.runs.training import identity
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspTask
from dexjax.tasks.observations import geometry_unaware_part

SMOKE = PRESETS["smoke"]
BASE = dataclasses.replace(
    SMOKE,
    object="box",
    ppo=dataclasses.replace(SMOKE.ppo, worlds=4, steps=4, widths=(16, 8)),
    task=dataclasses.replace(SMOKE.task, starts=2),
)


def save_run(folder, config, state):
    """A run's folder as a training leaves it."""
    checkpoint.save(folder / "checkpoints", 3, state, identity(config))
    plain = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    (folder / "config.yaml").write_text(yaml.safe_dump(plain))
    (folder / "summary.json").write_text('{"object": "box"}')


@pytest.fixture(scope="module")
def scene(tiny_encoder):
    return make_scene(
        load_hand(), with_codes(load_object("box"), tiny_encoder[0]), "servo"
    )


@pytest.fixture(scope="module")
def bases(scene, tmp_path_factory):
    """Two untrained base policies that differ, and have seen different things."""
    task = GraspTask(make_engine(scene, "native"), BASE.task)
    ppo = make_ppo(task, BASE.ppo)
    found = []
    for seed in (0, 1):
        state = ppo.init(jax.random.key(seed))
        params = jax.tree.map(lambda x: 3.0 * x, state.policy.params)
        statistics = state.policy.statistics
        mean = jax.random.normal(jax.random.key(seed), statistics.mean.shape)
        statistics = statistics.replace(mean=mean)
        policy = state.policy.replace(params=params, statistics=statistics)
        folder = tmp_path_factory.mktemp("base") / str(seed)
        save_run(folder, BASE, state.replace(policy=policy))
        found.append(load_base(folder))
    return found


@pytest.fixture(scope="module")
def config(bases, tiny_encoder):
    fields = {f.name: getattr(BASE, f.name) for f in dataclasses.fields(BASE)}
    fields["task"] = dataclasses.replace(BASE.task, observation="full", reward="stage2")
    fields["encoder"] = tiny_encoder[1]
    mixture = MixtureConfig(("box", "box"), tuple(base.digest for base in bases))
    return HyperConfig(**fields, mixture=mixture)


@pytest.fixture(scope="module")
def task(scene, config):
    return GraspTask(make_engine(scene, "native"), config.task)


@pytest.fixture(scope="module")
def hyper(task, bases, config):
    ppo = make_hyper(task, bases, config)
    return ppo, ppo.init(jax.random.key(5))


def test_at_its_start_it_does_what_the_first_base_policy_does(task, bases, hyper):
    ppo, state = hyper
    obs = jax.vmap(task.reset)(jax.random.split(jax.random.key(0), 3)).obs
    params = state.policy.params
    actor = jax.tree.map(jnp.zeros_like, params["params"]["actor"])
    policy = state.policy.replace(
        params={"params": params["params"] | {"actor": actor}}
    )
    part = geometry_unaware_part(task.hand, obs, BASE.task.relative)
    base = make_ppo(GraspTask(task.engine, BASE.task), BASE.ppo)
    expected = jnp.clip(base.act(bases[0].policy, part), -1, 1)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(ppo.act(policy, obs), expected, atol=1e-5)
    assert np.abs(base.act(bases[1].policy, part) - expected).max() > 0.1


def test_it_trains(hyper):
    ppo, state = hyper
    before = jax.device_get(state.policy.params)
    after, measured = ppo.train(ppo.init(jax.random.key(5)))
    changed = jax.tree.map(
        lambda a, b: np.abs(a - b).max(), before, after.policy.params
    )
    assert max(jax.tree.leaves(changed)) > 0
    assert np.isfinite(float(measured["kl"]))


def test_a_folder_of_its_own_holds_all_it_needs(task, bases, config, hyper, tmp_path):
    ppo, state = hyper
    run = tmp_path / "hyper"
    run.mkdir()
    keep_bases(run, bases)
    save_run(run, config, state)
    obs = jax.random.normal(jax.random.key(1), (2, task.observation_size))
    expected = ppo.act(state.policy, obs)
    np.testing.assert_allclose(load_policy(run).act(obs), expected, atol=1e-6)
    export_policy(run, tmp_path / "out")
    # The export names no folder: it wants the encoder that comes with dexjax.
    exported = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert exported["encoder"] is None and exported["start"] is None
    assert exported["mixture"]["digests"] == [base.digest for base in bases]
    assert load_base(tmp_path / "out" / "bases" / "1").digest == bases[1].digest

    (run / "bases" / "0").rename(run / "bases" / "x")
    with pytest.raises(DexjaxError, match=r"lacks its base policy 0 \(box\)"):
        load_policy(run)
    (run / "bases" / "1").rename(run / "bases" / "0")
    (run / "bases" / "x").rename(run / "bases" / "1")
    with pytest.raises(DexjaxError, match="trained with another base policy 0"):
        load_policy(run)


def test_codes_of_another_encoder_are_refused(config, hyper, bases, tmp_path):
    run = tmp_path / "hyper"
    run.mkdir()
    keep_bases(run, bases)
    save_run(run, config, hyper[1])
    meta = identity(config) | {"encoder": "another"}
    checkpoint.save(run / "checkpoints", 4, hyper[1], meta)
    with pytest.raises(DexjaxError, match="has encoder 'another', this run wants"):
        load_policy(run)


def test_bases_that_do_not_fit_are_refused(bases, config):
    other = dataclasses.replace(bases[1].config, wrist="wrench")
    with pytest.raises(DexjaxError, match="wrist 'wrench', this hyper-policy needs"):
        check_bases([bases[0], bases[1]._replace(config=other)], config)
    ppo = dataclasses.replace(BASE.ppo, widths=(8,))
    other = dataclasses.replace(bases[1].config, ppo=ppo)
    with pytest.raises(DexjaxError, match=r"ppo.widths \(8,\), this hyper-policy"):
        check_bases([bases[0], bases[1]._replace(config=other)], config)


@pytest.fixture
def script(experiment):
    return experiment("hyper")


def test_the_most_general_base_policy_comes_first(script, bases, tmp_path, monkeypatch):
    options = script.Options(objects="box", out=tmp_path / "hyper")
    asked = []

    def transfer(missing, _):
        asked.extend(base.digest for base in missing)
        return ({"success_held": 0.1 + 0.2 * bases.index(base)} for base in missing)

    with monkeypatch.context() as patch:
        patch.setattr(script, "transfer", transfer)
        assert script.most_general_first(bases[:1], options) == bases[:1]
        assert asked == []
        first = script.most_general_first(bases, options)
        again = script.most_general_first(bases[::-1], options)
    assert first == again == bases[::-1]
    assert asked == [base.digest for base in bases]  # once
    kept = json.loads((tmp_path / "hyper" / "bases.json").read_text())
    assert set(kept) == set(asked)
    row, _ = script.transfer(bases, options)
    assert row["object"] == "box" and row["episodes"] == 1
    assert row["success_held"] == 0.0  # an untrained policy lifts nothing


@pytest.mark.parametrize(
    ("held", "tried", "taken"),
    [
        ((0.5, 0.9, 0.9), 1, "a"),
        ((0.0, 0.7, 0.9), 2, "b"),
        ((0.1, 0.3, 0.2), 3, "b"),
    ],
)
def test_a_base_policy_that_did_not_learn_is_passed_over(
    script, bases, tmp_path, monkeypatch, held, tried, taken
):
    asked = []

    def find_base(name, _):
        asked.append(name)
        return bases[0]._replace(folder=tmp_path / name)

    for name, share in zip("abc", held, strict=True):
        (tmp_path / name).mkdir()
        summary = json.dumps({"success_held": share})
        (tmp_path / name / "summary.json").write_text(summary)
    monkeypatch.setattr(script, "find_base", find_base)
    base = script.find_learned(["a", "b", "c"], script.Options())
    assert (base.folder.name, len(asked)) == (taken, tried)


def test_shipped_bases_serve_where_none_was_trained(script, tmp_path, capsys):
    options = script.Options(bases=tmp_path)
    base = script.find_base("cup:6@0.08", options)
    assert base.config.object == "cup:6@0.08"
    assert "comes with dexjax" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "preset", "seen"),
    [
        (None, "laptop", "surface"),
        (None, "paper", "full"),
        ("full", "laptop", "full"),
        ("surface", "paper", "surface"),
    ],
)
def test_the_papers_preset_sees_what_the_paper_says(script, bases, asked, preset, seen):
    options = script.Options(observation=asked, preset=preset)
    config = script.configuration(options, bases, "stage1")
    assert config.task.observation == seen


def test_hyper_policies_of_all_seeds_share_their_base_policies(script, tmp_path):
    first, second = (script.Options(bases=tmp_path, seed=seed) for seed in (0, 1))
    found = script.find_base("cup:6@0.08", second)
    assert found.digest == script.find_base("cup:6@0.08", first).digest


def test_shipped_bases_of_another_preset_do_not(script, tmp_path, monkeypatch):
    asked = []

    def run(command):
        asked.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(script.subprocess, "run", run)
    options = script.Options(bases=tmp_path, preset="smoke")
    with pytest.raises(DexjaxError, match="cup:6@0.08 was not trained"):
        script.find_base("cup:6@0.08", options)
    assert asked[0][asked[0].index("--preset") + 1] == "smoke"
