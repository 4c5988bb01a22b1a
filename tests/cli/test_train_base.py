"""`dexjax train base` as its user meets it when something is wrong.

Whatever it is: one clear line on stderr, an exit status, no traceback, nothing lost.
"""

import dataclasses
import errno
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from dexjax.cli import train_base
from dexjax.cli.main import main
from dexjax.errors import DexjaxError
from dexjax.objects.dexgraspnet import JOINT_NAMES
from dexjax.runs import launch, loop, report
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder
from dexjax.systems.resdex.presets import PRESETS

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "experiments" / "base.py"
NAME = "core-mug-0123"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function from arguments to (exit status, stdout, stderr), in tmp_path."""
    monkeypatch.chdir(tmp_path)
    # The user's own cache of compiled functions is none of the tests' business.
    monkeypatch.setattr(train_base, "use_compilation_cache", lambda: None)

    def run(*arguments):
        command = ["dexjax", "train", "base", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def refused(run):
    """A function from arguments to the one line with which they are refused."""

    def refused(*arguments):
        status, _, error = run(*arguments)
        assert status == 2
        assert error.startswith("error: ") and error.count("\n") == 1, error
        return error

    return refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--object mugg", "unknown object 'mugg': did you mean mug"),
        ("--object core-mug-0123@0.06", "say where its folder is"),
        ("--object core-mug-1@0.06 --dexgraspnet none", "no DexGraspNet folder 'none'"),
        ("--object mug --size 7", "is 7 m, must be between 0.01 and 0.5 m"),
        ("--object mug --size -0.1", "is -0.1 m, must be between"),
        ("--object mug --size nan", "is nan m, must be between"),
        ("--object none.obj", "none.obj: no such mesh file"),
        ("--object mug:x", "mug:x"),
        ("--preset huge", "preset 'huge': choose from smoke, laptop, gpu, paper"),
        ("--preset=huge", "preset 'huge': choose from smoke, laptop, gpu, paper"),
        ("--engine bullet", "engine 'bullet': choose from auto, native, mjx"),
        ("--hand shadwo", "unknown hand 'shadwo': choose from ['shadow']"),
        ("--wrist rope", "wrist 'rope': choose from servo, wrench"),
        (
            "--task.reward bas",
            "reward 'bas': choose from base, full-pose, stage1, stage2",
        ),
        ("--task.observation all", "observation 'all': choose from geometry-unaware"),
        ("--ppo.worlds 0", "ppo.worlds is 0, must be between 1 and 1,000,000"),
        ("--ppo.worlds -4", "ppo.worlds is -4, must be between"),
        ("--network.widths 64 0", "network.widths is 0, must be between"),
        ("--ppo.minibatches 7", "ppo.minibatches is 7, must divide"),
        ("--ppo.discount 1.5", "ppo.discount is 1.5, must be between 0.0 and 1.0"),
        ("--ppo.learning-rate nan", "ppo.learning_rate is nan, must be between"),
        ("--ppo.learning-rate-range 1e-2 1e-4", "from 0.01 down to 0.0001"),
        ("--env-steps 0", "env_steps is 0, must be between 1 and 2,000,000,000"),
        ("--env-steps 3000000000", "env_steps is 3000000000, must be between"),
        ("--eval-episodes 0", "eval_episodes is 0, must be between"),
        ("--checkpoint-every -1", "checkpoint_every is -1.0, must be between"),
        ("--seed -1", "seed is -1, must be between 0 and 2,000,000,000"),
        ("--stop-at 95", "stop_at is 95.0, must be between 0.0 and 1.0"),
        ("--task.starts 0", "task.starts is 0, must be between"),
        ("--task.held-steps 300", "task.held_steps is 300, must be at most"),
        ("--seed three", "Error parsing --seed: invalid literal"),
        ("--sead 3", "Unrecognized options: --sead"),
        ("--seed", "Missing value for argument '--seed'"),
        ("mug", "Unrecognized options: mug"),
    ],
)
def test_a_wrong_argument_is_one_line_and_leaves_nothing(
    refused, tmp_path, arguments, said
):
    assert said in refused(*arguments.split())
    assert os.listdir(tmp_path) == []


def test_a_misspelt_option_is_told_the_right_one(refused):
    assert "did you mean --seed" in refused("--sead", "3")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_passes_the_check(name):
    PRESETS[name].check()


def test_every_limit_is_of_a_field_that_exists():
    """One of a field that has been renamed would check nothing."""

    def limits(config):
        names = {field.name for field in dataclasses.fields(config)}
        assert set(getattr(type(config), "LIMITS", {})) <= names
        parts = [getattr(config, name) for name in names]
        return 1 + sum(limits(p) for p in parts if dataclasses.is_dataclass(p))

    assert limits(PRESETS["smoke"]) == 6


def test_help_is_no_error(run):
    status, said, error = run("--help")
    assert (status, error) == (0, "") and "largest extent of a mesh file" in said


MESHES = {
    "empty.obj": (b"", "is empty"),
    "points.obj": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "holds no faces|cannot be read"),
    "noise.stl": (bytes(range(256)) * 3, "it is cut off"),
    "noise.glb": (b"glTF" + bytes(range(200)), "is glTF version"),
    "noise.ply": (b"ply\nformat ascii 1.0\nelement ver", "header has no end"),
    "text.txt": (b"a mug", ".txt files are not read"),
    "nan.obj": (b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "finite|cannot be read"),
}


@pytest.mark.parametrize("name", MESHES)
def test_a_mesh_that_is_none(refused, tmp_path, name):
    content, said = MESHES[name]
    (tmp_path / name).write_bytes(content)
    assert any(part in refused("--object", name) for part in said.split("|"))


def test_a_mesh_of_absurd_size(refused, tmp_path):
    trimesh.creation.box((80, 60, 60)).export(tmp_path / "millimetres.stl")
    line = refused("--object", "millimetres.stl")
    assert "largest extent is 80 m" in line and "give --size in metres" in line
    assert "--size is 80 m" in refused("--object", "millimetres.stl", "--size", "80")


@pytest.fixture
def dexgraspnet(tmp_path):
    """A folder of format A with one good object."""
    folder = tmp_path / "data"
    (folder / "dataset").mkdir(parents=True)
    coacd = folder / "meshdata" / NAME / "coacd"
    coacd.mkdir(parents=True)
    cube = trimesh.creation.box((1, 1, 1))
    lines = ["o convex_0", *("v {} {} {}".format(*v) for v in cube.vertices)]
    lines += ["f {} {} {}".format(*(f + 1)) for f in cube.faces]
    (coacd / "decomposed.obj").write_text("\n".join(lines))
    wrist = ("WRJRx", "WRJRy", "WRJRz", "WRJTx", "WRJTy", "WRJTz")
    qpos = dict.fromkeys([*wrist, *(f"robot0:{j}" for j in JOINT_NAMES)], 0.1)
    np.save(_grasps(folder), np.array([{"qpos": qpos, "scale": 0.06}], object))
    return folder


def _grasps(folder):
    return folder / "dataset" / f"{NAME}.npy"


def _mesh(folder):
    return folder / "meshdata" / NAME / "coacd" / "decomposed.obj"


def _halve(path):
    os.truncate(path, path.stat().st_size // 2)


class Malicious:
    def __reduce__(self):
        return os.system, ("touch marker",)


def _poison(folder):
    array = np.empty(1, object)
    array[0] = Malicious()
    np.save(_grasps(folder), array, allow_pickle=True)
    assert b"marker" in _grasps(folder).read_bytes()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: _halve(_grasps(f)), f"{NAME}.npy"),
        (lambda f: _grasps(f).write_bytes(b""), f"{NAME}.npy"),
        (lambda f: _mesh(f).unlink(), "holds no <name>/coacd/decomposed.obj"),
        (lambda f: _halve(_mesh(f)), "decomposed.obj"),
        (_poison, f"{NAME}.npy"),
    ],
    ids=["half npy", "empty npy", "no mesh", "half mesh", "malicious"],
)
def test_a_damaged_dexgraspnet_folder(refused, dexgraspnet, tmp_path, harm, said):
    harm(dexgraspnet)
    line = refused("--object", f"{NAME}@0.06", "--dexgraspnet", dexgraspnet)
    assert said in line
    assert not (tmp_path / "marker").exists()


def test_the_payload_would_have_run(tmp_path, monkeypatch):
    """Else the test above proves nothing."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Malicious()))
    assert (tmp_path / "marker").exists()


def test_a_dexgraspnet_name_or_scale_that_is_wrong(refused, dexgraspnet):
    folder = ("--dexgraspnet", dexgraspnet)
    assert NAME in refused("--object", "core-mug-0124@0.06", *folder)
    assert f"{NAME}@0.06" in refused("--object", NAME, *folder)
    assert "must be between" in refused("--object", f"{NAME}@60", *folder)


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
