"""Makes and measures the whole of DexterityGen: `python experiments/dexgen.py`."""

import sys

from dexjax.cli.main import dispatch
from dexjax.errors import main_guard


@main_guard
def main() -> None:
    """The same as `dexjax dexgen`."""
    dispatch(["dexgen", *sys.argv[1:]])


if __name__ == "__main__":
    main()
