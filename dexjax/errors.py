"""The one error a user sees, and how a command line ends with it."""

import functools
import sys
from collections.abc import Callable


class DexjaxError(ValueError):
    """Bad input, said in one line: the offending value and what would be right."""


def main_guard(main: Callable[[], None]) -> Callable[[], None]:
    """Wraps a command's main: bad input becomes one line and exit status 2.

    So do a full disk or a file that may not be read, and an interruption (status 130).
    """

    @functools.wraps(main)
    def guarded() -> None:
        try:
            main()
        except DexjaxError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            print(f"error: {where}{error.strerror or error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(130)

    return guarded
