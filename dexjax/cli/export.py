"""`dexjax export`: a run's policy without what only training needs."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from dexjax.cli.arguments import parse
from dexjax.runs.stored import export_policy


@dataclasses.dataclass(frozen=True)
class Options:
    """Copies a finished run's policy, configuration and result; nothing else.

    Attributes:
        run: the run's folder.
        out: new folder; it can be evaluated and shown like a run.
    """

    run: Path = Path("runs/base/mug")
    out: Path = Path("exported")


def run(arguments: Sequence[str]) -> dict:
    """Exports and says how large the result is."""
    options = parse(Options, arguments, Options(), "export")
    export_policy(options.run, options.out)
    files = [file for file in options.out.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    print(f"wrote {options.out} ({size / 1e6:.1f} MB)")
    return {"out": str(options.out), "bytes": size, "files": len(files)}
