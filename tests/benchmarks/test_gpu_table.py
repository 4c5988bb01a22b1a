"""The table of policies trained on another engine than they are tried on."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POLICIES = ROOT / "policies" / "resdex"
HERE = {"commit": "b", "device": "cpu: 2 cores", "date": "later", "versions": {}}
THERE = {"commit": "a", "device": "gpu: 1 x H200", "date": "now", "versions": {}}


def found(held: float) -> dict:
    """What an evaluation says."""
    numbers = {"success_held": held, "success_reached": 1.0, "episodes": 10}
    return {**numbers, "ci95": [held, held], "pose_distance": None}


def write_run(folder: Path, config: str, engine: str, held: float, where: dict) -> None:
    """A finished run."""
    folder.mkdir()
    (folder / "config.yaml").write_text(config)
    training = {"env_steps": 30, "wall_s": 60.0, "broken_worlds": 0, "seed": 0}
    training |= {"preset": "gpu", "engine": engine, "learner": {"worlds": 4}}
    (folder / "summary.json").write_text(json.dumps(found(held) | training | where))
    # The first iteration compiles.
    rows = "iteration,steps_per_s\n1,2\n2,100\n3,110\n"
    (folder / "metrics.csv").write_text(rows)


@pytest.fixture(autouse=True)
def beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def runs(tmp_path):
    """Both stages by Warp, a student on the CPU; tried on all splits by MuJoCo C."""
    hyper = (POLICIES / "hyper" / "config.yaml").read_text()
    first = hyper.replace("reward: stage2", "reward: stage1")
    student = (POLICIES / "student" / "config.yaml").read_text()
    write_run(tmp_path / "1", first, "warp", 0.4, THERE)
    write_run(tmp_path / "2", hyper, "warp", 0.8, THERE)
    write_run(tmp_path / "3", student, "native", 0.6, HERE)
    for run in ("2", "3"):
        for split in ("train", "unseen-object", "unseen-category"):
            out = tmp_path / run / f"{split}-native.json"
            out.write_text(json.dumps(found(0.7) | HERE))
    return [tmp_path / run for run in "123"]


def test_training_and_trial_are_told_apart(runs, tmp_path, experiment, monkeypatch):
    out = tmp_path / "gpu.json"
    monkeypatch.setattr("sys.argv", ["gpu.py", *map(str, runs), "--out", str(out)])
    experiment("gpu", "benchmarks").main()
    rows = json.loads(out.read_text())
    fields = ("policy", "split", "evaluated_on", "success_held", "device")
    there, here = THERE["device"], HERE["device"]
    assert [tuple(row[name] for name in fields) for row in rows] == [
        ("hyper", "train", "warp", 0.4, there),
        ("hyper", "train", "warp", 0.8, there),
        ("hyper", "train", "native", 0.7, here),
        ("hyper", "unseen-object", "native", 0.7, here),
        ("hyper", "unseen-category", "native", 0.7, here),
        ("student", "train", "native", 0.6, here),
        ("student", "unseen-object", "native", 0.7, here),
        ("student", "unseen-category", "native", 0.7, here),
    ]
    assert {row["steps_per_s"] for row in rows} == {100}
    assert [row["train_device"] for row in rows] == [there] * 5 + [here] * 3
    assert [row.get("stage") for row in rows] == [1, 2, 2, 2, 2, None, None, None]


def test_a_run_that_went_on_and_was_cut_off(tmp_path, experiment, monkeypatch):
    hyper = (POLICIES / "hyper" / "config.yaml").read_text()
    write_run(tmp_path / "run", hyper, "warp", 0.8, THERE)
    file = tmp_path / "run" / "summary.json"
    summary = json.loads(file.read_text())
    for name in found(0.8):
        del summary[name]
    summary["continued_from"] = {"env_steps": 12, "wall_s": 5.0, "commit": "c"}
    file.write_text(json.dumps(summary))
    for split in ("train", "unseen-object", "unseen-category"):
        out = tmp_path / "run" / f"{split}-native.json"
        out.write_text(json.dumps(found(0.7) | HERE))
    out = tmp_path / "gpu.json"
    for _ in range(2):  # The second time replaces the rows of the first.
        run = ["gpu.py", str(tmp_path / "run"), "--out", str(out)]
        monkeypatch.setattr("sys.argv", run)
        experiment("gpu", "benchmarks").main()
    rows = json.loads(out.read_text())
    assert [(row["split"], row["evaluated_on"]) for row in rows] == [
        (split, "native") for split in ("train", "unseen-object", "unseen-category")
    ]
    assert {(row["env_steps"], row["wall_s"]) for row in rows} == {(42, 65.0)}
