"""How long a newcomer waits: for the set-up, and from the command to the first update.

The set-up is `make setup` in a fresh clone. The first update is timed from the start of
the process of `dexjax train base` to the first row of metrics.csv: once with every
cache empty, and then with what that left.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600.0  # s


def clone(work: Path) -> Path:
    """A fresh clone, of what is committed."""
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def setup_seconds(folder: Path) -> float:
    """Of `make setup` in a clone."""
    began = time.monotonic()
    subprocess.run(["make", "setup"], cwd=folder, check=True)
    return time.monotonic() - began


def first_update_seconds(name: str, out: Path, cache: Path, preset: str) -> float:
    """From the start of a training to its first logged update.

    Raises:
        SystemExit: if the training ends or takes too long before it.
    """
    command = [sys.executable, "-m", "dexjax", "train", "base"]
    command += ["--preset", preset, "--object", name, "--out", str(out)]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _has_row(out / "metrics.csv"):
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                sys.exit(f"error: no update of {name} within {PATIENCE:.0f} s")
            time.sleep(0.05)
        return time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _has_row(metrics: Path) -> bool:
    return metrics.exists() and metrics.read_bytes().count(b"\n") > 1


def first_updates(
    name: str, rounds: int, work: Path, preset: str
) -> tuple[float, float]:
    """Seconds to the first update: with empty caches, and with what that left.

    Args:
        name: of the object.
        rounds: with the caches filled; the median counts.
        work: folder for runs and caches.
        preset: of the training.
    """
    cold = first_update_seconds(name, work / "cold", work / "cache", preset)
    warm = sorted(
        first_update_seconds(name, work / f"warm{i}", work / "cache", preset)
        for i in range(rounds)
    )
    return round(cold, 1), round(warm[rounds // 2], 1)
