"""The whole pipeline: what is trained in which order, measured once, gone on with."""

import dataclasses
import json
from pathlib import Path

import pytest

from dexjax import limits
from dexjax.cli.main import dispatch
from dexjax.systems.resdex.pipeline import entries as entries_module
from dexjax.systems.resdex.pipeline import pipeline
from dexjax.systems.resdex.pipeline.entries import encoder_options
from dexjax.systems.resdex.presets import for_many_objects, preset
from dexjax.systems.resdex.student import PRESETS, StudentOptions, StudentRun

# What a training finds at its end.
OWN = {"success_held": 0.9, "success_reached": 1.0, "episodes": 20}
OWN |= {"ci95": [0.7, 1.0], "pose_distance": 5.0}
MEASURED = {"success_held": 0.5, "success_reached": 0.6, "episodes": 10}
MEASURED |= {"ci95": [0.4, 0.6], "pose_distance": None}


def left(out, trained_on="everyday/train"):
    """What any training leaves."""
    summary = {"env_steps": 100, "wall_s": 1.0, "preset": "smoke", "commit": "c"}
    summary |= {"engine": "native", "learner": {"worlds": 8}, **OWN}
    out.mkdir(parents=True, exist_ok=True)
    lines = "iteration,env_steps,episodes,success_held\n1,50,0,nan\n2,100,4,0.5\n"
    (out / "metrics.csv").write_text(lines)
    (out / "summary.json").write_text(json.dumps(summary | {"object": trained_on}))


@pytest.fixture
def calls(monkeypatch):
    """Trainings that leave what the real ones leave; the list of all calls."""
    found = []

    def codes(options):
        found.append(("codes", options.out, options))

    def base(run):
        run.check()
        found.append(("base", run.out, run))
        left(run.out, run.scene.object)

    def hyper(options):
        out = options.run.out / f"stage{options.stage}"
        limits.check(options)
        found.append(("hyper", out, options))
        left(out)
        own = [{"env_steps": 30, "object": f"cup:{i}"} for i in range(options.k)]
        (out / "bases.json").write_text(json.dumps(own))

    def student_options(name, teacher, cloud):
        assert (Path(teacher) / "summary.json").exists()
        steps, dagger = PRESETS[name]
        run = StudentRun(preset=name, dagger=dagger, teacher=teacher)
        return StudentOptions(run, cloud)

    def student(options):
        limits.check(options)
        found.append(("student", options.run.out, options))
        left(options.run.out)

    def measure(folder, where, film_as):
        assert (folder / "summary.json").exists() and film_as.parent == folder
        found.append(("evaluate", folder, where))
        return MEASURED

    monkeypatch.setattr(entries_module, "train_base", base)
    monkeypatch.setattr(entries_module, "train_hyper", hyper)
    monkeypatch.setattr(entries_module, "student_options", student_options)
    monkeypatch.setattr(entries_module, "train_student", student)
    monkeypatch.setattr(pipeline, "train_codes", codes)
    monkeypatch.setattr(pipeline, "load_stored", lambda folder: folder)
    monkeypatch.setattr(pipeline, "measure", measure)
    monkeypatch.setattr("dexjax.cli.resdex.use_compilation_cache", lambda: None)
    return found


def start(folder, *more):
    arguments = ["--preset", "smoke", "--runs", str(folder / "runs")]
    arguments += ["--out", str(folder / "resdex.json"), *more]
    dispatch(["resdex", *arguments])
    return json.loads((folder / "resdex.json").read_text())


def named(calls, kind):
    return [call for call in calls if call[0] == kind]


def test_everything_is_trained_and_measured_on_every_split(calls, tmp_path):
    rows = start(tmp_path, "--k", "1", "4", "--baselines", "--ablations")
    # k = 1 and 4 in two stages, two students, the mixture alone in the first stage and
    # that of four in the second, plain PPO: three splits of each; six objects in three
    # kinds: one split.
    assert len(rows) == 3 * (4 + 2 + 3 + 1) + 18
    keys = {tuple(row[name] for name in pipeline.KEY) for row in rows}
    assert len(keys) == len(rows)
    assert len({folder for _, folder, _ in named(calls, "evaluate")}) == 10 + 18
    alone = {(r["k"], r["stage"]) for r in rows if r["residual"] is False}
    assert alone == {(1, 1), (4, 1), (4, 2)}
    names = [f"cup:{i}" for i in range(4)]
    for row in rows:
        mixed = row["policy"] == "hyper"
        assert row["experts"] == (names[: row["k"]] if mixed else None)
    assert calls[0][0] == "codes"
    plain = next(
        c for c in named(calls, "base") if c[2].scene.object == "everyday/train"
    )
    # The budget of both stages and four base policies together.
    assert plain[2].budget.env_steps == 320


def test_every_part_is_counted_by_its_folder(calls, tmp_path):
    start(tmp_path)
    rows = json.loads((tmp_path / "runs" / "hours.json").read_text())
    expected = ["codes", "hyper/k4-seed0/stage1", "evaluation", "hyper/k4-seed0/stage2"]
    expected += ["distill/points-seed0", "distill/seen-points-seed0"]
    assert [row["part"] for row in rows] == expected


