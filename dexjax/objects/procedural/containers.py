"""Things that hold other things, round and rectangular."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def bucket(size: Sizes) -> Shape:
    """A pail with its bow up."""
    foot, rim, height = size(0.031), size(0.04), size(0.075)
    body = shapes.vessel([(foot, 0.0), (rim, height)], 0.004, 0.006, sectors=9)
    angle = np.linspace(0, np.pi, 6)
    bow = np.stack(
        [
            (rim - 0.003) * np.cos(angle),
            np.zeros(6),
            height - 0.006 + size(0.045) * np.sin(angle),
        ],
        axis=1,
    )
    return shapes.union([body, shapes.tube(bow, size(0.0045))])


def ashtray(size: Sizes) -> Shape:
    """A heavy ashtray, round or square."""
    rim, height, wall = size(0.055), size(0.032), size(0.011)
    if size.pick(False, True):
        side = 1.7 * rim
        return shapes.open_box([side, side, height], wall, 0.009, flare=0.006)
    return shapes.vessel([(0.92 * rim, 0.0), (rim, height)], wall, 0.009, sectors=12)


def plant_pot(size: Sizes) -> Shape:
    """A flower pot that widens to a lip."""
    foot, rim, height = size(0.032), size(0.045), size(0.085)
    lip = size(1.1, 0.06)
    profile = [(foot, 0.0), (rim, 0.8 * height), (lip * rim, height)]
    return shapes.vessel(profile, 0.006, 0.008, sectors=7)


def ring_box(size: Sizes) -> Shape:
    """A small case for jewellery, its lid flat, domed or like a roof."""
    length, width, height = size(0.062), size(0.052), size(0.03)
    case = shapes.box([length, width, height]).grounded()
    top = size(0.016)
    narrow = size.pick(0.75, 0.95, 0.1)
    lid = shapes.hull_of(
        np.concatenate(
            [
                shapes.rectangle(1.04 * length, 1.04 * width),
                shapes.rectangle(length, width) + [0, 0, 0.55 * top],
                shapes.rectangle(length, narrow * width) + [0, 0, top],
            ]
        )
    )
    return shapes.union([case, lid.moved([0, 0, height - 0.001])])


def basket(size: Sizes) -> Shape:
    """A shopping basket with one arched strap over it."""
    length, width, height = size(0.1), size(0.065), size(0.05)
    body = shapes.open_box([length, width, height], 0.004, 0.005, size(0.006))
    angle = np.linspace(0, np.pi, 7)
    reach, rise = 0.5 * width + 0.003, size(0.055)
    strap = shapes.rectangle(size(0.016), 0.005)
    sections = [
        _upright(strap, a) + [0, reach * np.cos(a), height - 0.006 + rise * np.sin(a)]
        for a in angle
    ]
    return shapes.union([body, shapes.loft(np.array(sections))])


def tray(size: Sizes) -> Shape:
    """A serving tray with a low rim that leans outwards."""
    length, width, height = size(0.15), size(0.1), size(0.02)
    body = shapes.open_box([length, width, height], 0.005, 0.005, size(0.008))
    if size.pick(False, True):
        return body
    lug = shapes.box([0.026, 0.4 * width, 0.006])
    ends = [
        lug.moved([side * (0.5 * length + 0.014), 0, height - 0.003])
        for side in (-1, 1)
    ]
    return shapes.union([body, *ends])


def funnel(size: Sizes) -> Shape:
    """A funnel standing on its wide end."""
    rim, spout, height = size(0.038, 0.15), size(0.011), size(0.095)
    shoulder = size(0.58) * height
    profile = [(rim, 0.0), (spout, shoulder), (0.8 * spout, height)]
    return shapes.shell(profile, 0.004, sectors=8)


def _upright(section: np.ndarray, angle: float) -> np.ndarray:
    """(4, 3) a strap's cross-section, turned with the arch about x."""
    c, s = np.cos(angle), np.sin(angle)
    return section @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
