"""On which Pythons and versions of jax dexjax works, found out by trying each.

    python benchmarks/matrix.py --folder FOLDER [--pythons 3.13] [--jax 0.7.2 newest]

Every pair has an environment of its own in FOLDER, with nothing but the wheel, its
extras `view` and `gym`, what they need and what runs tests and notebooks. There the
installed command trains a little, the lines of the README load every shipped policy and
let it act, those tests run that take seconds, and the notebook runs without a screen.
Writes benchmarks/results/matrix.json, one row a pair as soon as it is done; a pair that
has a row of the same commit is not tried again.
"""

import dataclasses
import re
import sys
import time
from pathlib import Path

import tyro
from environments.wheels import (
    NEWEST,
    Source,
    candidates,
    find_python,
    make_environment,
    make_source,
    run,
    versions,
    why,
)

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json, write_json

OUT = Path(__file__).resolve().parent / "results" / "matrix.json"
PARTS = ("install", "training", "api", "tests", "notebook")
SKIPPED = "not tried"

TRAINING = (
    *("train", "base", "--preset", "smoke", "--object", "box", "--env-steps", "4096"),
    *("--eval-episodes", "8", "--task.starts", "8", "--out", "run", "--fresh"),
)
LINES = """
import dexjax, jax
for name in dexjax.policies():
    policy = dexjax.load(name)
    task = dexjax.make("grasp", hand="shadow", objects="mug", sees=policy, starts=2)
    worlds = jax.vmap(task.reset)(jax.random.split(jax.random.key(0), 2))
    carry = policy.init(2)
    step = jax.jit(jax.vmap(task.step))
    action, carry = policy.act(worlds.obs, carry, jax.random.key(1))
    worlds = step(worlds, action)
    result = dexjax.evaluate(task, policy, episodes=2, seed=0)
    print(name, result.success, result.interval)
result.film("rollout.mp4")
"""
# All that differs between versions of jax, flax and orbax: calls to the host, networks,
# policies, their checkpoints, and what maps and reshapes arrays.
TESTS = (
    "physics/test_host_call.py",
    "networks",
    "policies",
    "runs/test_checkpoint.py",
    "runs/test_checkpoint_damage.py",
    "runs/test_checkpoint_saving.py",
    "learners/test_worlds.py",
    "learners/test_ppo_loss.py",
    "test_spec.py",
    "test_rotations.py",
    "hands/test_description.py",
    "test_gym.py",
)
NOTEBOOK = "benchmarks/test_notebook.py"


@dataclasses.dataclass(frozen=True)
class Options:
    """Tries pairs of a Python and a version of jax.

    Attributes:
        folder: of the environments, kept between runs.
        pythons: versions of Python; those that are not here are left out.
        jax: versions of jax; "newest" is the newest that pip finds for a Python.
        out: JSON file to write.
    """

    folder: Path
    pythons: tuple[str, ...] = ("3.11", "3.12", "3.13")
    jax: tuple[str, ...] = ("0.7.2", NEWEST)
    out: Path = OUT


def programs(home: Path, source: Source) -> dict[str, list]:
    """What is run in an environment: name of the part -> command."""
    python = home / "bin" / "python"
    pytest = [python, "-P", "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"]
    pytest += ["-c", source.settings]
    return {
        "training": [home / "bin" / "dexjax", *TRAINING],
        "api": [python, "-P", "-c", LINES],
        "tests": [*pytest, *(source.tests / t for t in TESTS)],
        "notebook": [*pytest, source.tests / NOTEBOOK],
    }


