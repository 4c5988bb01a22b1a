"""`dexjax tables`: the paper's tables with our figures beside them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from dexjax.cli.arguments import parse
from dexjax.runs.storage.files import make_folder, write_text
from dexjax.systems.resdex.pipeline.figures import figures
from dexjax.systems.resdex.pipeline.options import RESULTS
from dexjax.systems.resdex.pipeline.rows import read_rows
from dexjax.systems.resdex.pipeline.tables import TABLES


@dataclasses.dataclass(frozen=True)
class Options:
    """Prints Tables 1 to 5 and draws Figures 2 and 3 from what has been measured.

    Figure 3 comes with learning curves of its policies.

    Attributes:
        results: file that `dexjax resdex` completes.
        out: folder for tables.md and the figures.
    """

    results: Path = RESULTS
    out: Path = Path("runs/tables")


def run(arguments: Sequence[str]) -> dict:
    """Prints and draws; the tables' text."""
    options = parse(Options, arguments, Options(), "tables")
    rows = read_rows(options.results)
    make_folder(options.out)
    text = "\n\n".join(table(rows) for table in TABLES)
    print(text)
    write_text(options.out / "tables.md", text + "\n")
    figures(rows, options.out)
    print(f"\nwrote tables.md, two figures and learning-curves.png to {options.out}")
    return {"tables": text, "out": str(options.out)}
