"""Films an agent that knows nothing: `python experiments/play.py --agent random`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax play`."""
    dispatch(["play", *sys.argv[1:]])


if __name__ == "__main__":
    main()
