"""Trains and measures the whole of ResDex: `python experiments/resdex.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax resdex`."""
    dispatch(["resdex", *sys.argv[1:]])


if __name__ == "__main__":
    main()
