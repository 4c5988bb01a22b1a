"""Libraries that could hold transitions on disk, on one shard of made-up steps.

    python benchmarks/storage.py [--worlds 256] [--steps 600]

Each library writes the same steps and reads them again: as a whole, and windows of six
steps at random places straight from the file. The operating system keeps the files in
memory: libraries are compared, not disks. Libraries that are not installed are left
out. The last row is `dexjax.data` itself: its shards are checked and last, and its
windows come from the loader in batches. Writes benchmarks/results/storage.json, one row
per library and packing.
"""

import dataclasses
import functools
import importlib.metadata
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from storing.sample import made_up
from storing.stores import Arrays, Store, stores

from dexjax.data import (
    Steps,
    loader,
    open_folder,
    read_shard,
    spec_of,
    write_shard,
)
from dexjax.errors import DexjaxError, main_guard
from dexjax.hands import load_hand
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "storage.json"
PYTHONS = ("3.11", "3.12", "3.13")
WINDOW = 6  # steps: four of history, two of future
ROUNDS = 3
BATCH, BATCHES = 1024, 100  # of the loader


def measured(store: Store, arrays: dict[str, np.ndarray], windows: int) -> dict:
    """Figures of one store: medians of some rounds.

    Raises:
        DexjaxError: if it does not give back what it was given.
    """
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            path = Path(folder) / f"{number}.npz"  # NumPy insists on the ending
            write_s, _ = timed(lambda p=path: store.write(p, arrays))
            read_s, found = timed(lambda p=path: read_all(store.open(p)))
            if not all(np.array_equal(found[name], arrays[name]) for name in arrays):
                raise DexjaxError(f"{store.name} does not give back what it was given")
            opened, shape = store.open(path), arrays["begins"].shape
            window_s, _ = timed(lambda o=opened, s=shape: read_windows(o, s, windows))
            taken.append((write_s, read_s, windows / window_s))
        size = sum(f.stat().st_size for f in [path, *path.rglob("*")] if f.is_file())
    return figures(store.name, taken, size, arrays)


def measured_own(arrays: dict[str, np.ndarray]) -> dict:
    """The same figures of `dexjax.data`."""
    steps, taken = Steps(**arrays), []
    names = (tuple(f"{kind} {i}" for i in range(50)) for kind in ("object", "turn"))
    spec = spec_of(load_hand("allegro"), *names, experts=("a", "b", "c", "d"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        open_folder(folder, spec)
        for number in range(ROUNDS):
            write_s, _ = timed(lambda n=number: write_shard(folder, n, spec, steps))
            read_s, _ = timed(lambda n=number: read_shard(folder, n))
            found = loader(folder, BATCH)
            next(found)
            drawn = itertools.islice(found, BATCHES)
            window_s, count = timed(lambda d=drawn: sum(1 for _ in d))
            taken.append((write_s, read_s, count * BATCH / window_s))
        size = sum(file.stat().st_size for file in folder.glob("*.h5")) / ROUNDS
    return figures("dexjax.data", taken, size, arrays)


def figures(
    name: str,
    taken: list[tuple[float, float, float]],
    size: float,
    arrays: dict[str, np.ndarray],
) -> dict:
    """A row.

    Args:
        name: of the store.
        taken: s of writing, s of reading, windows per s, of each round.
        size: bytes on disk.
        arrays: that were written.
    """
    nbytes, count = sum(x.nbytes for x in arrays.values()), arrays["begins"].size
    write_s, read_s, rate = map(statistics.median, zip(*taken, strict=True))
    return {
        "store": name,
        "write_mb_s": nbytes / write_s / 1e6,
        "read_mb_s": nbytes / read_s / 1e6,
        "windows_per_s": rate,
        "bytes_per_transition": size / count,
        "plain_bytes_per_transition": nbytes / count,
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of some work, and what it gives."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def read_all(arrays: Arrays) -> dict[str, np.ndarray]:
    """Everything."""
    return {name: array[...] for name, array in arrays.items()}


def read_windows(arrays: Arrays, shape: tuple[int, int], count: int) -> None:
    """Joints, targets and forces of some windows at random places."""
    rng = np.random.default_rng(0)
    for world, t in rng.integers(0, (shape[0], shape[1] - WINDOW), (count, 2)).tolist():
        for name in ("joints", "targets", "forces"):
            arrays[name][world, t : t + WINDOW]


def install_mb(packages: tuple[str, ...]) -> float:
    """What packages take on disk."""
    files = [f for name in packages for f in importlib.metadata.files(name) or ()]
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


def wheels(packages: tuple[str, ...]) -> list[str] | None:
    """For which Pythons a registry has wheels of all; None if it cannot be asked."""
    wanted = [f"{name}=={importlib.metadata.version(name)}" for name in packages]
    found = []
    for python in PYTHONS:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--no-deps", "--only-binary=:all:", "--ignore-installed"]
        command += ["--python-version", python, "--target", tempfile.gettempdir()]
        done = subprocess.run([*command, *wanted], capture_output=True, text=True)
        if done.returncode == 0:
            found.append(python)
    return found or None


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        worlds: of the shard.
        steps: of every world.
        windows: read at random places.
        out: JSON file.
    """

    worlds: int = 256
    steps: int = 600
    windows: int = 300
    out: Path = OUT


def tables(options: Options) -> list[dict]:
    """All rows."""
    arrays = made_up(options.worlds, options.steps)._asdict()
    rows = []
    for store in stores(arrays):
        missing = [name for name in store.needs if not installed(name)]
        if missing:
            print(f"{store.name}: left out, {', '.join(missing)} is not installed")
            continue
        found = measured(store, arrays, options.windows)
        rows.append(found | needs(store.needs))
        tell(rows[-1])
    rows.append(measured_own(arrays))
    rows[-1] |= needs(("h5py",))
    tell(rows[-1])
    return rows


@functools.cache
def needs(packages: tuple[str, ...]) -> dict:
    """What packages ask of a machine."""
    return {
        "install_mb": install_mb(packages),
        "wheels": wheels(packages) if packages else list(PYTHONS),
        "libraries": {name: importlib.metadata.version(name) for name in packages},
    }


def tell(row: dict) -> None:
    """A line of the table."""
    print(
        f"{row['store']:21} write {row['write_mb_s']:5.0f} MB/s, read "
        f"{row['read_mb_s']:5.0f} MB/s, {row['windows_per_s']:7.0f} windows/s, "
        f"{row['bytes_per_transition']:5.1f} bytes a transition, "
        f"{row['install_mb']:4.1f} MB to install, wheels for {row['wheels']}",
        flush=True,
    )


def installed(package: str) -> bool:
    """Whether a package is there."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@main_guard
def main() -> None:
    """Measures one after the other and writes."""
    options = tyro.cli(Options)
    shape = {"worlds": options.worlds, "steps": options.steps}
    rows = [row | shape | provenance() for row in tables(options)]
    write_json(options.out, rows)


if __name__ == "__main__":
    main()
