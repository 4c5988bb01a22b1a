"""`dexjax train depth`: PPO from depth images."""

from collections.abc import Sequence

from dexjax.cli.arguments import first, parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.launch import show
from dexjax.systems.depth.policy import DepthRun, train_depth
from dexjax.systems.depth.presets import depth_preset


def run(arguments: Sequence[str]) -> dict:
    """Trains, evaluates and reports; again, it goes on. The summary."""
    usual = depth_preset(first(arguments, preset="laptop")["preset"])
    asked = parse(DepthRun, arguments, usual, "train depth")
    use_compilation_cache()
    summary = train_depth(asked)
    show(summary)
    return summary
