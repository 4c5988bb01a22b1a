"""Which objects a hand can take without seeing how they are turned.

A geometry-unaware base policy knows where its object is, and no more: it cannot line a
pinch up with something long and flat, nor open wide enough for any side of a bowl.
"""

import numpy as np

from dexjax.objects.object_set import ObjectSet, rotation_matrix

LOWEST = 0.035  # m above the table
WIDEST = 0.1  # m across, where it is narrowest
HEAVIEST = 0.5  # kg
# rad, from which side the width is measured.
_SIDES = np.linspace(0.0, np.pi, 36, endpoint=False)


def handy(objects: ObjectSet) -> np.ndarray:
    """Objects that, at rest, are neither low nor wide nor heavy, (n,) bool."""
    low, wide = np.array([_height_and_width(objects, i) for i in range(len(objects))]).T
    return (low >= LOWEST) & (wide <= WIDEST) & (objects.mass <= HEAVIEST)


def _height_and_width(objects: ObjectSet, index: int) -> tuple[float, float]:
    """Of an object at rest, m; the width is the smallest of all horizontal ones."""
    hulls = objects.hulls[index][objects.hull_mask[index]].reshape(-1, 3)
    lying = hulls @ rotation_matrix(objects.rest_quat[index]).T
    sides = np.stack([np.cos(_SIDES), np.sin(_SIDES)])
    return np.ptp(lying[:, 2]), np.ptp(lying[:, :2] @ sides, axis=0).min()
