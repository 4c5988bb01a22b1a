"""Our task pipeline against other dexterous-hand tasks: same machine, same run.

    python benchmarks/peers.py [--envs FOLDER] [--out FILE.json]

Ours and theirs step in turn, round after round; a ratio is the median over rounds of
ours / theirs. Each peer runs in an environment of its own, with versions that it works
on (benchmarks/peers/*.txt), made on first use. Writes benchmarks/results/peers.json.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tyro
from environments.peers import Worker, environment, environments_folder
from throughput import make_task, pipeline, seconds

from dexjax.errors import main_guard
from dexjax.runs.records.provenance import provenance, usable_cores
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "peers.json"
OBJECT = "mug"


class Peer(NamedTuple):
    """Another system and its task.

    Attributes:
        system: its name and version.
        environment: name of its requirements in benchmarks/peers.
        script: of its worker there.
        worlds: that it steps together; None for one per core.
        steps: of every world in a round, for a few seconds.
        differs: what differs between its task and ours.
    """

    system: str
    environment: str
    script: str
    worlds: int | None
    steps: int
    differs: str


OURS = (
    "ours: a floating Shadow hand and a hollow mug of convex hulls on a table, 24 "
    "commands, 20 ms a control step in 4 substeps, MuJoCo C"
)
PEERS = (
    Peer(
        system="MuJoCo Playground 0.2.0 LeapCubeReorient",
        environment="playground",
        script="leap_cube.py",
        worlds=128,
        steps=16,
        differs=(
            f"{OURS}; theirs: a fixed LEAP hand with a cube in its palm, 16 commands, "
            "50 ms in 5 substeps, MJX-JAX, jax 0.9.2 (it fails on 0.10)"
        ),
    ),
    Peer(
        system="gymnasium-robotics 1.4.2 HandManipulateBlock-v1",
        environment="gymnasium-robotics",
        script="manipulate_block.py",
        worlds=None,
        steps=1000,
        differs=(
            f"{OURS}, all worlds in one call; theirs: a Shadow hand held at the "
            "forearm with a cube in its palm, 20 commands, 40 ms in 20 substeps, one "
            "process a core, mujoco 3.3.7 (it fails on 3.17)"
        ),
    ),
)


class Rate(NamedTuple):
    """How fast one system went in one round.

    Attributes:
        control: control steps/s.
        physics: physics steps/s.
    """

    control: float
    physics: float


def our_pipeline(worlds: int, calls: int) -> Callable[[], Rate]:
    """The native task pipeline (engine, observation, reward, reset) as a measurement.

    Args:
        worlds: stepped together.
        calls: of it in a round.
    """
    task = make_task("native", OBJECT)
    roll, arguments = pipeline(task, worlds)
    samples = calls * len(arguments[1]) * worlds
    seconds(lambda: roll(*arguments))

    def measure() -> Rate:
        passed = sum(seconds(lambda: roll(*arguments)) for _ in range(calls))
        return Rate(samples / passed, samples * task.engine.substeps / passed)

    return measure


def compare(
    peer: Peer, ours: Callable[[], Rate], rounds: int, envs: Path, log: Path
) -> dict:
    """The row of one peer.

    Args:
        peer: to measure.
        ours: measures our side.
        rounds: of both in turn.
        envs: folder of the peers' environments.
        log: file for what the peer prints.
    """
    worlds = peer.worlds or usable_cores()
    options = {"worlds": worlds, "steps": peer.steps}
    python = environment(peer.environment, envs)
    with Worker(python, peer.script, options, log) as worker:
        substeps = worker.about["substeps"]
        pairs = []
        for _ in range(rounds):
            mine = ours()
            control = worker.measure()["control_steps_per_s"]
            pairs.append((mine, Rate(control, control * substeps)))
    row = {"system": peer.system, **figures(pairs), "substeps": substeps}
    row |= {"worlds": worlds, "differs": peer.differs}
    return row | {"their_versions": worker.about["versions"], **provenance()}


def figures(pairs: list[tuple[Rate, Rate]]) -> dict:
    """Medians over rounds of (ours, theirs): rates of both, and ratios of pairs."""
    mine, theirs = zip(*pairs, strict=True)
    numbers = {}
    for kind in Rate._fields:
        for prefix, rates in (("", theirs), ("our_", mine)):
            middle = statistics.median(getattr(rate, kind) for rate in rates)
            numbers[f"{prefix}{kind}_steps_per_s"] = round(middle)
    for kind in Rate._fields:
        ratios = [getattr(a, kind) / getattr(b, kind) for a, b in pairs]
        numbers[f"ratio_{kind}"] = round(statistics.median(ratios), 2)
    return numbers


def benchmark(
    worlds: int = 512,
    calls: int = 4,
    rounds: int = 7,
    envs: Path | None = None,
    out: Path = OUT,
) -> None:
    """Measures ours against all peers and writes the table.

    Args:
        worlds: of our side.
        calls: of our pipeline in a round, 16 steps of every world each.
        rounds: of ours and theirs in turn.
        envs: folder of the peers' environments; ~/.cache/dexjax/peers by default.
        out: JSON file to write.
    """
    ours = our_pipeline(worlds, calls)
    rows = []
    with tempfile.TemporaryDirectory() as logs:
        for peer in PEERS:
            log = Path(logs) / f"{peer.environment}.log"
            folder = envs or environments_folder()
            rows.append(compare(peer, ours, rounds, folder, log))
            shown = {k: x for k, x in rows[-1].items() if isinstance(x, int | float)}
            print(peer.system, shown)
    write_json(out, rows)


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
