"""Where a result comes from: commit, device, date, versions."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import jax

_PACKAGES = ("dexjax", "jax", "jaxlib", "mujoco", "mujoco-mjx", "flax", "optax")


def provenance() -> dict:
    """Where a result comes from: {commit, device, date, versions}."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "commit": commit(),
        "device": device(),
        "date": now.isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def commit(folder: Path | None = None) -> str:
    """The git commit that the code is of, "+changes" if edited; "unknown" without git.

    Args:
        folder: a folder of the repository; by default where this package lies.
    """
    folder = folder or Path(__file__).resolve().parents[3]
    # An installed package may lie below somebody else's repository.
    if not (folder / ".git").exists():
        return "unknown"
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return "unknown"
    # Result files that a benchmark has just written are no change of the code.
    code = (".", ":!benchmarks/results")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *code)
    return head + ("+changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def device() -> str:
    """The device JAX computes on, e.g. "cpu: 2 cores, Xeon" or "gpu: 1 x H100"."""
    devices = jax.devices()
    first = devices[0]
    if first.platform == "cpu":
        return f"cpu: {usable_cores()} cores, {_cpu_name()}"
    return f"{first.platform}: {len(devices)} x {first.device_kind}"


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
