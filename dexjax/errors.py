"""The one error a user sees, and how a command line ends with it."""

import functools
import sys
from collections.abc import Callable


class DexjaxError(ValueError):
    """Bad input, said in one line: the offending value and what would be right."""


def main_guard(main: Callable[[], None]) -> Callable[[], None]:
    """Wraps a command's main: a `DexjaxError` becomes one line and exit status 2."""

    @functools.wraps(main)
    def guarded() -> None:
        try:
            main()
        except DexjaxError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)

    return guarded
