"""Cups, pots and bottles."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def mug(size: Sizes) -> Shape:
    """A mug with a handle on its +x side."""
    radius, height, wall = size(0.038), size(0.085), size(0.004)
    body = shapes.vessel([(radius, 0.0), (radius, height)], wall, 0.005, sectors=10)
    reach, grip = size(0.024), size(0.0045)
    angle = np.linspace(-0.5, 0.5, 5) * np.pi
    path = np.stack(
        [
            radius - 0.002 + reach * np.cos(angle),
            np.zeros(5),
            height * (0.5 + 0.3 * np.sin(angle)),
        ],
        axis=1,
    )
    return shapes.union([body, shapes.tube(path, grip)])


def cup(size: Sizes) -> Shape:
    """A tapered drinking cup without handle."""
    foot, rim, height = size(0.028), size(0.039), size(0.1)
    return shapes.vessel([(foot, 0.0), (rim, height)], 0.003, 0.005, sectors=12)


def bowl(size: Sizes) -> Shape:
    """A round bowl."""
    rim, height = size(0.062), size(0.05)
    foot, belly, middle = size(0.5), size(0.85, 0.12), size(0.45)
    profile = [(foot * rim, 0.0), (belly * rim, middle * height), (rim, height)]
    return shapes.vessel(profile, 0.004, 0.006, sectors=7)


def plate(size: Sizes) -> Shape:
    """A small plate with a raised rim."""
    rim, height = size(0.075), size(0.022)
    foot = size(0.55)
    return shapes.vessel([(foot * rim, 0.0), (rim, height)], 0.006, 0.005, sectors=12)


def pan(size: Sizes) -> Shape:
    """A small frying pan; the handle points to +x."""
    radius, height, length = size(0.048), size(0.03), size(0.075)
    body = shapes.vessel(
        [(0.88 * radius, 0.0), (radius, height)], 0.004, 0.006, sectors=12
    )
    start = [radius - 0.003, 0.0, 0.75 * height]
    end = [radius + length, 0.0, 0.75 * height + 0.008]
    return shapes.union([body, shapes.tube(np.array([start, end]), size(0.007))])


def kettle(size: Sizes) -> Shape:
    """A kettle without lid: spout to +x, a bow above as handle."""
    radius, height = size(0.04), size(0.075)
    body = shapes.vessel(
        [(radius, 0.0), (0.72 * radius, height)], 0.004, 0.006, sectors=9
    )
    inner = shapes.ring(0.012, 0.0) @ _pitch(50) + [0.8 * radius, 0, 0.45 * height]
    outer = shapes.ring(0.007, 0.0) @ _pitch(50) + [1.45 * radius, 0, 0.92 * height]
    spout = shapes.hull_of(np.concatenate([inner, outer]))
    angle = np.linspace(0, np.pi, 6)
    bow = np.stack(
        [
            0.68 * radius * np.cos(angle),
            np.zeros(6),
            height - 0.004 + size(0.05) * np.sin(angle),
        ],
        axis=1,
    )
    return shapes.union([body, spout, shapes.tube(bow, size(0.005))])


def goblet(size: Sizes) -> Shape:
    """A glass on a stem and a foot."""
    rim, height, foot = size(0.036), size(0.15), size(0.034)
    stem = shapes.solid_of_revolution(
        [(foot, 0.0), (foot, 0.005), (0.007, 0.012), (0.007, 0.48 * height)]
    )
    bowl_profile = [(0.012, 0.46 * height), (rim, 0.7 * height), (0.9 * rim, height)]
    glass = shapes.vessel(bowl_profile, 0.003, 0.006, sectors=6, lift=0.0)
    return shapes.union([stem, glass])


def vase(size: Sizes) -> Shape:
    """A vase that is widest at half height."""
    foot, belly, neck = size(0.026), size(0.04), size(0.022)
    height = size(0.15)
    profile = [(foot, 0.0), (belly, 0.45 * height), (neck, height)]
    return shapes.vessel(profile, 0.004, 0.006, sectors=7)


def bottle(size: Sizes) -> Shape:
    """A closed bottle with shoulders and neck."""
    radius, height, neck = size(0.031), size(0.165), size(0.013)
    shoulder, slope = size(0.60, 0.15), size(0.20, 0.4)
    return shapes.solid_of_revolution(
        [
            (radius, 0.0),
            (radius, shoulder * height),
            (0.75 * radius, (shoulder + 0.6 * slope) * height),
            (neck, (shoulder + slope) * height),
            (neck, height),
        ]
    )


def jar(size: Sizes) -> Shape:
    """A closed jar with a screw lid wider than its neck."""
    radius, height = size(0.036), size(0.1)
    shoulder, neck, lid = size(0.74, 0.12), size(0.8, 0.15), size(1.1, 0.1)
    under = shoulder + 0.06
    return shapes.solid_of_revolution(
        [
            (radius, 0.0),
            (radius, shoulder * height),
            (neck * radius, under * height),
            (lid * neck * radius, under * height),
            (lid * neck * radius, height),
        ]
    )


def can(size: Sizes) -> Shape:
    """A drinks can."""
    radius, height = size(0.033), size(0.115)
    foot, top, neck = size(0.85, 0.15), size(0.82, 0.2), size(0.08, 0.5)
    return shapes.solid_of_revolution(
        [
            (foot * radius, 0.0),
            (radius, 0.06 * height),
            (radius, (1 - neck) * height),
            (top * radius, height),
        ]
    )


def _pitch(degrees: float) -> np.ndarray:
    """(3, 3) that turns row vectors from +z towards +x."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
