"""The demo shows what comes with dexjax, on what it is told."""

import shlex
import subprocess
from pathlib import Path

import pytest

from dexjax.cli import demo
from dexjax.cli.main import dispatch
from dexjax.shipped import shipped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(monkeypatch):
    monkeypatch.setattr(demo, "EPISODES", 2)
    monkeypatch.setattr(demo, "use_compilation_cache", lambda: None)

    def start(*arguments):
        dispatch(["demo", *map(str, arguments)])

    return start


def test_the_policies_of_any_object_are_shown(start, tmp_path, capsys):
    start("--object", "can:1", "--out", tmp_path)
    said = capsys.readouterr().out
    for name in ("resdex/hyper", "resdex/student"):
        assert f"{name} on can:1: held in" in said
        file = tmp_path / name.replace("/", "-")
        assert file.with_suffix(".mp4").stat().st_size > 1000
        assert file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_another_policy_is_shown(start, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mug = shipped("resdex/mug")
    (tmp_path / "own").symlink_to(mug)
    start("--policies", "own", "--object", "mug:1,mug:2", "--out", "films")
    assert "own on mug:1,mug:2: held in" in (said := capsys.readouterr().out)
    assert "of 2 episodes (trained on mug)" in said
    films = sorted(file.name for file in (tmp_path / "films").iterdir())
    assert films == ["own.mp4", "own.png"]


def test_make_asks_for_an_object_only_where_one_is_given():
    def told(*more):
        command = ["make", "-n", "demo", *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return done.stdout

    assert "dexjax demo" in told() and "--object" not in told()
    assert "--object 'thing.stl'" in told("OBJ=thing.stl")
    # Quotes and $ reach neither make nor the shell.
    name = """it's a "$HOME" `x`.stl"""
    lines = told(f"OBJ={name}").splitlines()
    line = next(each for each in lines if "dexjax demo" in each)
    assert shlex.split(line)[2:] == ["--object", name]
