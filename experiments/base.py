"""Trains a base policy: `python experiments/base.py --object mug`."""

import dataclasses
import re
import sys
import time
from pathlib import Path

from dexjax.errors import main_guard
from dexjax.hands import load_hand
from dexjax.learners.ppo import make_ppo
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.config import BaseConfig, check, preset
from dexjax.runs.launch import launch, show

# The ablations of ResDex's Figure 2 by their short names.
SHORT = {"--observation": "--task.observation", "--reward": "--task.reward"}


def parse(arguments: list[str]) -> BaseConfig:
    """The configuration: the preset's, with what the command line says on top."""
    arguments = [SHORT.get(argument, argument) for argument in arguments]
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
    show(launch(config, lambda task, mesh: make_ppo(task, config.ppo, mesh), started))


if __name__ == "__main__":
    main()
