"""Appliances with a grip, a head or two halves."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def hairdryer(size: Sizes) -> Shape:
    """A hair dryer lying on its side; it blows towards +x."""
    length, barrel, nozzle = size(0.1), size(0.026), size(0.019)
    tube = shapes.solid_of_revolution(
        [
            (0.75 * barrel, 0.0),
            (barrel, 0.2 * length),
            (0.95 * barrel, 0.6 * length),
            (nozzle, length),
        ]
    )
    tube = tube.turned("z", 22.5).turned("y", 90).grounded()
    drop, width, thick = size(0.085), size(0.027), size(0.026)
    grip = shapes.rounded_box([width, drop, thick], 0.005).grounded()
    lean = size(12.0)
    handle = grip.moved([0, -0.5 * drop, 0]).turned("z", -lean)
    return shapes.union([tube, handle.moved([0.32 * length, -0.5 * barrel, 0])])


def clothes_iron(size: Sizes) -> Shape:
    """A flat-iron on its sole, the tip towards +x."""
    length, width, body = size(0.125), size(0.065), size(0.026)
    half = np.array([[-0.5, 0.42], [-0.3, 0.5], [0.1, 0.42], [0.35, 0.22], [0.5, 0.02]])
    outline = np.concatenate([half, half[::-1] * [1, -1]]) * [length, width]
    sole = shapes.prism(outline, 0.008).grounded()
    low = np.insert(0.95 * outline, 2, 0.007, axis=1)
    high = np.insert(0.7 * outline - [0.06 * length, 0], 2, body, axis=1)
    hood = shapes.hull_of(np.concatenate([low, high]))
    rise, grip = size(0.034), size(0.0085)
    x = length * np.array([-0.32, -0.28, 0.02, 0.1])
    z = body - 0.004 + rise * np.array([0.0, 1.0, 1.0, 0.0])
    bow = shapes.tube(np.stack([x, 0 * x, z], axis=1), grip)
    return shapes.union([sole, hood, bow])


def headphones(size: Sizes) -> Shape:
    """Headphones lying down: two ear cups and the band between them."""
    span, rise, cup = size(0.052), size(0.07), size(0.026)
    angle = np.linspace(0, np.pi, 9)
    strap = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [0.003, size(0.008)]
    sections = []
    for a in angle:
        outwards = np.array([np.cos(a), np.sin(a), 0])
        centre = np.array([span * np.cos(a), rise * np.sin(a), 0])
        sections.append(centre + strap[:, :1] * outwards + strap[:, 1:] * [0, 0, 1])
    band = shapes.loft(np.array(sections))
    pad = shapes.cylinder(cup, size(0.024)).turned("z", 22.5).turned("y", 90)
    cups = [pad.moved([side * (span - 0.006), 0, 0]) for side in (-1, 1)]
    return shapes.union([band, *cups]).grounded()


def binoculars(size: Sizes) -> Shape:
    """Binoculars standing on their front lenses."""
    lens, eye, height = size(0.024), size(0.014), size(0.11)
    profile = [
        (lens, 0.0),
        (lens, 0.3 * height),
        (0.75 * lens, 0.5 * height),
        (0.75 * lens, 0.75 * height),
        (eye, 0.8 * height),
        (eye, height),
    ]
    barrel = shapes.solid_of_revolution(profile)
    aside = size(1.15, 0.1) * lens
    bridge = shapes.box([2 * aside, 0.6 * lens, size(0.3) * height])
    barrels = [barrel.moved([side * aside, 0, 0]) for side in (-1, 1)]
    return shapes.union([*barrels, bridge.moved([0, 0, 0.55 * height])])


def spray_bottle(size: Sizes) -> Shape:
    """A spray bottle with its trigger towards +x."""
    width, depth, height = size(0.07), size(0.048), size(0.1)
    shoulder = size(0.72)
    foot = shapes.rectangle(width, depth)
    body = shapes.loft(
        np.array(
            [
                foot,
                foot + [0, 0, shoulder * height],
                foot * [0.35, 0.5, 1] + [0, 0, height],
            ]
        )
    )
    head = shapes.box([0.8 * width, 0.022, 0.024])
    head = head.moved([0.16 * width, 0, height + 0.022])
    neck = shapes.cylinder(0.011, 0.02).moved([0, 0, height + 0.004])
    trigger = np.array(
        [[0.3, 0, 0.015], [0.48, 0, 0.015], [0.44, 0, -0.02], [0.34, 0, -0.022]]
    ) * [width, 0, 1]
    sides = [trigger + [0, side * 0.007, height] for side in (-1, 1)]
    return shapes.union([body, head, neck, shapes.hull_of(np.concatenate(sides))])
