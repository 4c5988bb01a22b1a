"""Trains a hyper-policy and its base policies: `python experiments/hyper.py --k 4`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax train hyper`."""
    dispatch(["train", "hyper", *sys.argv[1:]])


if __name__ == "__main__":
    main()
