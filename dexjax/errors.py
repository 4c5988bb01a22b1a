"""The one error a user sees, and how a command line ends with it."""

import functools
import sys
from collections.abc import Callable

_FULL = "RESOURCE_EXHAUSTED"


class DexjaxError(ValueError):
    """Bad input, said in one line: the offending value and what would be right."""


def main_guard(main: Callable[[], None]) -> Callable[[], None]:
    """Wraps a command's main: bad input becomes one line and exit status 2.

    So do a full disk or a file that may not be read, too little memory, and an
    interruption (status 130).
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
        except (MemoryError, RuntimeError) as error:
            # So JAX says that a device's memory is full.
            if isinstance(error, RuntimeError) and _FULL not in str(error):
                raise
            print("error: out of memory: choose fewer worlds", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(130)

    return guarded
