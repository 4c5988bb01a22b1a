"""The run folder of `dexjax train base`: unfit, in use, interrupted, resumed, anew."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

from dexjax.errors import DexjaxError
from dexjax.runs import launch, loop, report
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "experiments" / "base.py"

TINY = (
    *("--preset", "smoke", "--object", "box", "--task.starts", "4"),
    *("--ppo.worlds", "8", "--ppo.steps", "25", "--network.widths", "16"),
    *("--env-steps", "800", "--eval-episodes", "8", "--checkpoint-every", "0"),
)


def test_a_fault_before_training_leaves_a_folder_that_can_be_used(
    run, refused, monkeypatch
):
    """The settled start states are only made once the folder is there."""

    def never_rests(*_):
        raise DexjaxError("object 'box' never comes to rest")

    monkeypatch.setattr("dexjax.tasks.grasp.starts.settle_objects", never_rests)
    assert "never comes to rest" in refused(*TINY, "--out", "a")
    # Not "holds a run with another configuration".
    assert "never comes to rest" in refused(*TINY, "--out", "a", "--seed", "3")


def test_no_folder_to_write_in(refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "cannot use file as run folder" in refused(*TINY, "--out", "file")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("mine")
    assert "holds other things than a run" in refused(*TINY, "--out", "thesis")
    assert "holds other things" in refused(*TINY, "--out", "thesis", "--fresh")
    assert (tmp_path / "thesis" / "thesis.tex").read_text() == "mine"


def test_no_space_for_the_configuration(refused, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("dexjax.runs.storage.files.tempfile.mkstemp", full)
    assert "cannot write in a: No space left" in refused(*TINY, "--out", "a")


def test_a_folder_in_use_is_refused(refused, tmp_path):
    with RunFolder.open(tmp_path / "a", {}):
        before = (tmp_path / "a" / "config.yaml").read_bytes()
        line = refused(*TINY, "--out", "a")
        assert "run folder a is in use by another process" in line
        assert "in use" in refused(*TINY, "--out", "a", "--fresh")
        assert (tmp_path / "a" / "config.yaml").read_bytes() == before


def test_a_second_process_is_refused_without_a_traceback(tmp_path):
    """The one case in which the processes are real ones."""
    with RunFolder.open(tmp_path / "a", {}):
        done = subprocess.run(
            [sys.executable, SCRIPT, *TINY, "--out", "a"],
            cwd=tmp_path,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: run folder a is in use"), done.stderr
    # Nor does anything speak of Warp, which is not needed.
    assert done.stderr.count("\n") == 1 and "warp" not in done.stdout.lower()


def once(make):
    """A function that calls `make` the first time and gives its result ever after."""
    made = []

    def remembered(*arguments):
        made.append(made[0] if made else make(*arguments))
        return made[0]

    return remembered


def test_a_run_is_interrupted_by_a_full_disk_resumed_finished_and_kept(
    run, refused, tmp_path, monkeypatch
):
    """One run through everything that can be told about its folder."""
    out = ("--out", "a")
    # One task and one learner for all of it: it is compiled once.
    for name in ("assemble_engine", "training_task", "make_ppo"):
        monkeypatch.setattr(launch, name, once(getattr(launch, name)))
    monkeypatch.setattr(loop, "SAVING", 0)
    monkeypatch.setattr(report, "film", lambda *_: None)
    write = checkpoint._write

    def full_at_three(path, tree, meta):
        if path.name.endswith("3"):
            path.mkdir()
            (path / "half").write_text("written")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, tree, meta)

    monkeypatch.setattr(checkpoint, "_write", full_at_three)
    status, said, error = run(*TINY, *out)
    assert status == 2 and "engine native (auto, on cpu), run folder a" in said
    line = [text for text in error.splitlines() if text.startswith("error: ")]
    assert len(line) == 1 and "Traceback" not in error
    assert "cannot save checkpoint 3" in line[0] and "No space left" in line[0]
    assert "the same command resumes" in line[0]

    line = refused(*TINY, *out, "--seed", "1", "--ppo.steps", "50")
    assert "seed 0 there, 1 now" in line and "ppo.steps 25 there, 50 now" in line
    assert "--fresh" in line

    monkeypatch.setattr(checkpoint, "_write", write)
    status, said, error = run(*TINY, *out)
    assert status == 0 and "Traceback" not in error
    assert "resuming a after iteration 2 (400 steps)" in said
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert summary["env_steps"] == 800 and summary["episodes"] == 8
    assert summary["learner"]["steps"] == 25
    assert f"box: held {summary['success_held']:.1%}" in said

    status, said, _ = run(*TINY, *out)
    assert status == 0 and "a holds a finished run: --fresh starts anew" in said
    assert "another configuration" in refused(*TINY, *out, "--seed", "1")
    assert json.loads((tmp_path / "a" / "summary.json").read_text()) == summary


def test_fresh_starts_anew(run, tmp_path, monkeypatch):
    """Its files are gone before anything is trained."""
    with RunFolder.open(tmp_path / "a", {"seed": 0}) as folder:
        folder.write_summary({"success_held": 1.0})

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "training_task", interrupted)
    status, _, error = run(*TINY, "--out", "a", "--seed", "2", "--fresh")
    assert (status, error) == (130, "interrupted\n")
    assert sorted(os.listdir(tmp_path / "a")) == [".lock", "config.yaml"]
    assert "seed: 2" in (tmp_path / "a" / "config.yaml").read_text()
