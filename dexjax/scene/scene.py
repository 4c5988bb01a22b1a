"""What a scene is: models of one size, and where its named things stand in them."""

import dataclasses
from collections.abc import Mapping

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands import Hand
from dexjax.objects.object_set import ObjectSet
from dexjax.scene.carriers import Carrier, Floating
from dexjax.scene.variation import Variation


@dataclasses.dataclass(frozen=True)
class Scene:
    """Models of one hand with each object of a set, in each variation.

    A world holds one of the models by its index, the `object_id` of a `PhysicsState`:
    object by object, and of every object all variations.

    Attributes:
        hand: the hand.
        objects: one row per model: the object that it holds, as it is varied.
        models: compiled, all of equal sizes.
        sensors: name -> slice of `sensordata`.
        joints: name of an entity -> its joints in `qpos` order. "hand" has the
            fingers; "root" is the free joint of a floating hand and "arm" what an arm
            turns about; objects and fixtures go by their own names.
        variations: of the physics of every object.
        carrier: how the hand is carried.
    """

    hand: Hand
    objects: ObjectSet
    models: tuple[mujoco.MjModel, ...]
    sensors: dict[str, slice]
    joints: Mapping[str, tuple[str, ...]]
    variations: tuple[Variation, ...] = (Variation(),)
    carrier: Carrier = Floating()

    @property
    def body(self) -> str:
        """What the actions move, in words."""
        return f"{self.hand.name} hand, {self.carrier}"

    @property
    def model(self) -> mujoco.MjModel:
        """The first model, for everything that all of them share."""
        return self.models[0]

    @property
    def actions(self) -> tuple[str, ...]:
        """The actuators in `ctrl` order."""
        return tuple(self.model.actuator(i).name for i in range(self.model.nu))

    def object_of(self, index):
        """Which object of the set that the scene was made of a model holds.

        Args:
            index: of models, an integer or an array of any shape, NumPy's or JAX's.
        """
        return index // len(self.variations)

    def variation_of(self, index):
        """Which of `variations` a model shows; see `object_of`."""
        return index % len(self.variations)

    def qpos_of(self, name: str) -> slice:
        """Where an entity's joints stand in `qpos`.

        A free joint is position (3,) m and quaternion (4,) wxyz, others are one number,
        m or rad.

        Raises:
            DexjaxError: if there is no such entity.
        """
        return self._span(name, self.model.jnt_qposadr, self.model.nq)

    def qvel_of(self, name: str) -> slice:
        """Where an entity's joints stand in `qvel`; see `qpos_of`.

        A free joint is linear (3,) m/s, world frame, and angular (3,) rad/s, own frame.
        """
        return self._span(name, self.model.jnt_dofadr, self.model.nv)

    def _span(self, name: str, starts: np.ndarray, total: int) -> slice:
        """From an entity's first joint to its last: they are one after another."""
        if name not in self.joints:
            raise DexjaxError(
                f"nothing called {name!r} moves in this scene: choose from "
                f"{', '.join(self.joints)}"
            )
        ends = [*starts[1:], total]
        names = self.joints[name]
        first, last = (self.model.joint(joint).id for joint in (names[0], names[-1]))
        return slice(int(starts[first]), int(ends[last]))

    @property
    def object_qpos(self) -> slice:
        """Where the object's free joint stands in `qpos`."""
        return self.qpos_of("object")

    @property
    def root_qpos(self) -> slice:
        """Where the free joint of a floating hand stands in `qpos`.

        Raises:
            DexjaxError: if the hand does not float.
        """
        return self.qpos_of("root")

    @property
    def finger_qpos(self) -> np.ndarray:
        """Indices (joints,) of the finger joints in `qpos`."""
        return np.array([self.model.joint(j).qposadr[0] for j in self.hand.joints])
