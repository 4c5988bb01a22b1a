"""Trains a base policy: `python experiments/base.py --object mug`."""

import dataclasses
import re
import sys
import time
from pathlib import Path

import jax

from dexjax.errors import main_guard
from dexjax.hands import load_hand
from dexjax.learners.devices import worlds_mesh
from dexjax.learners.ppo import make_ppo
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import (
    assemble_engine,
    load_config_objects,
    training_task,
    use_compilation_cache,
)
from dexjax.runs.config import BaseConfig, check, preset
from dexjax.runs.folder import RunFolder
from dexjax.runs.memory import check_memory
from dexjax.runs.training import train


def parse(arguments: list[str]) -> BaseConfig:
    """The configuration: the preset's, with what the command line says on top."""
    found = re.search(r"--preset[= ](\S+)", " ".join(arguments))
    chosen = preset(found.group(1) if found else "laptop")
    config = parse_arguments(BaseConfig, arguments, chosen)
    check(config)
    own = "" if config.hand == "shadow" else f"{load_hand(config.hand).name}-"
    slug = re.sub(r"[^\w.@-]+", "-", own + config.object).strip("-")
    return dataclasses.replace(config, out=config.out or Path("runs/base") / slug)


@main_guard
def main() -> None:
    """Trains, evaluates and reports; the same command again resumes."""
    started = time.monotonic()
    config = parse(sys.argv[1:])
    use_compilation_cache()
    mesh = worlds_mesh(config.devices) if config.devices > 1 else None
    objects = load_config_objects(config)
    engine = assemble_engine(config, objects)
    with RunFolder.open(config.out, dataclasses.asdict(config), config.fresh) as run:
        if run.finished:
            print(f"{run.path} holds a finished run: --fresh starts anew")
            show(run.read_summary())
            return
        chosen = f" (auto, on {jax.default_backend()})" * (config.engine == "auto")
        print(f"engine {engine.name}{chosen}, run folder {run.path}")
        task = training_task(config, engine)
        ppo = make_ppo(task, config.ppo, mesh)
        check_memory(ppo, task, config.ppo, config.devices)
        trained = train(run, config, ppo, task, started)
        from dexjax.runs.report import write_report  # Plots take a second to import.

        show(write_report(run, config, ppo, trained, task))


def show(summary: dict) -> None:
    """Prints the result in one line."""
    low, high = summary["ci95"]
    print(
        f"{summary['object']}: held {summary['success_held']:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%}), "
        f"reached {summary['success_reached']:.1%} of {summary['episodes']} episodes; "
        f"{summary['env_steps']:,} steps in {summary['wall_s'] / 60:.1f} min"
    )


if __name__ == "__main__":
    main()
