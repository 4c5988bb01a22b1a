"""Dimensions of procedural objects: typical ones, or draws around them."""

import zlib
from typing import TypeVar

import numpy as np

_Choice = TypeVar("_Choice")


class Sizes:
    """Draws dimensions: the typical one for variant 0, else within +- spread.

    Args:
        category: the category that is built; each has its own series of draws.
        variant: 0 for typical dimensions, else which draw.
        seed: another series.
    """

    def __init__(self, category: str, variant: int, seed: int = 0) -> None:
        """Starts the series."""
        self.typical = variant == 0
        self.rng = np.random.default_rng([zlib.crc32(category.encode()), variant, seed])

    def __call__(self, typical: float, spread: float = 0.25) -> float:
        """A length (m) or ratio near `typical`."""
        factor = self.rng.uniform(1 - spread, 1 + spread)
        return typical if self.typical else typical * factor

    def pick(self, typical: _Choice, *others: _Choice) -> _Choice:
        """One of several ways to make a part, the first for typical dimensions."""
        drawn = self.rng.integers(1 + len(others))
        return typical if self.typical else (typical, *others)[drawn]
