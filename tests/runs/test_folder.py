"""The life of a run folder: new, unfinished, finished, foreign, in use."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from dexjax.errors import DexjaxError
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.storage.folder import RunFolder, read_config

CONFIG = {"object": "mug", "seed": 0, "ppo": {"worlds": 64, "widths": (64, 64)}}


def _unfinished(path):
    with RunFolder.open(path, CONFIG) as run:
        run.checkpoints.mkdir()
        (run.checkpoints / "0000000001").mkdir()
        (path / "metrics.csv").write_text("iteration\n1\n")
    return path


def _finished(path):
    _unfinished(path)
    with RunFolder.open(path, CONFIG) as run:
        run.write_summary({"success_held": 0.97})
    return path


def test_new_run_writes_its_config(tmp_path):
    with RunFolder.open(tmp_path / "a" / "mug", CONFIG) as run:
        assert not run.resuming and not run.finished
        assert yaml.safe_load((run.path / "config.yaml").read_text()) == {
            "object": "mug",
            "seed": 0,
            "ppo": {"worlds": 64, "widths": [64, 64]},
        }
        assert read_config(run.path) == run.config


def test_same_config_resumes(tmp_path):
    _unfinished(tmp_path)
    elsewhere = CONFIG | {"out": "another/spelling", "fresh": False}
    with RunFolder.open(tmp_path, elsewhere) as run:
        assert run.resuming and not run.finished


def test_numbers_survive_the_round_trip(tmp_path):
    config = {"rate": 1e-5, "big": 3e20, "none": None, "path": tmp_path, "flag": True}
    RunFolder.open(tmp_path / "r", config).close()
    RunFolder.open(tmp_path / "r", config).close()


def test_finished_run_is_recognised(tmp_path):
    _finished(tmp_path)
    with RunFolder.open(tmp_path, CONFIG) as run:
        assert run.finished and not run.resuming
        assert run.read_summary() == {"success_held": 0.97}


@pytest.mark.parametrize("make", [_unfinished, _finished])
def test_another_config_is_refused_by_name(tmp_path, make):
    make(tmp_path)
    other = CONFIG | {"seed": 3, "ppo": {"worlds": 128, "widths": (64, 64)}}
    with pytest.raises(DexjaxError) as error:
        RunFolder.open(tmp_path, other)
    line = str(error.value)
    assert "seed 0 there, 3 now" in line
    assert "ppo.worlds 64 there, 128 now" in line
    assert "widths" not in line and "object" not in line and "\n" not in line
    # The refusal has changed nothing and left the folder unlocked.
    with RunFolder.open(tmp_path, CONFIG):
        pass


def test_fresh_removes_the_run_and_only_it(tmp_path):
    _finished(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with RunFolder.open(tmp_path, CONFIG | {"seed": 5}, fresh=True) as run:
        assert not run.resuming and not run.finished
        assert run.config["seed"] == 5
    assert sorted(os.listdir(tmp_path)) == [".lock", "config.yaml", "notes.txt"]


def test_a_larger_budget_makes_a_finished_run_go_on(tmp_path):
    budget = CONFIG | {"budget": {"env_steps": 1000}}
    with RunFolder.open(tmp_path, budget) as run:
        run.checkpoints.mkdir()
        (run.checkpoints / "0000000001").mkdir()
        run.write_summary({})
    with pytest.raises(DexjaxError, match=r"budget\.env_steps 1000 there, 999 now"):
        RunFolder.open(tmp_path, CONFIG | {"budget": {"env_steps": 999}})
    with RunFolder.open(tmp_path, budget) as run:
        assert run.finished
    with RunFolder.open(tmp_path, CONFIG | {"budget": {"env_steps": 2000}}) as run:
        assert run.resuming and not run.summary_path.exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_foreign_folder_is_left_alone(tmp_path, fresh):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DexjaxError, match="other things than a run .thesis.tex."):
        RunFolder.open(tmp_path, CONFIG, fresh=fresh)
    assert (tmp_path / "thesis.tex").read_text() == "precious"
    assert not (tmp_path / "config.yaml").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DexjaxError, match="cannot use .*file as run folder"):
        RunFolder.open(tmp_path / "file", CONFIG)


def test_damaged_config_is_one_line(tmp_path):
    _unfinished(tmp_path)
    (tmp_path / "config.yaml").write_text("a: [1, 2\nb: }")
    with pytest.raises(DexjaxError, match="damaged .*--fresh") as error:
        RunFolder.open(tmp_path, CONFIG)
    assert "\n" not in str(error.value)


def test_checkpoints_without_config_are_not_resumed(tmp_path):
    _unfinished(tmp_path)
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(DexjaxError, match="no config.yaml: use --fresh"):
        RunFolder.open(tmp_path, CONFIG)
    RunFolder.open(tmp_path, CONFIG, fresh=True).close()


def test_leftovers_of_a_killed_process_are_swept(tmp_path):
    _unfinished(tmp_path)
    (tmp_path / ".discarded-checkpoints").mkdir()
    (tmp_path / ".partial-abc").write_text("half")
    RunFolder.open(tmp_path, CONFIG).close()
    assert not list(tmp_path.glob(".partial*")) + list(tmp_path.glob(".disc*"))


_SECOND = """
import sys
from dexjax.errors import main_guard
from dexjax.runs.storage.folder import RunFolder

@main_guard
def main():
    RunFolder.open(sys.argv[1], {"object": "mug"}, fresh=True)

main()
"""


def test_second_process_is_refused_until_the_first_ends(tmp_path):
    command = [sys.executable, "-c", _SECOND, str(tmp_path)]
    with RunFolder.open(tmp_path, CONFIG):
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert "in use by another process" in second.stderr
        assert read_config(tmp_path)["seed"] == 0
    assert subprocess.run(command).returncode == 0


def test_write_json_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "summary.json"
    write_json(path, {"a": 1})
    monkeypatch.setattr(
        os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "x"))
    )
    with pytest.raises(DexjaxError, match="cannot write .*summary.json"):
        write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["summary.json"]


def test_read_json_names_the_file(tmp_path):
    with pytest.raises(DexjaxError, match="none.json"):
        read_json(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"a": ')
    with pytest.raises(DexjaxError, match="half.json is not JSON"):
        read_json(tmp_path / "half.json")