def try_pair(home: Path, python: Path, jax: str, source: Source) -> dict:
    """The row of one pair: versions, and of each part "ok" or why not, and its seconds.

    Args:
        home: folder of its environment.
        python: that this is made with.
        jax: version of jax, or "newest".
        source: of wheel and tests.
    """
    row: dict = {f"{part}_s": None for part in PARTS} | dict.fromkeys(PARTS, SKIPPED)
    began = time.monotonic()
    done = make_environment(home, python, jax, source)
    row["install"] = "ok" if done.ok else why(done.output)
    row["install_s"] = round(time.monotonic() - began, 1)
    if not done.ok:
        return row
    work = home / "work"
    work.mkdir(exist_ok=True)
    try:
        row["versions"] = versions(home, work)
    except DexjaxError as error:
        return row | {"install": str(error)}
    variables = {"XDG_CACHE_HOME": str(home / "cache")}
    for part, command in programs(home, source).items():
        began = time.monotonic()
        done = run(command, work, variables)
        (work / f"{part}.log").write_text(done.output)
        row[part] = "ok" if done.ok else why(done.output)
        row[f"{part}_s"] = round(time.monotonic() - began, 1)
        if part == "tests":
            row["tests_passed"] = passed(done.output)
        print(f"  {part}: {row[part]} ({row[f'{part}_s']:.0f} s)", flush=True)
    return row


def passed(output: str) -> int:
    """How many tests pytest says have passed."""
    found = re.findall(r"(\d+) passed", output)
    return int(found[-1]) if found else 0


def find_pairs(options: Options) -> dict[tuple[str, str], Path]:
    """The pairs that can be tried: (version of Python, of jax) -> its program.

    Raises:
        DexjaxError: if none of these Pythons is here.
    """
    found = {v: find_python(v, candidates(v)) for v in options.pythons}
    for version in (v for v, path in found.items() if path is None):
        print(f"Python {version} is not here: left out", file=sys.stderr)
    here = {version: path for version, path in found.items() if path is not None}
    if not here:
        wanted = ", ".join(options.pythons)
        raise DexjaxError(
            f"none of Python {wanted} is on the PATH or among pyenv's: install one, "
            "or name another by --pythons"
        )
    return {(version, jax): here[version] for version in here for jax in options.jax}


def key_of(row: dict) -> tuple[str, str]:
    """The pair that a row is of."""
    return row["python"], row["asked_jax"]


def ordered(rows: list[dict]) -> list[dict]:
    """Rows by Python, and for each the oldest jax first."""

    def place(row: dict) -> tuple:
        python, jax = key_of(row)
        numbers = [int(n) for n in re.findall(r"\d+", jax)]
        minor = [int(n) for n in python.split(".")]
        return minor, jax == NEWEST, numbers

    return sorted(rows, key=place)


def left(seconds: list[float], pairs: int) -> str:
    """How long so many pairs will take, judged by those that were tried."""
    if not seconds or not pairs:
        return ""
    return f", {pairs * sum(seconds) / len(seconds) / 60:.0f} min left"


def try_all(options: Options) -> list[dict]:
    """Tries every pair that has no row yet, and writes after each.

    Raises:
        DexjaxError: if there is no Python, or the wheel cannot be built.
    """
    pairs = find_pairs(options)
    folder = options.folder.expanduser().absolute()
    source = make_source(folder)
    rows = read_json(options.out) if options.out.exists() else []
    known = {key_of(row) for row in rows if row["commit"] == source.commit}
    todo = [pair for pair in pairs if pair not in known]
    took: list[float] = []
    for number, (version, jax) in enumerate(todo):
        until = left(took, len(todo) - number)
        print(f"[{number + 1}/{len(todo)}] Python {version}, jax {jax}{until}")
        began = time.monotonic()
        home = folder / f"py{version}-jax{jax}"
        row = {"python": version, "asked_jax": jax}
        row |= try_pair(home, pairs[version, jax], jax, source)
        where = provenance() | {"commit": source.commit}
        # The versions that count are those of the environment, not of this process.
        where.pop("versions")
        took.append(time.monotonic() - began)
        rows = [old for old in rows if key_of(old) != (version, jax)]
        rows = ordered([*rows, row | where])
        write_json(options.out, rows)
    return rows


@main_guard
def main() -> None:
    """Reads the command line, and says which pairs failed."""
    rows = try_all(tyro.cli(Options))
    faults = [(row, part) for row in rows for part in PARTS if row[part] != "ok"]
    for row, part in faults:
        print(f"Python {row['python']}, jax {row['asked_jax']}, {part}: {row[part]}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
