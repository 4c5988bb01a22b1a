"""The demo shows what comes with the repository, on what it is told."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def demo(experiment, monkeypatch):
    module = experiment("demo")
    monkeypatch.setattr(module, "EPISODES", 2)
    return module


def start(demo, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["demo.py", *map(str, arguments)])
    demo.main()


def test_all_that_is_shipped_is_shown(demo, monkeypatch, tmp_path, capsys):
    start(demo, monkeypatch, "--object", "can:1", "--out", tmp_path)
    said = capsys.readouterr().out
    for run in demo.shipped():
        assert f"{run.name} on can:1: held in" in said
        assert (tmp_path / f"{run.name}.mp4").stat().st_size > 1000
        assert (tmp_path / f"{run.name}.png").read_bytes().startswith(b"\x89PNG")


def test_another_policy_is_shown(demo, monkeypatch, tmp_path, capsys):
    mug = ROOT / "policies" / "mug"
    start(
        demo, monkeypatch, "--runs", mug, "--object", "mug:1,mug:2", "--out", tmp_path
    )
    assert "of 2 episodes (trained on mug)" in capsys.readouterr().out
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["mug.mp4", "mug.png"]


def test_make_asks_for_an_object_only_where_one_is_given():
    def told(*more):
        command = ["make", "-n", "demo", *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return done.stdout

    assert "demo.py" in told() and "--object" not in told()
    assert '--object "thing.stl"' in told("OBJ=thing.stl")
