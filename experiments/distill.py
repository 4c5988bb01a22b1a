"""Distils a policy into one that sees points: `python experiments/distill.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax train student`."""
    dispatch(["train", "student", *sys.argv[1:]])


if __name__ == "__main__":
    main()
