"""Scenes: a hand, objects and fixtures, by name, as MuJoCo models of one size.

Coordinates: the origin is the centre of the table top, z is up.
"""

from dexjax.scene.build import make_scene
from dexjax.scene.cameras import CAMERAS, Camera
from dexjax.scene.carriers import WRIST_DRIVES, Arm, Carrier, FixedPalm, Floating
from dexjax.scene.fixtures import Fixture
from dexjax.scene.scene import Scene
from dexjax.scene.sizes import check_equal_sizes
from dexjax.scene.variation import Variation

__all__ = [
    "CAMERAS",
    "WRIST_DRIVES",
    "Arm",
    "Camera",
    "Carrier",
    "FixedPalm",
    "Fixture",
    "Floating",
    "Scene",
    "Variation",
    "check_equal_sizes",
    "make_scene",
]
