"""Experts, transitions, a controller and the study of it, each at its smallest."""

import dataclasses

import numpy as np
import pytest

from dexjax.cli import demo_dexgen
from dexjax.data import read_shard, read_spec, written
from dexjax.errors import DexjaxError
from dexjax.grasps.sets.grasp_set import write_sets
from dexjax.learners.imitation import ImitationConfig
from dexjax.runs import report
from dexjax.runs.run import Budget, InhandRun
from dexjax.runs.stored import load_stored
from dexjax.systems.dexgen import controller as training
from dexjax.systems.dexgen.controller import ControllerRun, train_controller
from dexjax.systems.dexgen.expert import train_expert
from dexjax.systems.dexgen.presets import expert_preset
from dexjax.systems.dexgen.study import StudyOptions, study
from dexjax.systems.dexgen.transitions import TransitionOptions, collect
from dexjax.systems.dexgen.trials import Simple
from dexjax.tasks.inhand import InhandConfig

DIFFUSION = dataclasses.replace(
    training.preset("laptop"),
    width=16,
    blocks=1,
    encoder=(16,),
    inverse_width=16,
    inverse_blocks=1,
    batch=32,
    steps=12,
)


@pytest.fixture(scope="module")
def patched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "film", lambda *_: None)
        yield patch


@pytest.fixture(scope="module")
def expert(patched, grasp_sets, tmp_path_factory):
    """The folder of an expert that has hardly learned, and its summary."""
    folder = tmp_path_factory.mktemp("dexgen")
    write_sets(folder / "sets.npz", grasp_sets)
    usual = expert_preset("smoke")
    run = dataclasses.replace(
        usual,
        scene=dataclasses.replace(
            usual.scene,
            object="geometric/train/cube,geometric/train/bar",
            grasps=folder / "sets.npz",
        ),
        task=InhandConfig(episode_steps=40, turn_every=10),
        ppo=dataclasses.replace(usual.ppo, worlds=16, steps=8, critic_first=1),
        network=dataclasses.replace(usual.network, widths=(16,)),
        budget=Budget(env_steps=256, eval_episodes=8),
        imitation=ImitationConfig(rounds=4),
        out=folder / "expert",
    )
    summary = train_expert(run)
    (folder / "sets.npz").unlink()
    return folder / "expert", summary


@pytest.fixture(scope="module")
def data(patched, expert, tmp_path_factory):
    """The options of transitions that were collected."""
    out = tmp_path_factory.mktemp("transitions")
    options = TransitionOptions(
        str(expert[0]), steps=3 * 8 * 60, worlds=8, shard_steps=60, out=out
    )
    collect(options)
    return options


@pytest.fixture(scope="module")
def controller(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("controller")
    run = ControllerRun(transitions=data.out, diffusion=DIFFUSION, out=out)
    return out, train_controller(run)


def test_an_expert_is_a_run_that_keeps_its_grasps(expert):
    folder, summary = expert
    assert summary["episodes"] == 8 and summary["env_steps"] == 256
    stored = load_stored(folder)
    assert isinstance(stored.run, InhandRun)
    assert stored.run.task.turn_every == 10
    seen = [own.name for own in stored.spec.observations]
    assert "touch" not in seen and "hand_history" not in seen
    assert (folder / "grasps.npz").exists()


def test_transitions_are_what_a_task_does(data):
    assert written(data.out) == [0, 1, 2]
    spec = read_spec(data.out)
    assert spec.objects == ("cube", "bar") and spec.turns == ("palm up", "thumb up")
    steps = read_shard(data.out, 1)
    assert steps.joints.shape == (8, 60, 16)
    # Episodes of 40 steps: all begin at the start, and again where they ended.
    assert steps.begins[:, 0].all() and steps.begins.sum() > 8
    going_on = ~steps.begins[:, 1:]
    action = np.diff(steps.targets.astype(np.float32), axis=1)[going_on]
    assert np.abs(action).max() <= 0.9 and np.abs(action).std() > 0.01
    away = np.linalg.norm(steps.position.astype(np.float32), axis=-1)
    assert away[steps.safe].max() < 0.1
    assert len(np.unique(steps.turn)) == 2


def test_a_collection_goes_on_with_what_is_missing(data):
    lost = read_shard(data.out, 1)
    (data.out / "shard-000001.h5").unlink()
    kept = (data.out / "shard-000002.h5").stat().st_mtime_ns
    collect(data)
    assert (data.out / "shard-000002.h5").stat().st_mtime_ns == kept
    for one, other in zip(lost, read_shard(data.out, 1), strict=True):
        np.testing.assert_array_equal(one, other)


def test_parts_of_a_collection_share_its_shards(data, tmp_path):
    half = dataclasses.replace(data, part=1, parts=2, out=tmp_path / "half")
    collect(half)
    assert written(tmp_path / "half") == [1]
    with pytest.raises(DexjaxError, match="part is 2, must be below parts = 2"):
        dataclasses.replace(half, part=2).check_fit()


def test_transitions_of_another_expert_are_refused(data, expert, tmp_path):
    other = tmp_path / "other"
    other.symlink_to(expert[0])
    options = dataclasses.replace(data, experts=str(other))
    with pytest.raises(DexjaxError, match="experts"):
        collect(options)
    with pytest.raises(DexjaxError, match="is no expert"):
        collect(dataclasses.replace(data, experts="resdex/mug"))


def test_a_controller_can_be_loaded_and_goes_on_where_it_stopped(
    controller, data, tmp_path, monkeypatch
):
    folder, summary = controller
    stored = load_stored(folder)
    assert stored.run.scene.object == "geometric/train/cube,geometric/train/bar"
    assert summary["keypoints"] == 8 and summary["steps"] == 12
    run = ControllerRun(
        transitions=data.out, diffusion=DIFFUSION, out=tmp_path / "again"
    )
    save = training.checkpoint.save
    monkeypatch.setattr(training, "CHECKPOINT_S", 0.0)

    def stop_at_five(folder, step, tree, meta):
        save(folder, step, tree, meta)
        if step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.checkpoint, "save", stop_at_five)
        with pytest.raises(KeyboardInterrupt):
            train_controller(run)
    again = train_controller(run)
    for name in ("denoising", "inverse_rad"):
        assert again[name] == pytest.approx(summary[name], rel=1e-5)


