"""Paths as users type them."""

from pathlib import Path

from dexjax.errors import DexjaxError


def expanded(path: Path | str) -> Path:
    """A path with "~" replaced by the user's home.

    Raises:
        DexjaxError: nobody's home is known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DexjaxError(f"{path}: {error}: write the path out") from None
