"""`dexjax dexgen`: the whole of DexterityGen, made and measured."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.cli.dexgen_study import show
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.dexgen.pipeline import DexgenOptions, run_dexgen


def run(arguments: Sequence[str]) -> list[dict]:
    """Makes and measures what is missing and prints the table. All rows."""
    options = parse(DexgenOptions, arguments, DexgenOptions(), "dexgen")
    use_compilation_cache()
    rows = run_dexgen(options)
    show(rows)
    return rows
