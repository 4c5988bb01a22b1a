"""Hyper-policies: how base policies are mixed, kept, and refused."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from dexjax.errors import DexjaxError
from dexjax.evaluation.episodes import evaluate
from dexjax.hands import load_hand
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.runs.assemble import grasp_task
from dexjax.runs.encoder import encoder_name, with_codes
from dexjax.runs.kept import keep, with_kept
from dexjax.runs.launch import ppo_learner
from dexjax.runs.storage import checkpoint
from dexjax.runs.stored import export_policy, load_stored, policy_meta
from dexjax.scene import make_scene
from dexjax.systems.resdex.bases import check_bases, load_base
from dexjax.systems.resdex.hyper import (
    HyperRun,
    MixtureConfig,
    check_start,
    hyper_options,
    make_hyper,
    stage_run,
    with_folder,
)
from dexjax.systems.resdex.presets import preset
from dexjax.tasks.grasp import GraspTask

SMOKE = preset("smoke")
BASE = dataclasses.replace(
    SMOKE,
    scene=dataclasses.replace(SMOKE.scene, object="box"),
    ppo=dataclasses.replace(SMOKE.ppo, worlds=4, steps=4),
    network=dataclasses.replace(SMOKE.network, widths=(16, 8)),
    task=dataclasses.replace(SMOKE.task, starts=2, near_share=0.0),
)


def save_run(folder, run, learner, state):
    """A run's folder as a training leaves it."""
    policy = learner.policy(state)
    tree = {"policy": policy, "state": state}
    checkpoint.save(folder / "checkpoints", 3, tree, policy_meta(policy))
    plain = json.loads(json.dumps(dataclasses.asdict(run), default=str))
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
    ppo = ppo_learner(BASE)(task, None)
    found = []
    for seed in (0, 1):
        state = ppo.init(jax.random.key(seed))
        actor = jax.tree.map(lambda x: 3.0 * x, state.params.actor)
        mean = jax.tree.map(
            lambda x, seed=seed: jax.random.normal(jax.random.key(seed), x.shape),
            state.statistics.mean,
        )
        state = state.replace(
            params=state.params._replace(actor=actor),
            statistics=state.statistics.replace(mean=mean),
        )
        folder = tmp_path_factory.mktemp("base") / str(seed)
        save_run(folder, BASE, ppo, state)
        found.append(load_base(folder))
    return found


@pytest.fixture(scope="module")
def run(bases, tiny_encoder):
    fields = {f.name: getattr(BASE, f.name) for f in dataclasses.fields(BASE)}
    fields["task"] = dataclasses.replace(BASE.task, observation="full", reward="stage2")
    fields["scene"] = dataclasses.replace(BASE.scene, encoder=tiny_encoder[1])
    mixture = MixtureConfig(("box", "box"), tuple(base.digest for base in bases))
    return HyperRun(**fields, mixture=mixture)


@pytest.fixture(scope="module")
def task(scene, run):
    return grasp_task(run.scene, run.task, make_engine(scene, "native"), 0)


@pytest.fixture(scope="module")
def hyper(task, bases, run):
    learner = make_hyper(task, bases, run)
    return learner, learner.init(jax.random.key(5))


def seen(policy, count=3):
    return {
        own.name: jax.random.normal(jax.random.key(i), (count, *own.shape))
        for i, own in enumerate(policy.spec.observations)
    }


def acts(policy, obs):
    count = len(next(iter(obs.values())))
    return policy.act(obs, policy.init(count))[0]


def test_at_its_start_it_does_what_the_first_base_policy_does(task, bases, hyper):
    learner, state = hyper
    obs = jax.vmap(task.reset)(jax.random.split(jax.random.key(0), 3)).obs
    nothing = jax.tree.map(jnp.zeros_like, state.params.actor)
    params = state.params._replace(actor=nothing)
    policy = learner.policy(state.replace(params=params))
    expected = jnp.clip(acts(bases[0].policy, obs), -1, 1)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(acts(policy, obs), expected, atol=1e-5)
    assert np.abs(acts(bases[1].policy, obs) - expected).max() > 0.1


def test_it_trains_and_leaves_its_base_policies_alone(hyper):
    learner, state = hyper
    before = jax.device_get(state.params)
    bases = jax.device_get(learner.policy(state).mixture)
    after, measured = learner.train(learner.init(jax.random.key(5)))
    changed = jax.tree.map(lambda a, b: np.abs(a - b).max(), before, after.params)
    assert max(jax.tree.leaves(changed.actor)) > 0
    assert np.isfinite(float(measured["kl"]))
    jax.tree.map(
        np.testing.assert_array_equal,
        bases,
        jax.device_get(learner.policy(after).mixture),
    )


