"""The whole pipeline: what is trained in which order, measured once, gone on with."""

import json
import signal
import sys
from pathlib import Path

import pytest

from dexjax.runs.arguments import parse_arguments
from dexjax.runs.config import for_many_objects, preset


@pytest.fixture
def resdex(experiment):
    return experiment("resdex")


# What a training finds at its end.
OWN = {"success_held": 0.9, "success_reached": 1.0, "episodes": 20}
OWN |= {"ci95": [0.7, 1.0], "pose_distance": 5.0}


@pytest.fixture
def scripts(resdex, monkeypatch, tmp_path):
    """Scripts that write what the real ones leave; the list of calls."""
    calls, runs = [], tmp_path / "runs"

    def option(arguments, name):
        texts = [str(argument) for argument in arguments]
        return Path(texts[texts.index(name) + 1])

    def run(script, arguments, hours, part):
        calls.append((script, *map(str, arguments)))
        out = option(arguments, "--out")
        if script == "evaluate.py":
            assert part == "evaluation"
            assert (Path(arguments[0]) / "summary.json").exists()
            result = {"success_held": 0.5, "success_reached": 0.6, "episodes": 10}
            result |= {"ci95": [0.4, 0.6], "pose_distance": None}
            out.write_text(json.dumps(result))
            return
        if script == "hyper.py":
            out = out / f"stage{option(arguments, '--stage')}"
            for i in range(int(str(option(arguments, "--k")))):
                (out / "bases" / str(i)).mkdir(parents=True, exist_ok=True)
                own = out / "bases" / str(i) / "summary.json"
                own.write_text(json.dumps({"env_steps": 30, "object": f"cup:{i}"}))
        if script == "distill.py":
            assert (option(arguments, "--teacher") / "summary.json").exists()
        summary = {"env_steps": 100, "wall_s": 1.0, "preset": "smoke", "commit": "c"}
        summary |= {"engine": "native", "learner": {"worlds": 8}, **OWN}
        assert Path(part) == out.relative_to(runs)
        summary["object"] = "everyday/train"
        if script == "base.py":
            summary["object"] = str(option(arguments, "--object"))
        out.mkdir(parents=True, exist_ok=True)
        lines = "iteration,env_steps,episodes,success_held\n1,50,0,nan\n2,100,4,0.5\n"
        (out / "metrics.csv").write_text(lines)
        (out / "summary.json").write_text(json.dumps(summary))

    monkeypatch.setattr(resdex, "run_script", run)
    return calls


def start(resdex, monkeypatch, folder, *more):
    arguments = ["--preset", "smoke", "--runs", str(folder / "runs")]
    arguments += ["--out", str(folder / "resdex.json"), *more]
    monkeypatch.setattr(sys, "argv", ["resdex.py", *arguments])
    resdex.main()
    return json.loads((folder / "resdex.json").read_text())


def test_everything_is_trained_and_measured_on_every_split(
    resdex, scripts, monkeypatch, tmp_path
):
    rows = start(
        resdex, monkeypatch, tmp_path, "--k", "1", "4", "--baselines", "--ablations"
    )
    # k = 1 and 4 in two stages, two students, the mixture alone in the first stage and
    # that of four in the second, plain PPO: three splits of each; six objects in three
    # kinds: one split.
    assert len(rows) == 3 * (4 + 2 + 3 + 1) + 18
    keys = {tuple(row[name] for name in resdex.KEY) for row in rows}
    assert len(keys) == len(rows)
    folders = {call[1] for call in scripts if call[0] == "evaluate.py"}
    assert len(folders) == 4 + 2 + 3 + 1 + 18
    alone = {(r["k"], r["stage"]) for r in rows if r["residual"] is False}
    assert alone == {(1, 1), (4, 1), (4, 2)}
    names = [f"cup:{i}" for i in range(4)]
    for row in rows:
        mixed = row["policy"] == "hyper"
        assert row["experts"] == (names[: row["k"]] if mixed else None)
    assert scripts[0][0] == "codes.py"
    plain = next(c for c in scripts if c[0] == "base.py" and "everyday/train" in c)
    # The budget of both stages and four base policies together.
    assert plain[plain.index("--env-steps") + 1] == "320"


