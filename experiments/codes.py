"""Trains the encoder of object codes: `python experiments/codes.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax train codes`."""
    dispatch(["train", "codes", *sys.argv[1:]])


if __name__ == "__main__":
    main()
