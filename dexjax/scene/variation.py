"""Variations of a world's physics: what makes further models of every object."""

import dataclasses
import math
from typing import Any

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.objects.object_set import ObjectSet


@dataclasses.dataclass(frozen=True)
class Variation:
    """How the physics of a world differs from the usual one.

    The objects are all that are free, not furniture. Factors multiply what is usual.

    Attributes:
        mass: factor of the objects' masses, and of their inertias with them.
        friction: factor of the objects' sliding friction.
        scale: factor of the objects' lengths; their mass stays.
        gain: factor of all actuators' gains: of kp, and of a servo's damping with it.
        damping: factor of all joints' damping. Explicit Euler bears 4 for the hands
            that come with dexjax.
        gravity: (3,) m/s^2, world frame.
    """

    mass: float = 1.0
    friction: float = 1.0
    scale: float = 1.0
    gain: float = 1.0
    damping: float = 1.0
    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81)

    def __post_init__(self):
        """Raises DexjaxError for a factor that is not positive, or no gravity."""
        for name in ("mass", "friction", "scale", "gain", "damping"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise DexjaxError(f"variation {name} {value}: must be above 0")
        if len(self.gravity) != 3 or not np.isfinite(self.gravity).all():
            raise DexjaxError(
                f"variation gravity {self.gravity}: give three numbers, m/s^2"
            )


def vary_objects(objects: ObjectSet, variations: tuple[Variation, ...]) -> ObjectSet:
    """Every object in every variation, object by object.

    Args:
        objects: n objects.
        variations: v of them.

    Returns:
        n v objects; `mug` is called `mug@1` in variation 1 and by its own name in 0.
    """
    if variations == (Variation(),):
        return objects
    count = len(variations)
    every = objects.subset(np.repeat(np.arange(len(objects)), count))
    labels = ["", *(f"@{i}" for i in range(1, count))] * len(objects)

    def factor(name: str) -> np.ndarray:
        values = [getattr(each, name) for each in variations]
        return np.tile(np.array(values, np.float32), len(objects))

    mass, friction, scale = factor("mass"), factor("friction"), factor("scale")
    arrays: dict[str, Any] = {
        name: _times(getattr(every, name), scale)
        for name in ("hulls", "com", "points", "grasp_translation", "rest_height")
    }
    arrays["mass"] = _times(every.mass, mass)
    arrays["inertia"] = _times(every.inertia, mass * scale**2)
    arrays["friction"] = _times(every.friction, friction)
    names = tuple(map(str.__add__, every.names, labels))
    return dataclasses.replace(every, names=names, **arrays)


def _times(values: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Values (n, …) times factors (n,)."""
    return values * factor.reshape(-1, *[1] * (values.ndim - 1))


def vary_world(spec: mujoco.MjSpec, variation: Variation) -> None:
    """Sets what a variation changes beside the objects.

    Args:
        spec: before it is compiled.
        variation: what to set.
    """
    spec.option.gravity = variation.gravity
    for joint in spec.joints:
        joint.damping = np.asarray(joint.damping) * variation.damping
    for actuator in spec.actuators:
        actuator.gainprm = np.asarray(actuator.gainprm) * variation.gain
        actuator.biasprm = np.asarray(actuator.biasprm) * variation.gain
