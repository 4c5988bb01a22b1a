"""One training from its configuration to its report."""

import dataclasses
from collections.abc import Callable

import jax
from jax.sharding import Mesh

from dexjax.learners.devices import worlds_mesh
from dexjax.learners.learner import Learner
from dexjax.runs.assemble import assemble_engine, load_config_objects, training_task
from dexjax.runs.config import RunConfig
from dexjax.runs.folder import RunFolder
from dexjax.runs.memory import check_memory
from dexjax.runs.training import train
from dexjax.tasks.grasp import GraspTask

MakeLearner = Callable[[GraspTask, Mesh | None], Learner]


def launch(config: RunConfig, make_learner: MakeLearner, started: float) -> dict:
    """Trains, evaluates and reports, or goes on where an earlier process stopped.

    Args:
        config: of the run; `out` is its folder.
        make_learner: makes the learner of a task, over a mesh of devices or one device.
        started: `time.monotonic()` at the start of the process's work.

    Returns:
        The summary; of a finished run without doing anything.

    Raises:
        DexjaxError: for whatever is wrong with the configuration or the folder.
    """
    assert config.out is not None
    mesh = worlds_mesh(config.devices) if config.devices > 1 else None
    objects = load_config_objects(config)
    engine = assemble_engine(config, objects)
    with RunFolder.open(config.out, dataclasses.asdict(config), config.fresh) as run:
        if run.finished:
            print(f"{run.path} holds a finished run: --fresh starts anew")
            return run.read_summary()
        chosen = f" (auto, on {jax.default_backend()})" * (config.engine == "auto")
        print(f"engine {engine.name}{chosen}, run folder {run.path}")
        task = training_task(config, engine)
        learner = make_learner(task, mesh)
        check_memory(learner, task, config.learner, config.devices)
        trained = train(run, config, learner, task, started)
        from dexjax.runs.report import write_report  # Plots take a second to import.

        return write_report(run, config, learner, trained, task)


def show(summary: dict) -> None:
    """Prints a run's result in one line."""
    low, high = summary["ci95"]
    print(
        f"{summary['object']}: held {summary['success_held']:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%}), "
        f"reached {summary['success_reached']:.1%} of {summary['episodes']} episodes; "
        f"{summary['env_steps']:,} steps in {summary['wall_s'] / 60:.1f} min"
    )
