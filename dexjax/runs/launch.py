"""One training from its run to its report."""

from collections.abc import Callable
from typing import Any

import jax

from dexjax.learners.learner import Learner
from dexjax.learners.placement import Placement, place
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.runs.assemble import assemble_engine, load_run_objects, training_task
from dexjax.runs.kept import keep
from dexjax.runs.loop import train
from dexjax.runs.memory import check_memory
from dexjax.runs.run import Run
from dexjax.runs.storage.folder import RunFolder
from dexjax.tasks.task import Task

MakeLearner = Callable[[Any, Placement | None], Learner]


def launch(
    run: Run,
    make_learner: MakeLearner,
    started: float,
    option: str = "--ppo.worlds",
) -> dict:
    """Trains, evaluates and reports, or goes on where an earlier process stopped.

    Args:
        run: `out` is its folder.
        make_learner: makes the learner of a task, on several devices or one.
        started: `time.monotonic()` at the start of the process's work.
        option: by which fewer worlds can be asked for.

    Returns:
        The summary; of a finished run without doing anything.

    Raises:
        DexjaxError: for whatever is wrong with the run or the folder.
    """
    assert run.out is not None
    placement = place(run.devices, run.learners) if run.devices > 1 else None
    objects = load_run_objects(run)
    engine = assemble_engine(run, objects)
    with RunFolder.open(run.out.expanduser(), run.plain(), run.fresh) as folder:
        if folder.finished:
            print(f"{folder.path} holds a finished run: --fresh starts anew")
            return folder.read_summary()
        auto = run.scene.engine == "auto"
        chosen = f" (auto, on {jax.default_backend()})" * auto
        print(f"engine {engine.name}{chosen}, run folder {folder.path}")
        keep(folder.path, run, objects)
        task = training_task(run, engine)
        learner = make_learner(task, placement)
        worlds, steps = run.learner.worlds, run.learner.steps
        check_memory(learner, task.spec, worlds, steps, run.devices, option)
        trained = train(folder, run, learner, task, started)
        from dexjax.runs.report import write_report  # Plots take a second to import.

        return write_report(folder, run, learner, trained, task)


def ppo_learner(run: Any) -> Callable[[Task, Placement | None], Learner]:
    """What makes the learner of a run by PPO, which has a `ppo` and a `network`."""

    def make(task: Task, placement: Placement | None) -> Learner:
        networks = Networks(run.network.actor(task.spec), run.network.critic(task.spec))
        return make_ppo(task, networks, run.ppo, placement)

    return make


def show(summary: dict) -> None:
    """Prints a run's result in one line."""
    low, high = summary["ci95"]
    print(
        f"{summary['object']}: held {summary['success_held']:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%}), "
        f"reached {summary['success_reached']:.1%} of {summary['episodes']} episodes; "
        f"{summary['env_steps']:,} steps in {summary['wall_s'] / 60:.1f} min"
    )
