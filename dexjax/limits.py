"""Limits of configurations: stated beside each dataclass, checked in one place."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from dexjax.errors import DexjaxError

T = TypeVar("T")
# Field -> (least, most), both allowed, or all names that it may have.
Limits = Mapping[str, tuple[float, float] | tuple[str, ...]]


def check(config: Any, path: str = "") -> None:
    """Refuses a configuration that cannot be run.

    A dataclass states its limits in a class variable `LIMITS`, and what has to fit
    together in a method `check_fit()`, which raises a `DexjaxError`. Fields that are
    dataclasses themselves are checked likewise.

    Args:
        config: a dataclass.
        path: dotted name of the configuration, with a dot at its end.

    Raises:
        DexjaxError: for an unknown name or a number outside its limits.
    """
    limits: Limits = getattr(type(config), "LIMITS", {})
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        name = path + field.name
        if dataclasses.is_dataclass(value):
            check(value, f"{name}.")
        elif field.name in limits:
            _check_value(name, value, limits[field.name])
    if hasattr(config, "check_fit"):
        config.check_fit()


def one_of(what: str, name: str, choices: Mapping[str, T]) -> T:
    """What stands under a name.

    Raises:
        DexjaxError: for an unknown name; says which there are.
    """
    if name not in choices:
        raise DexjaxError(f"{what} {name!r}: choose from {', '.join(choices)}")
    return choices[name]


def _check_value(name: str, value: Any, allowed: tuple) -> None:
    if isinstance(allowed[0], str):
        for own in value if isinstance(value, tuple) else (value,):
            if own not in allowed:
                what = name.rpartition(".")[2]
                raise DexjaxError(f"{what} {own!r}: choose from {', '.join(allowed)}")
        return
    low, high = allowed
    kinds = (int,) if isinstance(low, int) else (int, float)
    for number in value if isinstance(value, tuple) else (value,):
        if number is None:
            continue
        sound = isinstance(number, kinds) and low <= number <= high
        if not sound:
            raise DexjaxError(
                f"{name} is {number!s:.40}, must be between {low:,} and {high:,}"
            )
