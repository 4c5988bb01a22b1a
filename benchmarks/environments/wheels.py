"""Environments of `matrix.py`: a Python, a version of jax, and the wheel of dexjax.

Each is a folder of its own with what pip chose for it, kept between runs. The wheel is
built from what is committed; the tests lie in a clone whose package is taken away, so
that only the installed one can be imported.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dexjax.errors import DexjaxError
from dexjax.runs.records.provenance import commit
from environments.startup import clone

NEWEST = "newest"
# What stands beside a version of jax where it is found; the rest is what pip chooses.
BESIDE = {"0.7.2": ("flax==0.11.2", "orbax-checkpoint==0.12.4")}
EXTRAS = "view,gym"
RUNNERS = ("pytest", "ipykernel", "nbclient")
INSTALLED = ("jax", "jaxlib", "flax", "orbax-checkpoint", "numpy", "mujoco", "dexjax")
ASK_PYTHON = "import sys; print('%d.%d' % sys.version_info[:2])"
ASK_VERSIONS = f"""
import importlib.metadata, json, platform, dexjax
found = {{name: importlib.metadata.version(name) for name in {INSTALLED}}}
found |= {{"python": platform.python_version(), "file": dexjax.__file__}}
print(json.dumps(found))
"""


class Source(NamedTuple):
    """What is tried.

    Attributes:
        wheel: file.
        tests: folder of the tests.
        settings: file of pytest's settings.
        commit: that both are of.
    """

    wheel: Path
    tests: Path
    settings: Path
    commit: str


class Done(NamedTuple):
    """How a program ended.

    Attributes:
        ok: whether as it should.
        output: all that it printed.
    """

    ok: bool
    output: str


def candidates(version: str) -> list[Path]:
    """Where a Python may be: on the PATH, then among pyenv's, the newest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = list(pyenv.glob(f"versions/{version}.*/bin/python"))
    found.sort(key=lambda path: int(path.parents[1].name.split(".")[2]), reverse=True)
    on_path = shutil.which(f"python{version}")
    return [Path(on_path), *found] if on_path else found


def find_python(version: str, places: Iterable[Path]) -> Path | None:
    """The first of some places where this Python is and runs.

    On the PATH may stand a shim of pyenv's for a version that is not switched on.
    """
    for place in places:
        done = run([place, "-c", ASK_PYTHON], patience=60.0)
        if done.ok and done.output.split()[-1:] == [version]:
            return place
    return None


def run(
    command: list,
    cwd: Path | None = None,
    variables: dict[str, str] | None = None,
    patience: float = 1800.0,
) -> Done:
    """Runs a program to its end, or until patience (s) is over."""
    environment = os.environ | {"PYTHONNOUSERSITE": "1"} | (variables or {})
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=patience,
        )
    except OSError as error:
        return Done(False, f"{command[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Done(False, f"not done within {patience:.0f} s")
    return Done(done.returncode == 0, done.stdout)


def make_source(folder: Path) -> Source:
    """The wheel and the tests of what is committed, made once for each commit.

    Raises:
        DexjaxError: if the wheel cannot be built.
    """
    head = commit().removesuffix("+changes")
    home = folder / f"source-{head[:12]}"
    tree = home / "clone"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        clone(home)
        build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", home]
        done = run([*build, tree])
        if not done.ok:
            raise DexjaxError(f"cannot build the wheel: {why(done.output)}")
        shutil.rmtree(tree / "dexjax")
        (home / "ready").touch()
    (wheel,) = home.glob("dexjax-*.whl")
    return Source(wheel, tree / "tests", tree / "pyproject.toml", head)


def requirements(jax: str) -> list[str]:
    """What pip is asked for beside the wheel.

    Args:
        jax: its version, or "newest".
    """
    own = ["jax"] if jax == NEWEST else [f"jax=={jax}", *BESIDE.get(jax, ())]
    return [*own, *RUNNERS]


def make_environment(home: Path, python: Path, jax: str, source: Source) -> Done:
    """Makes an environment, or goes on with the one that is there.

    Args:
        home: its folder.
        python: that it is made with.
        jax: version of jax, or "newest".
        source: of the wheel.
    """
    own = home / "bin" / "python"
    ready = home / "installed"
    if ready.exists() and ready.read_text() == source.commit:
        return Done(True, "")
    if not run([own, "-m", "pip", "--version"]).ok:
        done = run([python, "-m", "venv", "--clear", home])
        if not done.ok:
            return done
    pip = [own, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    # What was the newest when a kept environment was made may no longer be.
    newest = ["--upgrade", "--upgrade-strategy", "eager"]
    wheel = f"{source.wheel}[{EXTRAS}]"
    done = run([*pip, *newest, wheel, *requirements(jax)])
    if done.ok:
        # Every commit has the same version, so that pip keeps an older one's.
        done = run([*pip, "--force-reinstall", "--no-deps", source.wheel])
    if done.ok:
        ready.write_text(source.commit)
    return done


def versions(home: Path, cwd: Path) -> dict[str, str]:
    """What is installed in an environment.

    Raises:
        DexjaxError: if it would import a dexjax other than its own, or none.
    """
    done = run([home / "bin" / "python", "-P", "-c", ASK_VERSIONS], cwd)
    if not done.ok:
        raise DexjaxError(f"{home.name}: {why(done.output)}")
    found = json.loads(done.output.splitlines()[-1])
    file = Path(found.pop("file"))
    if home not in file.parents:
        raise DexjaxError(f"{home.name} imports {file}, not the wheel's")
    return found


def why(output: str) -> str:
    """The one line of a failed program's output that says why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marks = ("FAILED ", "ERROR ", "ERROR: ", "error: ")
    marked = [line for line in lines if line.startswith(marks)]
    return (marked or lines[-1:] or ["it did not say why"])[0]
