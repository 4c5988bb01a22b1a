"""`dexjax train expert`: PPO from grasp to grasp in the hand."""

from collections.abc import Sequence

from dexjax.cli.arguments import first, parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.launch import show
from dexjax.systems.dexgen.expert import ExpertRun, train_expert
from dexjax.systems.dexgen.presets import expert_preset


def run(arguments: Sequence[str]) -> dict:
    """Trains, evaluates and reports; again, it goes on. The summary."""
    usual = expert_preset(first(arguments, preset="laptop")["preset"])
    asked = parse(ExpertRun, arguments, usual, "train expert")
    use_compilation_cache()
    summary = train_expert(asked)
    show(summary)
    return summary
