"""Exports a policy to ship it: `python experiments/export.py --run R --out F`."""

import dataclasses
import sys
from pathlib import Path

from dexjax.errors import main_guard
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.policies import export_policy


@dataclasses.dataclass(frozen=True)
class Options:
    """Copies a finished run's policy, configuration and result; nothing else.

    Attributes:
        run: the run's folder.
        out: new folder; it can be evaluated and shown like a run.
    """

    run: Path = Path("runs/base/mug")
    out: Path = Path("policies/mug")


@main_guard
def main() -> None:
    """Exports and says how large the result is."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    export_policy(options.run, options.out)
    files = (file for file in options.out.rglob("*") if file.is_file())
    size = sum(file.stat().st_size for file in files)
    print(f"wrote {options.out} ({size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
