"""Small implements: for the desk, the tool box, the table and the gym."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def spoon(size: Sizes) -> Shape:
    """A spoon lying on its bowl and the end of its handle."""
    bowl, height, length = size(0.02), size(0.014), size(0.1)
    cup = shapes.vessel(
        [(0.55 * bowl, 0.0), (bowl, height)], 0.004, 0.004, sectors=8
    ).scaled(np.array([size(1.4), 1.0, 1.0]))
    rim = cup.mesh.bounds[1, 0]
    path = np.array(
        [
            [rim - 0.004, 0, height - 0.004],
            [rim + 0.3 * length, 0, height + size(0.006)],
            [rim + length, 0, 0.0045],
        ]
    )
    return shapes.union([cup, shapes.tube(path, 0.0045)])


def wrench(size: Sizes) -> Shape:
    """A spanner lying flat: an open jaw and a closed end."""
    length, width, thick = size(0.12), size(0.018), size(0.01)
    shank = shapes.box([length, width, 0.8 * thick])
    jaw, end = size(0.036), size(0.032)
    root = shapes.box([0.5 * jaw, jaw, thick])
    prong = shapes.hull_of(
        np.concatenate(
            [
                shapes.rectangle(0.28 * jaw, thick),
                shapes.rectangle(0.2 * jaw, thick) + [0.02 * jaw, 0, 0.55 * jaw],
            ]
        )
    ).turned("x", -90)
    parts = [shank, root.moved([0.5 * length + 0.2 * jaw, 0, 0])]
    for turn in (0, 180):
        tine = prong.moved([0.36 * jaw, 0, 0]).turned("z", -90).turned("x", turn)
        parts.append(tine.moved([0.5 * length + 0.44 * jaw, 0, 0]))
    eye = shapes.torus(0.36 * end, 0.16 * end, sectors=8)
    flat = eye.scaled(np.array([1, 1, thick / eye.mesh.extents[2]]))
    if size.pick(False, True):
        flat = shapes.prism(0.5 * end * _polygon(6), thick)
    parts.append(flat.moved([-0.5 * length - 0.25 * end, 0, 0]))
    return shapes.union(parts).grounded()


def scissors(size: Sizes) -> Shape:
    """Closed scissors lying flat."""
    blade, width, thick = size(0.085), size(0.022), size(0.008)
    outline = np.array([[0, -0.5], [0.6, -0.4], [1, -0.05], [1, 0.05], [0.6, 0.4]])
    outline = np.concatenate([outline, [[0, 0.5]]]) * [blade, width]
    parts = [shapes.prism(outline, thick)]
    loop, shank = size(0.019), size(0.022)
    aside = loop + 0.004
    oval = np.array([1.25, 1.0, thick / 0.0105])
    eye = shapes.torus(loop, 0.005, sectors=6).scaled(oval)
    for side in (-1, 1):
        place = [-shank - 1.2 * loop, side * aside, 0]
        arm = shapes.hull_of(
            np.concatenate(
                [
                    shapes.rectangle(thick, 0.4 * width) + [0, side * 0.2 * width, 0],
                    shapes.rectangle(thick, 0.009) + [0, side * aside, shank],
                ]
            )
        ).turned("y", -90)
        parts += [eye.moved(place), arm.moved([0.003, 0, 0])]
    return shapes.union(parts).grounded()


def pliers(size: Sizes) -> Shape:
    """Pliers lying flat, half open."""
    length, gap, grip = size(0.095), size(0.026), size(0.0065)
    jaw, width = size(0.042), size(0.024)
    outline = np.array([[-0.3, -0.5], [0.3, -0.5], [1, -0.18], [1, 0.18], [0.3, 0.5]])
    outline = np.concatenate([outline, [[-0.3, 0.5]]]) * [jaw, width]
    parts = [shapes.prism(outline, 1.8 * grip)]
    for side in (-1, 1):
        path = np.array(
            [
                [-0.1 * jaw, side * 0.25 * width, 0],
                [-0.1 * jaw - 0.4 * length, side * 1.1 * gap, 0],
                [-0.1 * jaw - length, side * size(0.9) * gap, 0],
            ]
        )
        parts.append(shapes.tube(path, grip))
    return shapes.union(parts).grounded()


def pencil(size: Sizes) -> Shape:
    """A thick pencil lying on one of its few sides, pointed or not."""
    length, width, tip = size(0.12), size(0.013), size(0.022)
    ring = 0.5 * width * _polygon(size.pick(6, 4, 3)) * [1.0, size(0.85)]
    rod = shapes.prism(ring, length).turned("y", 90).turned("x", 90)
    if size.pick(False, True):
        return rod.grounded()
    blunt = size(0.2) * ring
    low, high = np.insert(ring, 2, 0.0, axis=1), np.insert(blunt, 2, tip, axis=1)
    point = shapes.hull_of(np.concatenate([low, high])).turned("y", 90).turned("x", 90)
    return shapes.union([rod, point.moved([0.5 * length - 1e-4, 0, 0])]).grounded()


def toothbrush(size: Sizes) -> Shape:
    """A toothbrush lying on its back, bristles up."""
    length, width, thick = size(0.15), size(0.016), size(0.011)
    neck = size(0.5)
    along = length * np.array([-0.5, -0.45, 0.1, 0.25, 0.33, 0.5])
    wide = width * np.array([0.6, 1.0, 0.9, neck, 0.9, 0.7])
    sections = [
        shapes.rectangle(thick, w)[:, [2, 1, 0]] + [x, 0, 0]
        for x, w in zip(along, wide, strict=True)
    ]
    handle = shapes.loft(np.array(sections)).grounded()
    bristles = shapes.box([0.16 * length, 0.7 * width, size(0.013)]).grounded()
    return shapes.union([handle, bristles.moved([0.4 * length, 0, thick - 0.001])])


def stapler(size: Sizes) -> Shape:
    """A stapler: a foot and an arm that rises towards the mouth."""
    length, width, foot = size(0.13), size(0.034), size(0.013)
    base = shapes.box([length, width, foot]).grounded()
    rear, front = size(0.038), size(0.046)
    sides = [
        shapes.rectangle(0.012, 0.9 * width) + [-0.44 * length, 0, foot - 0.002],
        shapes.rectangle(0.012, 0.9 * width) + [-0.44 * length, 0, rear],
        shapes.rectangle(0.014, 0.7 * width) + [0.44 * length, 0, front - 0.016],
        shapes.rectangle(0.014, 0.7 * width) + [0.44 * length, 0, front],
    ]
    return shapes.union([base, shapes.hull_of(np.concatenate(sides))])


def padlock(size: Sizes) -> Shape:
    """A padlock lying on its face."""
    width, height, thick = size(0.052), size(0.048), size(0.022)
    body = shapes.rounded_box([width, height, thick], 0.004)
    angle = np.linspace(0, np.pi, 6)
    reach, rise = size(0.36) * width, size(0.034)
    bow = np.stack(
        [reach * np.cos(angle), 0.45 * height + rise * np.sin(angle), 0 * angle],
        axis=1,
    )
    return shapes.union([body, shapes.tube(bow, size(0.005))]).grounded()


def dumbbell(size: Sizes) -> Shape:
    """A small dumbbell: two heads that cannot roll on one bar."""
    grip, length, head = size(0.012), size(0.07), size(0.026)
    thick = size(0.036)
    bar = shapes.prism(grip * _polygon(8), length + 0.01).turned("y", 90)
    weight = shapes.prism(head * _polygon(size.pick(6, 8, 4)), thick)
    weight = weight.turned("y", 90).turned("x", 90)
    aside = 0.5 * (length + thick)
    ends = [weight.moved([side * aside, 0, 0]) for side in (-1, 1)]
    return shapes.union([bar, *ends]).grounded()


def _polygon(sides: int) -> np.ndarray:
    """(sides, 2) a regular polygon in the unit circle, a side across +y."""
    angle = np.pi / 2 + 2 * np.pi * (np.arange(sides) + 0.5) / sides
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
