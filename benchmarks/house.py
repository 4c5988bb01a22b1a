"""The house in figures, each with what is aimed at beside it.

    python benchmarks/house.py [--parts rates tests] [--tests-s 512] [--tiny]

Seconds of an import in a fresh process; size of the wheel and of the policies in it;
how long a newcomer waits for a training (see environments/startup.py); how much of raw
stepping the task's pipeline and PPO's iteration reach (see throughput.py); and seconds
of the test suite. Completes benchmarks/results/house.json, one row per figure.
"""

import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import tyro
from environments.startup import clone, first_updates, setup_seconds
from result_tables.completing import complete
from throughput import measured, pipeline_row, ppo_row

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.records.provenance import provenance

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "results" / "house.json"
OBJECT = "mug"
IMPORT = (
    "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
)
NAMES = "from dexjax import evaluate, load, make, train"


class Figure(NamedTuple):
    """One row.

    Attributes:
        what: is measured.
        unit: of the value and the aim.
        value: what was found.
        at_most: what is aimed at, if less is better.
        at_least: what is aimed at, if more is better.
    """

    what: str
    unit: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    def row(self) -> dict:
        """For the result file."""
        reached = None
        if self.at_most is not None:
            reached = self.value <= self.at_most
        if self.at_least is not None:
            reached = self.value >= self.at_least
        return self._asdict() | {"reached": reached}


class Sizes(NamedTuple):
    """How much is measured.

    Attributes:
        imports: fresh processes.
        updates: first updates with the caches filled.
        worlds: of pipeline and iteration.
        rounds: of each, in turn with raw stepping.
        preset: of the trainings whose first update is timed.
    """

    imports: int = 5
    updates: int = 3
    worlds: int = 512
    rounds: int = 31
    preset: str = "laptop"


Part = Literal["imports", "package", "waits", "rates", "tests"]


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        parts: of the table; all by default.
        tests_s: s of the test suite; it is run if this is not given.
        tiny: to see that it works: figures that say nothing.
        out: JSON file to complete.
    """

    parts: tuple[Part, ...] = get_args(Part)
    tests_s: float | None = None
    tiny: bool = False
    out: Path = OUT


TINY = Sizes(imports=1, updates=1, worlds=16, rounds=3, preset="smoke")


def import_seconds(statement: str, rounds: int) -> float:
    """Of an import, in the median of fresh processes."""
    command = [sys.executable, "-c", IMPORT.format(statement)]
    took = [
        float(subprocess.run(command, check=True, capture_output=True).stdout)
        for _ in range(rounds)
    ]
    return round(statistics.median(took), 3)


def imports(sizes: Sizes) -> Iterator[Figure]:
    """What a program waits for the library."""
    seconds = import_seconds("import dexjax", sizes.imports)
    yield Figure("import dexjax", "s", seconds, at_most=1.0)
    seconds = import_seconds(NAMES, sizes.imports)
    yield Figure("import of make, load, train and evaluate", "s", seconds)


def wheel_mb(source: Path, out: Path) -> float:
    """Size of the wheel that is built from a clone."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    command += ["--no-build-isolation", "--no-index", "-w", str(out), str(source)]
    subprocess.run(command, check=True)
    (wheel,) = out.glob("dexjax-*.whl")
    return round(wheel.stat().st_size / 1e6, 2)


def packed(source: Path, work: Path) -> Iterator[Figure]:
    """What is shipped, from a clone."""
    yield Figure("wheel", "MB", wheel_mb(source, work / "wheel"), at_most=12.0)
    files = [file for file in (source / "policies").rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    yield Figure("policies", "MB", round(size, 2), at_most=8.0)
    yield Figure("policies", "files", len(files), at_most=80)


def waits(work: Path, sizes: Sizes) -> Iterator[Figure]:
    """What a newcomer waits for the first update of a training."""
    cold, cached = first_updates(OBJECT, sizes.updates, work, sizes.preset)
    yield Figure("first update, caches empty", "s", cold)
    yield Figure("first update, caches filled", "s", cached)


def rates(sizes: Sizes) -> Iterator[Figure]:
    """Shares of raw stepping, of one object on the native engine."""
    what = ("native", OBJECT, sizes.worlds, sizes.rounds)
    asked = [(call, *what) for call in (pipeline_row, ppo_row)]
    for row, aim in zip(measured(asked, share=False), (0.94, 0.75), strict=True):
        what = f"{row['what']}, {sizes.worlds} worlds"
        yield Figure(what, "of raw", row["ratio_to_raw"], at_least=aim)


def tests_seconds() -> float:
    """Of the test suite.

    Raises:
        DexjaxError: if a test fails.
    """
    began = time.monotonic()
    if subprocess.run(["make", "test"], cwd=ROOT).returncode:
        raise DexjaxError("a test fails: its suite is not timed")
    return round(time.monotonic() - began, 1)


def tested(tests_s: float | None) -> Iterator[Figure]:
    """What who changes it waits for."""
    seconds = tests_seconds() if tests_s is None else tests_s
    yield Figure("test suite", "s", seconds, at_most=540.0)


def figures(options: Options) -> Iterator[Figure]:
    """Those that are asked for, one after the other."""
    sizes = TINY if options.tiny else Sizes()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        if "imports" in options.parts:
            yield from imports(sizes)
        if "package" in options.parts:
            yield from packed(clone(work), work)
        if "waits" in options.parts:
            if not options.tiny:
                seconds = setup_seconds(clone(work / "setup"))
                yield Figure("set-up", "s", round(seconds, 1))
            yield from waits(work, sizes)
        if "rates" in options.parts:
            yield from rates(sizes)
        if "tests" in options.parts:
            yield from tested(options.tests_s)


@main_guard
def main() -> None:
    """Reads the command line, measures and completes the table."""
    options = tyro.cli(Options)
    for figure in figures(options):
        complete(options.out, [figure.row() | provenance()], ("what", "unit"))
        print(f"{figure.what}: {figure.value:g} {figure.unit}", flush=True)


if __name__ == "__main__":
    main()
