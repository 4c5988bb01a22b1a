"""Films the policies that come with dexjax: `python experiments/demo.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax demo`."""
    dispatch(["demo", *sys.argv[1:]])


if __name__ == "__main__":
    main()
