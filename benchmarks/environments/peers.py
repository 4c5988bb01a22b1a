"""Other systems live in environments of their own, and measure when they are asked to.

An environment is made once, from the pinned requirements in benchmarks/peers. A worker
is a script of that folder, running in one of them (see peers/channel.py).
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from dexjax.cache import cache_folder
from dexjax.errors import DexjaxError

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers"


def variables(python: Path) -> dict[str, str]:
    """The environment variables of a worker: a peer's Python sees only our package.

    dexjax itself need not be installed where a worker runs; and the last line of what
    it says has to be the error, not a remark of JAX's on how it is shown.
    """
    paths = [str(ROOT)]
    if str(python) == sys.executable and os.environ.get("PYTHONPATH"):
        paths.append(os.environ["PYTHONPATH"])
    more = {"PYTHONPATH": os.pathsep.join(paths), "JAX_TRACEBACK_FILTERING": "off"}
    return os.environ | more


def environments_folder() -> Path:
    """Where the environments are by default."""
    return cache_folder("peers")


def environment(name: str, folder: Path) -> Path:
    """The Python of a peer's own environment, which is made on first use.

    Args:
        name: of the requirements, benchmarks/peers/<name>.txt.
        folder: of all environments.

    Raises:
        DexjaxError: if it cannot be made.
    """
    requirements = PEERS / f"{name}.txt"
    home = (folder / name).absolute()
    python, ready = home / "bin" / "python", home / "ready"
    wanted = requirements.read_text()
    if ready.exists() and ready.read_text() == wanted:
        return python
    if home.exists() and not (home / "pyvenv.cfg").exists():
        raise DexjaxError(f"{home} is no virtual environment: give another --envs")
    print(f"making {home} (minutes, once)", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    _run(name, [sys.executable, "-m", "venv", "--clear", str(home)])
    _run(name, [*pip, "-r", str(requirements)])
    ready.write_text(wanted)
    return python


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise DexjaxError(
            f"cannot make the environment of {name}: {last_line(done.stderr)}"
        )


def last_line(text: str) -> str:
    """Where a program that failed says why."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it did not say why"


class Worker:
    """A process that measures one round whenever it is asked to.

    Attributes:
        about: what it said of itself when it was ready.
    """

    def __init__(self, python: Path, script: str, options: dict, log: Path) -> None:
        """Starts it and waits until it has compiled.

        Args:
            python: of the environment that it runs in.
            script: its file in benchmarks/peers.
            options: what it is told to measure.
            log: file for all that it prints.

        Raises:
            DexjaxError: if it fails.
        """
        self._script, self._log = script, log
        self._process = subprocess.Popen(
            [str(python), str(PEERS / script), json.dumps(options)],
            env=variables(python),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        self.about = self._answer()

    def measure(self) -> dict:
        """One round.

        Raises:
            DexjaxError: if the worker fails.
        """
        # One that has ended cannot be asked; reading its answer says why.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        while line and not line.startswith("{"):
            # Some libraries greet the world when they are imported.
            line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            why = last_line(self._log.read_text())
            raise DexjaxError(f"{self._script} failed: {why}")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> "Worker":
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process."""
        self.close()