def test_plain_ppo_is_tuned_as_the_hyper_policy_is(resdex):
    usual = preset("laptop")
    flags = [str(flag) for flag in resdex.tuned("laptop")]
    assert parse_arguments(type(usual), flags, usual) == for_many_objects(usual)


def test_a_training_has_measured_its_own_objects(
    resdex, scripts, monkeypatch, tmp_path
):
    rows = start(resdex, monkeypatch, tmp_path)
    assert not any("train" in call for call in scripts if call[0] == "evaluate.py")
    for row in rows:
        own = row["split"] == "train"
        assert row["success_held"] == (0.9 if own else 0.5)
        assert row["curve"] == ([[100, 0.5]] if own else None)


def test_points_of_a_curve_are_means_over_episodes(resdex, tmp_path):
    log = tmp_path / "metrics.csv"
    body = [(10 * (i + 1), i % 2 + 1, i % 2) for i in range(40)]
    lines = ["iteration,env_steps,episodes,success_held"]
    lines += [f"{i},{a},{b},{c}" for i, (a, b, c) in enumerate(body)]
    log.write_text("\n".join(lines) + "\n")
    # One episode fails, two hold.
    expected = [(20 * (i + 1), pytest.approx(2 / 3)) for i in range(20)]
    assert resdex.curve(log) == expected


def script(resdex, monkeypatch, folder, text):
    """An experiment in the place of the real ones."""
    (folder / "experiments").mkdir()
    (folder / "experiments" / "x.py").write_text(text)
    monkeypatch.setattr(resdex, "ROOT", folder)


def test_a_script_that_fails_is_named(resdex, monkeypatch, tmp_path):
    script(resdex, monkeypatch, tmp_path, "import sys; sys.exit(len(sys.argv) - 1)")
    hours = resdex.Hours(tmp_path / "hours.json")
    resdex.run_script("x.py", (), hours, "x")
    with pytest.raises(resdex.DexjaxError, match="x.py failed"):
        resdex.run_script("x.py", (1,), hours, "x")


def test_no_script_outlives_the_command(resdex, monkeypatch, tmp_path):
    script(resdex, monkeypatch, tmp_path, "import time; time.sleep(60)")
    hours, started = resdex.Hours(tmp_path / "hours.json"), []

    def interrupted(part, process):
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(hours, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        resdex.run_script("x.py", (), hours, "x")
    assert started[0].wait(10) == -signal.SIGKILL


def test_a_comparison_may_be_shorter_and_without_students(
    resdex, scripts, monkeypatch, tmp_path
):
    more = ["--k", "1", "4", "--no-vision", "--baselines"]
    more += ["--env-steps", "70", "--encoder", "given"]
    rows = start(resdex, monkeypatch, tmp_path, *more)
    assert len(rows) == 3 * (4 + 3 + 1)
    assert {call[0] for call in scripts} == {"hyper.py", "base.py", "evaluate.py"}
    for call in scripts:
        if call[0] == "hyper.py":
            assert call[call.index("--env-steps") + 1] == "70"
        if call[0] != "evaluate.py":
            assert call[call.index("--encoder") + 1] == "given"


def test_real_objects_are_one_more_split(resdex, scripts, monkeypatch, tmp_path):
    names = {"a": ["a@0.1", "a@0.06"]}
    monkeypatch.setattr("dexjax.runs.splits.scaled_names", lambda folder: names)
    rows = start(resdex, monkeypatch, tmp_path, "--dexgraspnet", "folder")
    assert sum(row["split"] == "dexgraspnet" for row in rows) == len(rows) / 4
    call = next(c for c in scripts if "--dexgraspnet" in c)
    assert call[call.index("--objects") + 1] == "a@0.1,a@0.06"


def test_what_is_measured_already_is_left_alone(resdex, scripts, monkeypatch, tmp_path):
    rows = start(resdex, monkeypatch, tmp_path)
    kept = rows[:4]
    (tmp_path / "resdex.json").write_text(json.dumps(kept))
    before = sum(call[0] == "evaluate.py" for call in scripts)
    again = start(resdex, monkeypatch, tmp_path)
    assert again[:4] == kept and len(again) == len(rows)
    after = sum(call[0] == "evaluate.py" for call in scripts)
    missing = [row for row in rows[4:] if row["split"] != "train"]
    assert after - before == len(missing)