def test_a_controller_of_too_few_shards_is_refused(data, tmp_path):
    few = dataclasses.replace(data, steps=8 * 60, out=tmp_path / "few")
    collect(few)
    run = ControllerRun(transitions=few.out, diffusion=DIFFUSION, out=tmp_path / "no")
    with pytest.raises(DexjaxError, match="has 1 shards: two are needed"):
        train_controller(run)


def test_the_study_measures_each_row_once(expert, controller, tmp_path, capsys):
    options = StudyOptions(
        expert=str(expert[0]),
        controller=str(controller[0]),
        guidance=(0.2,),
        disturbances=("+ U(±1.5)",),
        simple=True,
        worlds=4,
        seconds=3,
        out=tmp_path / "study.json",
    )
    rows = study(options)
    assert [row["policy"] for row in rows] == [*Simple.KINDS, "expert", "expert"]
    assert [row["sampler"] for row in rows] == [0, 0, 0, 0, 0, 8]
    assert all(row["trials"] >= 4 for row in rows)
    walls = [row["wall_s"] for row in study(options)]
    assert walls == [row["wall_s"] for row in rows]
    wrong = dataclasses.replace(options, controller=str(expert[0]))
    with pytest.raises(DexjaxError, match="is no controller"):
        study(wrong)
    with pytest.raises(DexjaxError, match="no expert of moving things"):
        study(dataclasses.replace(options, expert="resdex/mug"))


def test_a_sampler_is_distilled_from_a_controller(controller, data, tmp_path):
    run = ControllerRun(
        transitions=data.out,
        diffusion=DIFFUSION,
        teacher=str(controller[0]),
        sampler=2,
        out=tmp_path / "quick",
    )
    train_controller(run)
    quick, usual = (load_stored(f).policy for f in (tmp_path / "quick", controller[0]))
    assert (quick.steps, usual.steps) == (2, 8) and quick.sizes == usual.sizes
    for changed, told in (
        ({"touch": True}, "features of a state, asked for are"),
        ({"teacher": "resdex/mug"}, "resdex/mug is no controller"),
    ):
        other = dataclasses.replace(run, out=tmp_path / "other", **changed)
        with pytest.raises(DexjaxError, match=told):
            train_controller(other)
    with pytest.raises(DexjaxError, match="sampler is 8, must be 1 to 3"):
        dataclasses.replace(run, sampler=8).check_fit()
    with pytest.raises(DexjaxError, match="sampler is 2, must be 4 to 12"):
        dataclasses.replace(run, teacher="").check_fit()


def test_the_demo_films_commands_alone_and_through_the_controller(
    expert, controller, tmp_path, capsys
):
    found = demo_dexgen.run(
        [
            *("--expert", str(expert[0]), "--controller", str(controller[0])),
            *("--seconds", "2", "--out", str(tmp_path)),
        ]
    )
    said = capsys.readouterr().out
    assert set(found) == {demo_dexgen.ALONE, demo_dexgen.LED}
    assert f"{demo_dexgen.LED}: dropped" in said
    assert (tmp_path / "dexgen.mp4").stat().st_size > 1000
    assert (tmp_path / "dexgen.png").read_bytes().startswith(b"\x89PNG")


def test_the_demo_says_since_when_the_object_is_held():
    dropped = np.array([False, False, True, False, False])
    np.testing.assert_allclose(demo_dexgen.held_s(dropped), [0, 0.1, 0.2, 0, 0.1])
