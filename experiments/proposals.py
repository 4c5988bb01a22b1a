"""Finds grasp proposals and tries them out: `python experiments/proposals.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax proposals`."""
    dispatch(["proposals", *sys.argv[1:]])


if __name__ == "__main__":
    main()
