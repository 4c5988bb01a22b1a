"""The base policies of a hyper-policy: found, trained or passed over, and ordered."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from dexjax.policies.actor import ActorPolicy
from dexjax.runs.stored import load_stored
from dexjax.shipped import shipped
from dexjax.systems.resdex import bases as module
from dexjax.systems.resdex.bases import (
    base_run,
    check_bases,
    find_base,
    find_learned,
    most_general_first,
    shipped_bases,
    transfer,
)
from dexjax.systems.resdex.hyper import hyper_options

SHIPPED = "cup:6@0.08"


@pytest.fixture
def run(tmp_path):
    """A hyper-policy's run, of the preset that the shipped bases are of."""
    usual = hyper_options("laptop").run
    scene = dataclasses.replace(usual.scene, object="box")
    return dataclasses.replace(usual, scene=scene, out=tmp_path / "hyper")


@pytest.fixture(scope="module")
def bases():
    return shipped_bases()


def test_shipped_bases_are_those_of_the_shipped_hyper_policy(bases, run):
    summaries = json.loads((shipped("resdex/hyper") / "bases.json").read_text())
    assert [base.digest for base in bases] == [own["digest"] for own in summaries]
    stored = load_stored(shipped("resdex/hyper"))
    obs = {
        own.name: jax.random.normal(jax.random.key(i), (2, *own.shape))
        for i, own in enumerate(stored.spec.observations)
    }
    together = stored.policy.mixture.bases.actions(obs)
    for i, base in enumerate(bases):
        assert isinstance(base.policy, ActorPolicy)
        action, _ = base.policy.act(obs, base.policy.init(2))
        np.testing.assert_allclose(
            np.clip(action, -1, 1), together[:, i], atol=1e-5, rtol=1e-4
        )
    check_bases(bases, run)


def test_the_most_general_base_policy_comes_first(bases, run, monkeypatch):
    two, asked = bases[:2], []

    def measured(missing, _):
        asked.extend(base.digest for base in missing)
        return ({"success_held": 0.1 + 0.2 * two.index(base)} for base in missing)

    monkeypatch.setattr(module, "transfer", measured)
    assert most_general_first(two[:1], run) == two[:1]
    assert asked == []
    first = most_general_first(two, run)
    again = most_general_first(two[::-1], run)
    assert first == again == two[::-1]
    assert asked == [base.digest for base in two]  # once
    kept = json.loads((run.out / "bases.json").read_text())
    assert set(kept) == set(asked)


def test_they_are_measured_on_the_objects_to_train_on(bases, run, monkeypatch):
    monkeypatch.setattr(module, "TRANSFER_EPISODES", 1)
    (row,) = transfer(bases[:1], run)
    assert row["object"] == bases[0].object and row["episodes"] == 1
    assert row["success_held"] in (0.0, 1.0)


@pytest.mark.parametrize(
    ("held", "tried", "taken"),
    [
        ((0.5, 0.9, 0.9), 1, "a"),
        ((0.0, 0.7, 0.9), 2, "b"),
        ((0.1, 0.3, 0.2), 3, "b"),
    ],
)
def test_a_base_policy_that_did_not_learn_is_passed_over(
    bases, run, tmp_path, monkeypatch, held, tried, taken
):
    asked = []
    shares = dict(zip("abc", held, strict=True))

    def find(name, *_):
        asked.append(name)
        summary = {"success_held": shares[name]}
        return dataclasses.replace(bases[0], folder=tmp_path / name, summary=summary)

    monkeypatch.setattr(module, "find_base", find)
    base = find_learned(["a", "b", "c"], run, 0, tmp_path)
    assert (base.folder.name, len(asked)) == (taken, tried)


def test_shipped_bases_serve_hyper_policies_of_all_seeds(run, tmp_path, capsys):
    first, second = (
        find_base(SHIPPED, dataclasses.replace(run, seed=seed), 0, tmp_path)
        for seed in (0, 1)
    )
    assert first.object == SHIPPED and first.digest == second.digest
    assert capsys.readouterr().out.count("comes with dexjax") == 2


def test_shipped_bases_serve_the_preset_for_a_gpu(run, tmp_path, capsys):
    found = find_base(SHIPPED, dataclasses.replace(run, preset="gpu"), 0, tmp_path)
    assert found.object == SHIPPED
    assert "comes with dexjax" in capsys.readouterr().out


@pytest.fixture
def trained(monkeypatch):
    """Runs that would be trained."""
    asked = []

    def train(run):
        asked.append(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train_base", train)
    return asked


@pytest.mark.parametrize("change", ["preset", "seed", "wrist", "hand"])
def test_shipped_bases_of_another_kind_do_not(run, tmp_path, trained, change):
    seed = 1 if change == "seed" else 0
    if change == "preset":
        run = dataclasses.replace(run, preset="smoke")
    if change in ("wrist", "hand"):
        own = {"wrist": "wrench", "hand": "allegro"}[change]
        scene = dataclasses.replace(run.scene, **{change: own})
        run = dataclasses.replace(run, scene=scene)
    with pytest.raises(KeyboardInterrupt):
        find_base(SHIPPED, run, seed, tmp_path)
    (asked,) = trained
    assert asked.scene.object == SHIPPED and asked.task.pose
    assert (asked.preset, asked.seed) == (run.preset, seed)
    assert (asked.scene.wrist, asked.scene.hand) == (run.scene.wrist, run.scene.hand)
    assert asked.out == tmp_path / f"cup-6@0.08-seed{seed}"


def test_a_base_policy_is_trained_where_and_as_its_hyper_policy_is(run, tmp_path):
    scene = dataclasses.replace(run.scene, engine="native", grasps=tmp_path / "g.npz")
    run = dataclasses.replace(run, scene=scene, devices=2)
    own = base_run("box", run, 5, tmp_path)
    assert own.scene == dataclasses.replace(scene, object="box")
    assert (own.devices, own.seed, own.out) == (2, 5, tmp_path)
    # It does not see how its object lies, and is alone with it.
    assert own.task.observation == "geometry-unaware" and own.task.near_share > 0
