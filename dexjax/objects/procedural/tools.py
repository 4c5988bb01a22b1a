"""Hand tools, lying as they fall."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def hammer(size: Sizes) -> Shape:
    """A hammer: handle along x, head at its +x end."""
    length, grip = size(0.16), size(0.013)
    head_length, head = size(0.075), size(0.026)
    handle = shapes.prism(_octagon(grip, grip), length).turned("y", 90)
    block = shapes.rounded_box([head, 0.6 * head_length, head], 0.003)
    face = shapes.cylinder(0.5 * head, 0.25 * head_length).turned("x", 90)
    claw = shapes.hull_of(
        np.concatenate(
            [
                shapes.rectangle(0.8 * head, 0.8 * head) + [0, 0, 0],
                shapes.rectangle(0.8 * head, 0.006) + [0, 0, 0.35 * head_length],
            ]
        )
    ).turned("x", -90)
    tip = 0.5 * length
    return shapes.union(
        [
            handle.moved([0, 0, 0.5 * head]),
            block.moved([tip, 0, 0.5 * head]),
            face.moved([tip, -0.4 * head_length, 0.5 * head]),
            claw.moved([tip, 0.25 * head_length, 0.5 * head]),
        ]
    )


def knife(size: Sizes) -> Shape:
    """A table knife lying flat, with a thick handle."""
    handle, blade = size(0.085), size(0.09)
    width, thick = size(0.02), size(0.014)
    grip = shapes.rounded_box([handle, width, thick], 0.004)
    outline = np.array([[0, -0.5], [0.8, -0.5], [1.0, 0.1], [0.95, 0.5], [0, 0.5]])
    sheet = shapes.prism(outline * [blade, width], 0.003)
    joint = 0.5 * handle - 0.004
    return shapes.union([grip, sheet.moved([joint, 0, 0])]).grounded()


def spatula(size: Sizes) -> Shape:
    """A spatula lying flat: rod and blade."""
    length, width = size(0.115), size(0.05)
    reach, neck = size(0.06, 0.4), size(0.3, 0.6)
    handle = shapes.prism(_octagon(0.014, 0.012), length).turned("y", 90)
    outline = np.array(
        [[0, -0.2], [neck, -0.5], [1, -0.5], [1, 0.5], [neck, 0.5], [0, 0.2]]
    )
    blade = shapes.prism(outline * [reach, width], 0.005)
    blade = blade.moved([0.5 * length - 0.004, 0, -0.005])
    return shapes.union([handle, blade]).grounded()


def screwdriver(size: Sizes) -> Shape:
    """A screwdriver lying: a six-sided grip keeps it from rolling."""
    grip, shaft = size(0.085), size(0.075)
    width, thin = size(0.026), size(0.0035, 0.4)
    angle = np.pi / 6 + np.arange(6) * np.pi / 3
    outline = 0.5 * width * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    handle = shapes.prism(outline, grip).turned("y", 90)
    rod = shapes.cylinder(thin, shaft).turned("y", 90)
    return shapes.union([handle, rod.moved([0.5 * (grip + shaft) - 0.004, 0, 0])])


def brush(size: Sizes) -> Shape:
    """A hand brush lying on its bristles."""
    length, width, height = size(0.15), size(0.036), size(0.045)
    back = shapes.rounded_box([length, width, 0.4 * height], 0.004)
    share = size(0.6, 0.3)
    aside = (0.5 - 0.5 * share) * size(0.85, 0.15)
    bristles = shapes.box([share * length, 0.8 * width, 0.65 * height])
    lifted = back.moved([0, 0, 0.8 * height])
    base = bristles.moved([-aside * length, 0, 0.325 * height])
    return shapes.union([lifted, base])


def _octagon(width: float, height: float) -> np.ndarray:
    """(8, 2) a rectangle with cut corners, flat on all four sides."""
    cut = 0.3
    half = np.array([[1, cut], [cut, 1], [-cut, 1], [-1, cut]])
    return 0.5 * np.concatenate([half, -half]) * [width, height]