def test_plain_ppo_is_tuned_as_the_hyper_policy_is(calls, tmp_path):
    start(tmp_path, "--baselines")
    (own,) = (call[2] for call in named(calls, "base"))
    tuned = for_many_objects(preset("smoke"))
    assert (own.ppo, own.network) == (tuned.ppo, tuned.network)
    assert own.task == dataclasses.replace(tuned.task, observation="surface")


def test_all_see_the_codes_of_the_one_encoder(calls, tmp_path):
    start(tmp_path, "--baselines", "--ablations", "--engine", "mjx")
    options = [c[2] for c in calls if c[0] in ("base", "hyper")]
    scenes = [getattr(own, "run", own).scene for own in options]
    assert {scene.encoder for scene in scenes} == {tmp_path / "runs" / "codes"}
    assert {scene.engine for scene in scenes} == {"mjx"}
    assert {c[2].engine for c in named(calls, "evaluate")} == {"mjx"}
    assert {c[2].run.scene.engine for c in named(calls, "student")} == {"mjx"}


def test_a_smoke_test_trains_no_encoder_for_long():
    steps = [encoder_options(n, Path("x")).autoencoder.steps for n in ("smoke", "gpu")]
    assert steps[0] <= 50 < steps[1]


def test_a_training_has_measured_its_own_objects(calls, tmp_path):
    rows = start(tmp_path)
    evaluated = {call[2].object for call in named(calls, "evaluate")}
    assert evaluated == {"everyday/unseen-object", "everyday/unseen-category"}
    for row in rows:
        own = row["split"] == "train"
        assert row["success_held"] == (0.9 if own else 0.5)
        assert row["curve"] == ([[100, 0.5]] if own else None)


def test_points_of_a_curve_are_means_over_episodes(tmp_path):
    log = tmp_path / "metrics.csv"
    body = [(10 * (i + 1), i % 2 + 1, i % 2) for i in range(40)]
    lines = ["iteration,env_steps,episodes,success_held"]
    lines += [f"{i},{a},{b},{c}" for i, (a, b, c) in enumerate(body)]
    log.write_text("\n".join(lines) + "\n")
    # One episode fails, two hold.
    expected = [(20 * (i + 1), pytest.approx(2 / 3)) for i in range(20)]
    assert pipeline.curve(log) == expected


def test_a_comparison_may_be_shorter_and_without_students(calls, tmp_path):
    more = ["--k", "1", "4", "--no-vision", "--baselines"]
    more += ["--env-steps", "70", "--encoder", "given"]
    rows = start(tmp_path, *more)
    assert len(rows) == 3 * (4 + 3 + 1)
    assert {call[0] for call in calls} == {"hyper", "base", "evaluate"}
    for _, _, options in named(calls, "hyper"):
        assert options.run.budget.env_steps == 70
        assert options.run.scene.encoder == Path("given")
    for _, _, run in named(calls, "base"):
        assert run.scene.encoder == Path("given")


def test_seeds_share_their_base_policies(calls, tmp_path):
    start(tmp_path, "--seeds", "0", "1", "--no-vision")
    hyper = [call[2] for call in named(calls, "hyper")]
    assert [options.run.seed for options in hyper] == [0, 0, 1, 1]
    assert {options.base_seed for options in hyper} == {0}
    assert {options.bases for options in hyper} == {tmp_path / "runs" / "base"}


def test_real_objects_are_one_more_split(calls, monkeypatch, tmp_path):
    names = {"a": ["a@0.1", "a@0.06"]}
    monkeypatch.setattr(
        "dexjax.systems.resdex.pipeline.splits.scaled_names", lambda folder: names
    )
    rows = start(tmp_path, "--dexgraspnet", "folder")
    assert sum(row["split"] == "dexgraspnet" for row in rows) == len(rows) / 4
    where = next(c[2] for c in named(calls, "evaluate") if c[2].dexgraspnet is not None)
    assert where.object == "a@0.1,a@0.06" and where.dexgraspnet == Path("folder")


def test_what_is_measured_already_is_left_alone(calls, tmp_path):
    rows = start(tmp_path)
    kept = rows[:4]
    (tmp_path / "resdex.json").write_text(json.dumps(kept))
    before = len(named(calls, "evaluate"))
    again = start(tmp_path)
    assert again[:4] == kept and len(again) == len(rows)
    missing = [row for row in rows[4:] if row["split"] != "train"]
    assert len(named(calls, "evaluate")) - before == len(missing)


def test_an_interruption_leaves_what_was_measured(calls, monkeypatch, tmp_path):
    hyper = entries_module.train_hyper

    def second_is_interrupted(options):
        if options.stage == "2":
            raise KeyboardInterrupt
        hyper(options)

    monkeypatch.setattr(entries_module, "train_hyper", second_is_interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path)
    rows = json.loads((tmp_path / "resdex.json").read_text())
    assert {row["stage"] for row in rows} == {1} and len(rows) == 3
    parts = json.loads((tmp_path / "runs" / "hours.json").read_text())
    assert "hyper/k4-seed0/stage2" in {row["part"] for row in parts}
