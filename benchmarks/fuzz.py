"""Gives the command files with something wrong in them, and looks how it ends.

It works, or says in one line what is wrong; everything else is a fault: a traceback, a
crash, no end, a file that is lost, code of the file that runs. The inputs are made from
real ones, anew by every run with the same seed. Commands that would simulate end when
all files are read, and meshes are cut up coarsely but for one input in twenty, since
that is what takes long and not what reads files. Time is CPU time, so that other work
on the machine makes no command hang; one that waits for nothing hangs likewise. Writes
benchmarks/results/fuzz.json.
"""

import collections
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import tyro
from fuzzing.input import Input
from fuzzing.kinds import KINDS, make_input
from fuzzing.pool import Pool
from fuzzing.seeds import Seeds
from fuzzing.strange import CANARY
from fuzzing.worker import Job, Said

from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "results" / "fuzz.json"
GOOD = ("worked", "one line")
BAD = (
    *("several lines", "own fault", "traceback", "crash", "hang"),
    *("file lost", "code run"),
)
# Inputs kept of each outcome that is bad.
_KEPT = 5
_LONGEST = 1500  # characters of one line
_THOROUGH = 20


def contents(folder: Path) -> dict[str, str]:
    """What every file of a folder holds, and where every link points."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def outcome(said: Said | str) -> str:
    """How a command ended, by what it said."""
    if isinstance(said, str):
        return said.split()[0]
    lines = said.err.splitlines()
    if said.status is None or "Traceback (most recent" in said.out + said.err:
        return "traceback"
    if said.status == 0:
        noise = any("Warning: " in line for line in lines)
        return "several lines" if noise else "worked"
    if said.status != 2:
        return "own fault"
    clear = len(lines) == 1 and lines[0].startswith("error: ")
    return "one line" if clear and len(lines[0]) < _LONGEST else "several lines"


def tried(pool: Pool, given: Input, folder: Path) -> tuple[str, Said | str]:
    """Gives one input to the command: how it ended, and what was said."""
    folder.mkdir()
    given.write(folder)
    before = contents(folder)
    said = pool.run(Job(str(folder), given.words, given.plan, given.thorough))
    after = contents(folder)
    if (folder / CANARY).exists():
        return "code run", said
    if any(after.get(path) != what for path, what in before.items()):
        return "file lost", said
    return outcome(said), said


def makers(count: int, seed: int, seeds: Seeds) -> list[Callable[[], Input]]:
    """Makers of the first inputs of a seed, kinds in turns as often as they should."""
    order = [kind for kind, (share, _) in KINDS.items() for _ in range(share)]
    Random(seed).shuffle(order)

    def make(number: int) -> Input:
        kind = order[number % len(order)]
        made = make_input(seeds, kind, Random(f"{seed} {number}"))
        made.thorough = number % _THOROUGH == 0
        return made

    return [lambda number=number: make(number) for number in range(count)]  # type: ignore[misc]


def store(folder: Path, given: Input, said: Said | str, how: str) -> None:
    """Keeps an input, what was typed and what was said."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given.write(folder)
    text = said if isinstance(said, str) else f"{said.status}\n{said.out}\n{said.err}"
    note = f"{given.kind}: {how}\n{given.words!r}\n{text}"
    (folder / "said.txt").write_text(note, errors="backslashreplace")


def main(
    inputs: int = 1000,
    seed: int = 0,
    out: Path = OUT,
    keep: Path | None = None,
    limit: float = 60.0,
) -> None:
    """Tries inputs and counts how the command ended.

    Args:
        inputs: how many.
        seed: of what is wrong with them.
        out: JSON file to write.
        keep: folder for the first few inputs of each outcome that is bad.
        limit: CPU seconds after which a command hangs.
    """
    began = time.monotonic()
    os.environ["OMP_NUM_THREADS"] = "1"
    counts: dict[str, collections.Counter] = collections.defaultdict(
        collections.Counter
    )
    slowest = (0.0, "")
    with tempfile.TemporaryDirectory() as work:
        scratch = Path(work) / "scratch"
        scratch.mkdir()
        seeds, pool = Seeds(scratch), Pool(scratch, limit)
        for number, make in enumerate(makers(inputs, seed, seeds)):
            given, folder = make(), Path(work) / f"input{number}"
            how, said = tried(pool, given, folder)
            counts[given.kind][how] += 1
            if isinstance(said, Said):
                slowest = max(slowest, (said.seconds, f"{given.kind} {number}"))
            if how in BAD:
                print(f"{number} {given.kind}: {how}", flush=True)
                seen = sum(own[how] for own in counts.values())
                if keep is not None and seen <= _KEPT:
                    store(keep / f"{how} {number}".replace(" ", "-"), given, said, how)
            shutil.rmtree(folder, ignore_errors=True)
        pool.close()
    total: collections.Counter = sum(counts.values(), collections.Counter())
    report = {
        "inputs": inputs,
        **{name.replace(" ", "_"): total[name] for name in (*GOOD, *BAD)},
        "by_kind": {kind: dict(counts[kind]) for kind in KINDS if kind in counts},
        "seed": seed,
        "limit_cpu_s": limit,
        "slowest_cpu_s": round(slowest[0], 1),
        "slowest": slowest[1],
        "wall_s": round(time.monotonic() - began, 1),
        **provenance(),
    }
    write_json(out, report)
    print(", ".join(f"{name} {total[name]}" for name in (*GOOD, *BAD)))
    sys.exit(any(total[name] for name in BAD))


if __name__ == "__main__":
    tyro.cli(main)
