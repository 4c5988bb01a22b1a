"""`dexjax train hyper`: a hyper-policy and its base policies."""

from collections.abc import Sequence

from dexjax.cli.arguments import first, parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.resdex.hyper import HyperOptions, hyper_options, train_hyper


def run(arguments: Sequence[str]) -> dict:
    """Trains stage by stage; again, it goes on. The last stage's summary."""
    usual = hyper_options(first(arguments, preset="laptop")["preset"])
    options = parse(HyperOptions, arguments, usual, "train hyper")
    use_compilation_cache()
    return train_hyper(options)
