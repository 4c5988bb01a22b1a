"""What the procedural objects are put together from."""

from dexjax.objects.shapes.boxes import (
    WALL_LIFT,
    box,
    open_box,
    prism,
    rectangle,
    rounded_box,
)
from dexjax.objects.shapes.revolved import (
    cylinder,
    hollow_cylinder,
    ring,
    shell,
    solid_of_revolution,
    torus,
    vessel,
    wall_pieces,
)
from dexjax.objects.shapes.shape import Shape, ball, hull_of, union
from dexjax.objects.shapes.swept import loft, tube

__all__ = [
    "Shape",
    "WALL_LIFT",
    "ball",
    "box",
    "cylinder",
    "hollow_cylinder",
    "hull_of",
    "loft",
    "open_box",
    "prism",
    "rectangle",
    "ring",
    "rounded_box",
    "shell",
    "solid_of_revolution",
    "torus",
    "tube",
    "union",
    "vessel",
    "wall_pieces",
]
