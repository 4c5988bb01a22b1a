"""`dexjax transitions`: experts rolled out into a data set."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.dexgen.transitions import TransitionOptions, collect


def run(arguments: Sequence[str]) -> dict:
    """Collects what is missing; again, it goes on. The summary."""
    options = parse(TransitionOptions, arguments, TransitionOptions(), "transitions")
    use_compilation_cache()
    return collect(options)
