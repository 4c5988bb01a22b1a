"""Trains a base policy: `python experiments/base.py --object mug`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax train base`."""
    dispatch(["train", "base", *sys.argv[1:]])


if __name__ == "__main__":
    main()
