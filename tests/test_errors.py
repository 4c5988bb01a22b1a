"""What a user sees of any error: one line, whoever raised it."""

import os
import subprocess
import sys

import pytest

from dexjax.errors import DexjaxError, explained, main_guard


def ended(error, capsys):
    """Exit status and stderr of a command that ends with an error."""

    @main_guard
    def main():
        raise error

    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DexjaxError("a\n  b"), "a b"),
        (MemoryError(), "out of memory: choose fewer worlds or smaller networks"),
        (
            RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"),
            "out of memory: choose fewer worlds or smaller networks",
        ),
        (OSError(28, "No space left on device", "a.csv"), "a.csv: No space left on"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
        (ValueError("mujoco: bad XML\nline 3"), "MuJoCo: mujoco: bad XML line 3"),
    ],
)
def test_an_error_of_input_or_machine_is_one_line(error, said, capsys):
    status, line = ended(error, capsys)
    assert status == 2 and line.startswith(f"error: {said}") and line.count("\n") == 1


def test_an_interruption_is_none(capsys):
    assert ended(KeyboardInterrupt(), capsys) == (130, "interrupted\n")


def test_a_fault_of_our_own_keeps_its_traceback_in_a_file(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    status, line = ended(IndexError("list index\nout of range"), capsys)
    assert (
        status == 1 and line.count("\n") == 1 and "IndexError: list index out" in line
    )
    (file,) = tmp_path.iterdir()
    assert str(file) in line and "Traceback" in file.read_text()
    assert explained(RuntimeError("INTERNAL")) is None


def test_a_fault_without_a_place_for_its_traceback_is_told_all_the_same(
    capsys, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    status, line = ended(IndexError("7"), capsys)
    assert status == 1 and line == "error: a fault of dexjax itself, IndexError: 7\n"


def dexjax(*words, cwd, script=(), **environment):
    """A real process; None takes a variable away."""
    own = {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(cwd / "cache")} | environment
    given = {n: x for n, x in (os.environ | own).items() if own.get(n, "") is not None}
    command = [sys.executable, *(script or ("-m", "dexjax")), *map(str, words)]
    done = subprocess.run(
        command, cwd=cwd, env=given, capture_output=True, encoding="utf-8", timeout=300
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("platform", ["cuda", "wombat"])
def test_a_device_that_is_not_there(tmp_path, platform):
    done = dexjax(
        *("train", "base", "--preset", "smoke", "--object", "box", "--out", "a"),
        cwd=tmp_path,
        JAX_PLATFORMS=platform,
    )
    lines = [x for x in done.stderr.splitlines() if x.startswith("error: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stderr
    assert f"JAX_PLATFORMS={platform} names what JAX does not find here" in lines[0]
    assert done.stderr.splitlines() == lines


# A user whom the system does not know, as in many containers.
UNKNOWN = """
import pathlib, sys
def unknown(self):
    raise RuntimeError("Could not determine home directory.")
pathlib.Path.expanduser = unknown
sys.argv[0] = "dexjax"
from dexjax.cli.main import main
main()
"""


def test_a_user_without_a_home(tmp_path):
    done = dexjax(
        *("objects", "import", "box"),
        cwd=tmp_path,
        script=("-c", "from dexjax.cache import cache_folder as c; print(c('meshes'))"),
        HOME=None,
        XDG_CACHE_HOME=None,
    )
    assert done.returncode == 0 and "dexjax" in done.stdout
    done = dexjax(
        *("objects", "import", "box"),
        cwd=tmp_path,
        script=("-c", UNKNOWN),
        HOME=None,
        XDG_CACHE_HOME=None,
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 0 and done.stdout.startswith("box: "), done.stderr


def test_letters_that_the_terminal_has_not(tmp_path):
    """Read as they are, and told as well as may be."""
    done = dexjax(
        *("objects", "import", "Tüte.obj"),
        cwd=tmp_path,
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 2
    assert done.stderr == r"error: T\xfcte.obj: no such mesh file" + "\n"
    (tmp_path / "Tüte.obj").write_text(
        "v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
    )
    done = dexjax(
        *("objects", "import", "Tüte.obj"), cwd=tmp_path, PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0 and done.stdout.startswith(r"T\xfcte-"), done.stderr


def test_nobody_reads_to_the_end(tmp_path):
    """As under `| head`."""
    command = f"{sys.executable} -m dexjax objects list everyday/train | head -1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.count("\n") == 1 and done.stderr == ""


def test_double_precision_is_refused(tmp_path):
    """Asked for by the environment; everything here is float32."""
    done = dexjax(
        *("train", "base", "--preset", "smoke", "--object", "box", "--out", "a"),
        cwd=tmp_path,
        JAX_ENABLE_X64="1",
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "JAX_ENABLE_X64" in done.stderr and not (tmp_path / "a").exists()
