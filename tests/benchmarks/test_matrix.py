"""What the trial of Pythons and versions of jax decides without installing anything."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from dexjax.errors import DexjaxError

ROOT = Path(__file__).resolve().parents[2]
HERE = "{}.{}".format(*sys.version_info)


@pytest.fixture
def matrix(experiment, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return experiment("matrix", "benchmarks")


@pytest.fixture
def environments(matrix):
    return sys.modules["environments.wheels"]


def write_python(path: Path, says: str, status: int = 0) -> Path:
    """A program that answers as a Python would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_shim_that_does_not_run_is_no_python(environments, tmp_path):
    shim = write_python(tmp_path / "shim", "pyenv: command not found", 127)
    other = write_python(tmp_path / "other", "3.12")
    right = write_python(tmp_path / "right", "3.13")
    absent = tmp_path / "absent"
    assert environments.find_python("3.13", [shim, absent, other, right]) == right
    assert environments.find_python("3.13", [shim, absent, other]) is None
    assert environments.find_python(HERE, [Path(sys.executable)])


def test_the_newest_of_pyenv_comes_first(environments, tmp_path, monkeypatch):
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    places = [tmp_path / "versions" / f"3.1{v}" / "bin/python" for v in ("1.9", "1.10")]
    for path in (*places, tmp_path / "versions" / "3.12.0" / "bin/python"):
        write_python(path, "")
    expected = [Path("/bin/python3.11"), *reversed(places)]
    assert environments.candidates("3.11") == expected


def test_colab_has_its_own_versions_beside_its_jax(environments):
    asked = environments.requirements("0.7.2")
    assert asked[:3] == ["jax==0.7.2", "flax==0.11.2", "orbax-checkpoint==0.12.4"]
    assert environments.requirements("0.9.2")[:1] == ["jax==0.9.2"]
    assert environments.requirements("newest")[:1] == ["jax"]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", "it did not say why"),
        ("warning\nerror: no such device\n", "error: no such device"),
        ("Traceback\n  line\nValueError: 3\n", "ValueError: 3"),
        ("F.\nFAILED a::b - boom\nFAILED c::d\n2 failed", "FAILED a::b - boom"),
        ("ERROR: No matching distribution\n[notice] pip", "ERROR: No matching distri"),
    ],
)
def test_a_failure_is_told_in_one_line(environments, output, expected):
    assert environments.why(output).startswith(expected)


def test_a_program_that_fails_hangs_or_is_absent(environments, tmp_path):
    fails = [sys.executable, "-c", "import sys; print('x'); sys.exit(3)"]
    assert environments.run(fails) == (False, "x\n")
    hangs = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert environments.run(hangs, patience=0.5) == (False, "not done within 0 s")
    done = environments.run([tmp_path / "absent"])
    assert not done.ok and "No such file" in done.output


def test_passed_tests_are_counted(matrix):
    assert matrix.passed("....\n12 passed, 1 skipped in 3.2s") == 12
    assert matrix.passed("1 failed, 4 passed in 3.2s") == 4
    assert matrix.passed("no tests ran") == 0


def test_rows_stand_by_python_and_age_of_jax(matrix):
    wanted = [
        ("3.9", "newest"),
        ("3.11", "0.7.2"),
        ("3.11", "0.10.1"),
        ("3.11", "newest"),
        ("3.13", "0.7.2"),
    ]
    rows = [{"python": python, "asked_jax": jax} for python, jax in reversed(wanted)]
    assert [matrix.key_of(row) for row in matrix.ordered(rows)] == wanted


def test_no_python_is_an_error_and_one_that_lacks_is_left_out(
    matrix, tmp_path, monkeypatch, capsys
):
    python = Path(sys.executable)
    monkeypatch.setattr(
        matrix, "candidates", lambda version: [python] if version == HERE else []
    )
    options = matrix.Options(tmp_path, pythons=("3.0", HERE), jax=("0.7.2", "newest"))
    found = matrix.find_pairs(options)
    assert found == {(HERE, "0.7.2"): python, (HERE, "newest"): python}
    assert "Python 3.0 is not here" in capsys.readouterr().err
    with pytest.raises(DexjaxError, match="none of Python 3.0 is on the PATH"):
        matrix.find_pairs(matrix.Options(tmp_path, pythons=("3.0",)))


def test_a_pair_is_tried_once_for_each_commit(matrix, tmp_path, monkeypatch):
    python = Path(sys.executable)
    source = matrix.Source(tmp_path / "w", tmp_path / "t", tmp_path / "p", "new")
    tried = []

    def try_pair(home, python, jax, source):
        tried.append((home.name, jax))
        return dict.fromkeys(matrix.PARTS, "ok")

    monkeypatch.setattr(matrix, "find_python", lambda version, places: python)
    monkeypatch.setattr(matrix, "make_source", lambda folder: source)
    monkeypatch.setattr(matrix, "try_pair", try_pair)
    out = tmp_path / "matrix.json"
    done = {"python": "3.13", "asked_jax": "0.7.2", "commit": "new"}
    old = {"python": "3.13", "asked_jax": "newest", "commit": "old"}
    out.write_text(json.dumps([done, old]))
    rows = matrix.try_all(matrix.Options(tmp_path, ("3.13",), out=out))
    assert tried == [("py3.13-jaxnewest", "newest")]
    assert rows == json.loads(out.read_text())
    assert rows[0] == done
    assert [row["commit"] for row in rows] == ["new", "new"]


def test_the_tests_that_are_run_are_there(matrix):
    assert all((ROOT / "tests" / name).exists() for name in matrix.TESTS)
