"""Devices that a learner spreads its worlds over."""

import jax
import numpy as np
from jax.sharding import Mesh

from dexjax.errors import DexjaxError

WORLDS = "worlds"  # axis of a mesh that the worlds are spread over


def worlds_mesh(devices: int) -> Mesh:
    """A mesh of devices to spread the worlds over.

    Raises:
        DexjaxError: if there are not that many.
    """
    present = jax.devices()
    if not 1 <= devices <= len(present):
        raise DexjaxError(
            f"{devices} devices: choose 1 to {len(present)}, as many as JAX has here"
        )
    return Mesh(np.array(present[:devices]), (WORLDS,))
