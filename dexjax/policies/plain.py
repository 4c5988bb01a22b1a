"""What is read from a description of a policy, as JSON gives it, of the right type."""

from typing import Any


def size(told: Any) -> int:
    """A number of things, one at least.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(told, int) or isinstance(told, bool) or told < 1:
        raise TypeError(f"{told!r:.40} is no size")
    return told


def sizes(told: Any) -> tuple[int, ...]:
    """Sizes of several things."""
    return tuple(map(size, _entries(told)))


def text(told: Any) -> str:
    """A name.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(told, str):
        raise TypeError(f"{told!r:.40} is no name")
    return told


def texts(told: Any) -> tuple[str, ...]:
    """Names of several things."""
    return tuple(map(text, _entries(told)))


def limit(told: Any) -> float:
    """A number above zero.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(told, int | float) or isinstance(told, bool) or not told > 0:
        raise TypeError(f"{told!r:.40} is no limit")
    return float(told)


def switch(told: Any) -> bool:
    """Yes or no.

    Raises:
        TypeError: if it is neither.
    """
    if not isinstance(told, bool):
        raise TypeError(f"{told!r:.40} is neither true nor false")
    return told


def _entries(told: Any) -> list:
    if not isinstance(told, list):
        raise TypeError(f"{told!r:.40} is no list")
    return told
