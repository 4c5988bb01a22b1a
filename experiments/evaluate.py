"""Measures a policy on fresh episodes: `python experiments/evaluate.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax evaluate`."""
    dispatch(["evaluate", *sys.argv[1:]])


if __name__ == "__main__":
    main()
