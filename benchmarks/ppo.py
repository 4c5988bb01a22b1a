"""Our PPO against Brax's on equal shapes: the update, and the whole iteration.

    python benchmarks/ppo.py [--envs FOLDER] [--out FILE.json] [--alone]

Both train on the same linear system, which costs next to nothing, with the laptop
preset: the same observation and action sizes, hidden layers, worlds, unroll, epochs and
minibatches, observation normalisation, value clipping and KL-adaptive step size. Each
runs in processes that are asked in turn, round after round. Brax runs on the newest jax
that it works on; ours runs on its own jax and on Brax's.

Brax's training step is closed up in its `train`, so what counts as an update is taken
from outside and alike for both: the time of a whole iteration less that of its rollout
alone, which each system's own rollout function is timed for. It thus holds all that is
done with a rollout: statistics, values, advantages, shuffling and gradient steps. Brax
estimates values and advantages anew in every minibatch, we do so once an iteration.
Where values are clipped, as here, both evaluate the old ones during the rollout.

Ratios are the median over rounds of theirs / ours in seconds: above 1, ours is the
faster. `ratio` is of the update against ours on its own jax, `ratio_same_jax` against
ours on Brax's. With --alone only ours is measured, which needs nothing set up. Writes
benchmarks/results/ppo.json.
"""

import contextlib
import dataclasses
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import tyro
from environments.peers import Worker, environment, environments_folder

from dexjax.errors import main_guard
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import PpoRun
from dexjax.runs.storage.files import write_json
from dexjax.systems.resdex.presets import preset

OUT = Path(__file__).resolve().parent / "results" / "ppo.json"
OBSERVATION = 168  # of the laptop preset's task
ACTIONS = 24
SHOWN = ("system", "update_s", "iteration_s", "ratio", "ratio_same_jax")
OURS = "dexjax"
BRAX = "Brax 0.14.2"
OURS_ON_BRAX_JAX = "dexjax on Brax's jax"


class Times(NamedTuple):
    """Seconds of one iteration, and of what it does beside rolling out."""

    update: float
    iteration: float


def times(answer: dict) -> Times:
    """What a worker measured in a round."""
    iteration = answer["iteration_s"]
    return Times(iteration - answer["rollout_s"], iteration)


def start_workers(
    stack: contextlib.ExitStack, options: dict, rounds: int, envs: Path | None
) -> dict[str, Worker]:
    """Starts the three systems, one after the other; only ours without `envs`."""
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    kinds: dict[str, tuple] = {OURS: (Path(sys.executable), "dexjax_ppo.py", {})}
    if envs is not None:
        brax = environment("brax", envs)
        kinds[BRAX] = (brax, "brax_ppo.py", {"rounds": rounds})
        kinds[OURS_ON_BRAX_JAX] = (brax, "dexjax_ppo.py", {})
    return {
        system: stack.enter_context(
            Worker(python, script, options | more, logs / f"{number}.log")
        )
        for number, (system, (python, script, more)) in enumerate(kinds.items())
    }


def make_rows(measured: dict[str, list[Times]]) -> list[dict]:
    """One row per system: medians, and ratios to ours of the same round."""
    on_brax_jax = measured.get(OURS_ON_BRAX_JAX)
    return [
        {
            "system": system,
            "update_s": _median(t.update for t in found),
            "iteration_s": _median(t.iteration for t in found),
            "ratio": _ratio("update", found, measured[OURS]),
            "ratio_iteration": _ratio("iteration", found, measured[OURS]),
            "ratio_same_jax": on_brax_jax and _ratio("update", found, on_brax_jax),
        }
        for system, found in measured.items()
    ]


def _median(values) -> float:
    return round(statistics.median(values), 5)


def _ratio(what: str, theirs: list[Times], ours: list[Times]) -> float:
    pairs = zip(theirs, ours, strict=True)
    return round(
        statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs), 3
    )


def compare(run: PpoRun, iterations: int, rounds: int, envs: Path | None) -> list[dict]:
    """The rows of all systems.

    Args:
        run: gives learner and networks of both.
        iterations: of each system in a round.
        rounds: of all systems in turn.
        envs: folder of the peers' environments; None measures ours alone.
    """
    shapes = {"observation": OBSERVATION, "actions": ACTIONS, "iterations": iterations}
    options = shapes | {
        "ppo": dataclasses.asdict(run.ppo),
        "network": dataclasses.asdict(run.network),
    }
    with contextlib.ExitStack() as stack:
        workers = start_workers(stack, options, rounds, envs)
        measured = {system: [] for system in workers}
        for _ in range(rounds):
            for system, worker in workers.items():
                measured[system].append(times(worker.measure()))
        about = {s: {"versions_run": w.about["versions"]} for s, w in workers.items()}
    rows = make_rows(measured)
    return [row | about[row["system"]] | options | provenance() for row in rows]


def benchmark(
    iterations: int = 8,
    rounds: int = 7,
    envs: Path | None = None,
    alone: bool = False,
    out: Path = OUT,
) -> None:
    """Measures both learners and writes the table.

    Args:
        iterations: of each system in a round.
        rounds: of all systems in turn.
        envs: folder of the peers' environments; ~/.cache/dexjax/peers by default.
        alone: ours only.
        out: JSON file to write.
    """
    folder = None if alone else envs or environments_folder()
    rows = compare(preset("laptop"), iterations, rounds, folder)
    for row in rows:
        print({name: x for name, x in row.items() if name in SHOWN})
    write_json(out, rows)


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
