"""`dexjax resdex`: the whole of ResDex, trained and measured."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.resdex.pipeline.options import Pipeline
from dexjax.systems.resdex.pipeline.pipeline import run_pipeline


def run(arguments: Sequence[str]) -> list[dict]:
    """Trains what is missing, measures what is missing; all rows."""
    options = parse(Pipeline, arguments, Pipeline(), "resdex")
    use_compilation_cache()
    return run_pipeline(options)
