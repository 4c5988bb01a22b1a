"""Prints the paper's tables with our figures: `python experiments/tables.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax tables`."""
    dispatch(["tables", *sys.argv[1:]])


if __name__ == "__main__":
    main()
