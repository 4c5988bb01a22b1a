"""`dexjax train controller`: diffusion and inverse dynamics from transitions."""

from collections.abc import Sequence

from dexjax.cli.arguments import first, parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.dexgen.controller import (
    ControllerRun,
    controller_run,
    train_controller,
)


def run(arguments: Sequence[str]) -> dict:
    """Trains and measures; again, it goes on. The summary."""
    usual = controller_run(first(arguments, preset="laptop")["preset"])
    asked = parse(ControllerRun, arguments, usual, "train controller")
    use_compilation_cache()
    return train_controller(asked)
