"""The table of a hyper-policy trained on another engine than it is tried on."""

import json
import shutil
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[1] / "policies" / "hyper" / "config.yaml"
HERE = {"commit": "b", "device": "cpu: 2 cores", "date": "later", "versions": {}}
THERE = {"commit": "a", "device": "gpu: 1 x H200", "date": "now", "versions": {}}


def found(held: float) -> dict:
    """What an evaluation says."""
    numbers = {"success_held": held, "success_reached": 1.0, "episodes": 10}
    return {**numbers, "ci95": [held, held], "pose_distance": None}


@pytest.fixture
def run(tmp_path):
    """Both stages, trained by Warp and already tried on all splits by MuJoCo C."""
    for stage, held in (("stage1", 0.4), ("stage2", 0.8)):
        folder = tmp_path / stage
        folder.mkdir()
        shutil.copy(CONFIG, folder / "config.yaml")
        training = {"env_steps": 30, "wall_s": 60.0, "broken_worlds": 0, "seed": 0}
        training |= {"preset": "gpu", "engine": "warp", "learner": {"worlds": 4}}
        summary = found(held) | training | THERE
        (folder / "summary.json").write_text(json.dumps(summary))
        # The first iteration compiles.
        rows = "iteration,steps_per_s\n1,2\n2,100\n3,110\n"
        (folder / "metrics.csv").write_text(rows)
    for split in ("train", "unseen-object", "unseen-category"):
        out = tmp_path / "stage2" / f"{split}-native.json"
        out.write_text(json.dumps(found(0.7) | HERE))
    return tmp_path


def test_training_and_trial_are_told_apart(run, experiment, monkeypatch):
    out = run / "gpu.json"
    monkeypatch.setattr("sys.argv", ["gpu.py", str(run), "--out", str(out)])
    experiment("gpu", "benchmarks").main()
    rows = json.loads(out.read_text())
    fields = ("stage", "split", "evaluated_on", "success_held", "device")
    there, here = THERE["device"], HERE["device"]
    assert [tuple(row[name] for name in fields) for row in rows] == [
        (1, "train", "warp", 0.4, there),
        (2, "train", "warp", 0.8, there),
        (2, "train", "native", 0.7, here),
        (2, "unseen-object", "native", 0.7, here),
        (2, "unseen-category", "native", 0.7, here),
    ]
    assert {row["steps_per_s"] for row in rows} == {100}
    assert {row["train_device"] for row in rows} == {there}
    assert all(row["k"] == 4 and row["residual"] for row in rows)
