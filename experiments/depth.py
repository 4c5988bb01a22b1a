"""Trains a policy from depth images alone: `python experiments/depth.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax train depth`."""
    dispatch(["train", "depth", *sys.argv[1:]])


if __name__ == "__main__":
    main()
