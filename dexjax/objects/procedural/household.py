"""Things around the house: boxes, rolls, toys and fruit."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def box(size: Sizes) -> Shape:
    """A carton, standing."""
    width, depth, height = size(0.06), size(0.06), size(0.08, 0.3)
    return shapes.box([width, depth, height]).grounded()


def book(size: Sizes) -> Shape:
    """A thick paperback lying flat."""
    length, width, thick = size(0.15), size(0.1), size(0.03)
    return shapes.box([length, width, thick]).grounded()


def toilet_paper(size: Sizes) -> Shape:
    """A roll of toilet paper, standing."""
    outer, inner, height = size(0.039), size(0.018), size(0.09)
    return shapes.hollow_cylinder(outer, inner, height, sectors=12)


def tape(size: Sizes) -> Shape:
    """A roll of tape lying flat."""
    outer, inner, height = size(0.045), size(0.032), size(0.025)
    return shapes.hollow_cylinder(outer, inner, height, sectors=12)


def toy_figure(size: Sizes) -> Shape:
    """A sturdy toy figure standing on two feet."""
    height = size(0.14)
    width = size(0.055)
    hip, neck = 0.38 * height, 0.7 * height
    trunk = shapes.hull_of(
        np.concatenate(
            [
                shapes.rectangle(0.7 * width, 0.035) + [0, 0, hip - 0.01],
                shapes.rectangle(width, 0.038) + [0, 0, neck],
            ]
        )
    )
    head = shapes.ball(0.16 * height).moved([0, 0, neck + 0.14 * height])
    parts = [trunk, head]
    for side in (-1, 1):
        leg = shapes.hull_of(
            np.concatenate(
                [
                    shapes.rectangle(0.024, 0.05) + [0.25 * width * side, -0.004, 0],
                    shapes.rectangle(0.02, 0.024) + [0.2 * width * side, 0, hip],
                ]
            )
        )
        shoulder = np.array([0.5 * width * side, 0, neck - 0.012])
        hand = np.array([0.8 * width * side, -0.008, hip + 0.01])
        arm = shapes.tube(np.stack([shoulder, hand]), 0.009)
        parts += [leg, arm]
    return shapes.union(parts)


def toy_car(size: Sizes) -> Shape:
    """A toy car on four wheels, driving along +x."""
    length, width, height = size(0.12), size(0.055), size(0.03)
    wheel = 0.014
    body = shapes.rounded_box([length, width, height], 0.005)
    cabin = shapes.hull_of(
        np.concatenate(
            [
                shapes.rectangle(0.55 * length, 0.9 * width),
                shapes.rectangle(0.35 * length, 0.75 * width) + [0, 0, 0.024],
            ]
        )
    )
    parts = [
        body.moved([0, 0, wheel + 0.4 * height]),
        cabin.moved([-0.05 * length, 0, wheel + 0.88 * height]),
    ]
    tyre = shapes.cylinder(wheel, 0.012).turned("x", 90)
    for x in (-0.3, 0.3):
        parts += [tyre.moved([x * length, y * width, wheel]) for y in (-0.45, 0.45)]
    return shapes.union(parts)


def apple(size: Sizes) -> Shape:
    """An apple standing on its blossom end, flat or tall, round or tapered."""
    radius, tall, plump = size(0.037), size(0.92, 0.18), size(0.8, 0.35)
    foot = size(1.0, 0.2)
    angle = np.radians([-58, -25, 12, 40, 65])
    profile = []
    for a in angle:
        taper = foot if a < 0 else 1.0
        across = float(radius * taper * np.cos(a) ** plump)
        profile.append((across, float(tall * radius * np.sin(a))))
    return shapes.solid_of_revolution(profile).grounded()


def banana(size: Sizes) -> Shape:
    """A banana lying on its side, bent in the plane of the table."""
    bend, sweep, thick = size(0.09), np.radians(size(105.0)), size(0.018)
    angle = np.linspace(-0.5, 0.5, 7) * sweep
    radii = thick * np.array([0.35, 0.8, 0.95, 1.0, 0.95, 0.8, 0.35])
    spine = bend * np.stack([np.sin(angle), np.cos(angle), 0 * angle], axis=1)
    spine[:, 2] = 0.85 * radii
    sections = [
        _section(centre, a, r) for centre, a, r in zip(spine, angle, radii, strict=True)
    ]
    return shapes.loft(np.array(sections)).grounded()


def soap(size: Sizes) -> Shape:
    """A bar of soap."""
    length, width, thick = size(0.085), size(0.055), size(0.03)
    return shapes.rounded_box([length, width, thick], size(0.008, 0.4)).grounded()


def salt_shaker(size: Sizes) -> Shape:
    """A salt shaker with a waist and a domed lid."""
    foot, waist, height = size(0.026), size(0.018), size(0.1)
    return shapes.solid_of_revolution(
        [
            (foot, 0.0),
            (0.95 * foot, 0.2 * height),
            (waist, 0.6 * height),
            (1.15 * waist, 0.75 * height),
            (1.05 * waist, 0.9 * height),
            (0.5 * waist, height),
        ]
    )


def _section(centre: np.ndarray, angle: float, radius: float) -> np.ndarray:
    """(12, 3) an upright cross-section of the banana with a flat underside."""
    around = np.linspace(0, 2 * np.pi, 13)[:-1]
    across = np.array([np.sin(angle), np.cos(angle), 0])
    up = np.array([0, 0, 1])
    height = np.maximum(np.sin(around), -0.85)
    return centre + radius * (np.cos(around)[:, None] * across + height[:, None] * up)
