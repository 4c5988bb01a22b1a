"""`dexjax train base`: PPO on one object or many."""

from collections.abc import Sequence

from dexjax.cli.arguments import first, parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.launch import show
from dexjax.runs.run import PpoRun
from dexjax.systems.resdex.base import train_base
from dexjax.systems.resdex.presets import preset


def run(arguments: Sequence[str]) -> dict:
    """Trains, evaluates and reports; again, it goes on. The summary."""
    usual = preset(first(arguments, preset="laptop")["preset"])
    asked = parse(PpoRun, arguments, usual, "train base")
    use_compilation_cache()
    summary = train_base(asked)
    show(summary)
    return summary
