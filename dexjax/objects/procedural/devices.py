"""Electronic devices."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def phone(size: Sizes) -> Shape:
    """A mobile phone lying on its back, or on its face with the lenses up."""
    length, width, thick = size(0.145), size(0.07), size(0.011)
    body = shapes.rounded_box([length, width, thick], size(0.003, 0.5)).grounded()
    if size.pick(True, False):
        return body
    side = size(0.4) * width
    lenses = shapes.box([side, size(0.4) * width, 0.008]).grounded()
    corner = [0.46 * length - 0.5 * side, 0.2 * width, thick - 0.004]
    return shapes.union([body, lenses.moved(corner)])


def game_console(size: Sizes) -> Shape:
    """A handheld console: a slab between two thicker grips."""
    length, width, thick = size(0.165), size(0.07), size(0.016)
    slab = shapes.rounded_box([length, width, thick], 0.004).grounded()
    grip = shapes.rounded_box([0.2 * length, width, 1.7 * thick], 0.006).grounded()
    aside = 0.41 * length
    return shapes.union([slab, grip.moved([-aside, 0, 0]), grip.moved([aside, 0, 0])])


def camera(size: Sizes) -> Shape:
    """A camera on its base; the lens points to -y."""
    length, depth, height = size(0.11), size(0.045), size(0.07)
    body = shapes.rounded_box([length, depth, height], 0.004).grounded()
    lens = shapes.cylinder(size(0.023), 0.04).turned("x", 90)
    lens = lens.moved([0.1 * length, -0.5 * depth - 0.01, 0.5 * height])
    finder = shapes.rounded_box([0.3 * length, 0.8 * depth, 0.2 * height], 0.003)
    finder = finder.moved([0.1 * length, 0, 1.05 * height])
    return shapes.union([body, lens, finder])


def remote(size: Sizes) -> Shape:
    """A remote control lying on its back."""
    length, width, thick = size(0.16), size(0.045), size(0.022)
    return shapes.rounded_box([length, width, thick], size(0.006, 0.5)).grounded()


def flashlight(size: Sizes) -> Shape:
    """A torch standing on its head."""
    head, barrel, height = size(0.026), size(0.016), size(0.14)
    lamp, cone = size(0.2, 0.4), size(0.16, 0.4)
    return shapes.solid_of_revolution(
        [
            (head, 0.0),
            (head, lamp * height),
            (barrel, (lamp + cone) * height),
            (barrel, height),
        ]
    )


def computer_mouse(size: Sizes) -> Shape:
    """A computer mouse: a flat base under a low dome."""
    length, width, height = size(0.105), size(0.062), size(0.036)
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 17)[:-1], np.linspace(0, 1.2, 5))
    outline = np.cos(v) * np.stack([length / 2 * np.cos(u), width / 2 * np.sin(u)])
    points = np.stack([*outline, height * np.sin(v)], axis=-1).reshape(-1, 3)
    return shapes.hull_of(points)