@pytest.fixture
def folder(hyper, run, task, tmp_path):
    """A hyper-policy's run as a training leaves it."""
    path = tmp_path / "hyper"
    path.mkdir()
    keep(path, run, task.objects)
    save_run(path, run, *hyper)
    (path / "bases.json").write_text('[{"object": "box"}, {"object": "box"}]')
    return path


def test_a_folder_of_its_own_holds_all_it_needs(folder, bases, hyper, run, tmp_path):
    learner, state = hyper
    own = learner.policy(state)
    expected = acts(own, seen(own))
    np.testing.assert_allclose(
        acts(load_stored(folder), seen(own)), expected, atol=1e-6
    )
    export_policy(folder, tmp_path / "out")
    # The export names no folder: what it needs lies in its own.
    exported = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert exported["scene"]["encoder"] is None and exported["start"] is None
    assert exported["mixture"]["digests"] == [base.digest for base in bases]
    assert len(json.loads((tmp_path / "out" / "bases.json").read_text())) == 2
    moved = (tmp_path / "out").rename(tmp_path / "elsewhere")
    stored = load_stored(moved)
    np.testing.assert_allclose(acts(stored, seen(own)), expected, atol=1e-6)
    kept = with_kept(moved, stored.run).scene.encoder
    assert kept.parent == moved and encoder_name(kept) == encoder_name(
        run.scene.encoder
    )


def test_codes_of_another_encoder_are_refused(folder, run, task):
    other = dataclasses.replace(run.scene, encoder=None)
    task = grasp_task(other, run.task, task.engine, 0)
    policy = load_stored(folder)
    ours, theirs = encoder_name(run.scene.encoder), encoder_name()
    with pytest.raises(
        DexjaxError, match=f"of encoder {ours}, the task's of encoder {theirs}"
    ):
        evaluate(task, policy, task.episodes(1), 0)


def test_bases_that_do_not_fit_are_refused(bases, run):
    scene = dataclasses.replace(BASE.scene, wrist="wrench")
    other = dataclasses.replace(bases[1].run, scene=scene)
    with pytest.raises(DexjaxError, match="wrist 'wrench', this hyper-policy needs"):
        check_bases([bases[0], dataclasses.replace(bases[1], run=other)], run)
    network = dataclasses.replace(bases[1].policy.network, widths=(8,))
    other = bases[1].policy.replace(network=network)
    with pytest.raises(DexjaxError, match=r"widths \(8,\), this hyper-policy"):
        check_bases([bases[0], dataclasses.replace(bases[1], policy=other)], run)


def test_no_base_policy_is_no_base_policy(folder):
    with pytest.raises(DexjaxError, match="holds no base policy"):
        load_base(folder)


@pytest.mark.parametrize(("name", "seen"), [("laptop", "surface"), ("paper", "full")])
def test_the_papers_preset_sees_what_the_paper_says(bases, name, seen):
    options = with_folder(hyper_options(name))
    assert stage_run(options, bases, "stage1").task.observation == seen


def test_a_stage_is_a_run_of_its_own(bases, tmp_path):
    options = hyper_options("laptop")
    run = dataclasses.replace(options.run, out=tmp_path, seed=3)
    options = dataclasses.replace(options, run=run, residual=False)
    first, second = (stage_run(options, bases, r) for r in ("stage1", "stage2"))
    assert (first.out, second.out) == (tmp_path / "stage1", tmp_path / "stage2")
    assert (first.start, second.start) == (None, tmp_path / "stage1")
    assert first.budget.env_steps == 2_000_000 < second.budget.env_steps
    assert first.mixture.bases == ("box", "box") and not first.mixture.residual
    first.check()
    second.check()
    with pytest.raises(DexjaxError, match="no finished stage 1: train it with"):
        check_start(second)


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({}, "k4-seed0"),
        ({"k": 2, "residual": False}, "k2-no-residual-seed0"),
        ({"normalisation": "softmax"}, "k4-softmax-seed0"),
    ],
)
def test_variants_have_folders_of_their_own(choices, name):
    options = dataclasses.replace(hyper_options("laptop"), **choices)
    assert with_folder(options).run.out.name == name


def test_stage_two_starts_where_stage_one_ended(folder, task, bases, run, hyper):
    learner = make_hyper(task, bases, dataclasses.replace(run, start=folder))
    state = learner.init(jax.random.key(9))
    own = hyper[1]
    for name in ("params", "statistics"):
        jax.tree.map(
            np.testing.assert_array_equal,
            jax.device_get(getattr(state, name)),
            jax.device_get(getattr(own, name)),
        )
