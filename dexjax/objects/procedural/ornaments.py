"""Things to look at, to play with and to eat; most are round about an axis."""

import numpy as np

from dexjax.objects import shapes
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes


def egg(size: Sizes) -> Shape:
    """An egg in a low egg cup."""
    radius, length = size(0.028), size(0.04)
    pointed = size(1.3, 0.15)
    angle = np.radians([-70, -35, 0, 30, 55, 75])
    height = length * np.sin(angle) * np.where(angle > 0, pointed, 1.0)
    shell = zip((radius * np.cos(angle)).tolist(), height.tolist(), strict=True)
    white = shapes.solid_of_revolution(list(shell)).grounded()
    foot, rise = size(0.022), size(0.012)
    stand = [(foot, 0.0), (0.75 * foot, rise), (0.9 * radius, rise + 0.016)]
    return shapes.union(
        [shapes.solid_of_revolution(stand), white.moved([0, 0, rise - 0.001])]
    )


def pear(size: Sizes) -> Shape:
    """A pear standing on its blossom end."""
    belly, neck, height = size(0.036), size(0.016), size(0.095)
    return shapes.solid_of_revolution(
        [
            (0.55 * belly, 0.0),
            (belly, 0.22 * height),
            (belly, 0.4 * height),
            (1.15 * neck, 0.75 * height),
            (neck, 0.92 * height),
            (0.4 * neck, height),
        ]
    )


def donut(size: Sizes) -> Shape:
    """A ring-shaped cake lying flat."""
    major, minor = size(0.032), size(0.016)
    tall = np.array([1.0, 1.0, size(0.95)])
    return shapes.torus(major, minor).scaled(tall).grounded()


def toy_brick(size: Sizes) -> Shape:
    """A building brick with studs on top."""
    rows, columns = size.pick((2, 4), (2, 2), (2, 3), (1, 4), (1, 3))
    pitch, height, stud = 0.02, size(0.024), size(0.0062, 0.1)
    body = shapes.box([columns * pitch, rows * pitch, height]).grounded()
    knob = shapes.cylinder(stud, 0.009).moved([0, 0, height + 0.0035])
    places = [
        [pitch * (column - (columns - 1) / 2), pitch * (row - (rows - 1) / 2), 0]
        for column in range(columns)
        for row in range(rows)
    ]
    return shapes.union([body, *(knob.moved(place) for place in places)])


def chess_piece(size: Sizes) -> Shape:
    """A large chess piece: a pawn, a rook or a king without its cross."""
    foot, waist, height = size(0.025), size(0.012), size(0.1)
    collar = size(0.019)
    heads = {
        "pawn": [(0.9, 0.76), (1.25, 0.86), (0.6, 1.0)],
        "rook": [(1.4, 0.78), (1.4, 1.0)],
        "king": [(0.8, 0.78), (1.35, 0.96), (0.8, 1.0)],
    }
    head = heads[size.pick("pawn", "rook", "king")]
    return shapes.solid_of_revolution(
        [
            (foot, 0.0),
            (0.95 * foot, 0.14 * height),
            (waist, 0.32 * height),
            (0.85 * waist, 0.64 * height),
            (collar, 0.67 * height),
            (collar, 0.71 * height),
            *((r * waist, h * height) for r, h in head),
        ]
    )


def trophy(size: Sizes) -> Shape:
    """A cup for the winner: two handles, a stem and a foot."""
    rim, height, foot = size(0.034), size(0.14), size(0.06)
    plinth = shapes.box([foot, foot, size(0.024)]).grounded()
    low = plinth.mesh.bounds[1, 2]
    stem = shapes.cylinder(size(0.009), 0.42 * height).grounded()
    profile = [(0.5 * rim, 0.0), (rim, height - low - 0.38 * height)]
    bowl = shapes.vessel(profile, 0.004, 0.006, sectors=7, lift=0.0)
    base = low + 0.38 * height
    angle = np.linspace(-0.5, 0.5, 4) * np.pi
    reach, spread = size(0.022), 0.36 * (height - base)
    parts = [plinth, stem.moved([0, 0, low - 0.002]), bowl.moved([0, 0, base])]
    for side in (-1, 1):
        x = side * (0.8 * rim + reach * np.cos(angle))
        z = base + 0.6 * (height - base) + spread * np.sin(angle)
        parts.append(shapes.tube(np.stack([x, 0 * x, z], axis=1), 0.0045))
    return shapes.union(parts)


def candle(size: Sizes) -> Shape:
    """A candle standing in its dish."""
    dish, thick, height = size(0.042), size(0.014), size(0.09)
    rim = shapes.vessel([(0.8 * dish, 0.0), (dish, size(0.014))], 0.005, 0.005)
    sides = size.pick(8, 4, 6)
    wax = np.concatenate([shapes.ring(thick, z, sides) for z in (0.004, height)])
    return shapes.union([rim, shapes.hull_of(wax)])


def light_bulb(size: Sizes) -> Shape:
    """A light bulb lying on its side."""
    bulb, cap, length = size(0.03), size(0.013), size(0.1)
    profile = [
        (cap, 0.0),
        (cap, 0.26 * length),
        (0.6 * (bulb + cap), 0.5 * length),
        (bulb, 0.66 * length),
        (0.95 * bulb, 0.8 * length),
        (0.45 * bulb, length),
    ]
    upright = shapes.solid_of_revolution(profile).turned("z", 22.5)
    return upright.turned("y", 90).grounded()


def hourglass(size: Sizes) -> Shape:
    """A sand glass between two plates on three posts."""
    bulb, waist, height = size(0.022), size(0.006), size(0.12)
    plate, thick = size(0.034), size(0.009)
    glass = shapes.solid_of_revolution(
        [
            (0.7 * bulb, thick - 0.001),
            (bulb, 0.3 * height),
            (waist, 0.5 * height),
            (bulb, 0.7 * height),
            (0.7 * bulb, height - thick + 0.001),
        ]
    )
    disc = shapes.cylinder(plate, thick).grounded()
    parts = [glass, disc, disc.moved([0, 0, height - thick])]
    posts = size.pick(3, 4)
    for i in range(posts):
        angle = 2 * np.pi * i / posts
        post = shapes.cylinder(0.0038, height - thick)
        place = 0.84 * plate * np.array([np.cos(angle), np.sin(angle), 0])
        parts.append(post.moved(place + [0, 0, 0.5 * height]))
    return shapes.union(parts)


def doorknob(size: Sizes) -> Shape:
    """A door knob standing on its rosette."""
    rose, neck, knob, height = size(0.032), size(0.012), size(0.028), size(0.07)
    crown = size.pick(0.6, 0.95, 0.3)
    return shapes.solid_of_revolution(
        [
            (rose, 0.0),
            (rose, 0.1 * height),
            (neck, 0.16 * height),
            (neck, 0.42 * height),
            (0.85 * knob, 0.52 * height),
            (knob, 0.74 * height),
            (crown * knob, height),
        ]
    )


def rubber_duck(size: Sizes) -> Shape:
    """A bath duck: body, head, beak and tail."""
    length, width, height = size(0.04), size(0.03), size(0.026)
    turn = shapes.ball(1.0).pieces[0] * [length, width, height]
    body = shapes.hull_of(np.maximum(turn, [-1, -1, -0.7 * height]))
    skull = size(0.021)
    front, top = 0.55 * length, 0.75 * height + 0.7 * skull
    head = shapes.ball(skull).moved([front, 0, top])
    beak = shapes.hull_of(
        np.concatenate(
            [
                shapes.rectangle(1.1 * skull, 0.7 * skull),
                shapes.rectangle(0.8 * skull, 0.2 * skull) + [0, 0, size(0.7) * skull],
            ]
        )
    ).turned("y", 90)
    tail = shapes.hull_of(
        np.array([[-0.6, -0.4, 0], [-0.6, 0.4, 0], [-0.6, 0, 0.7], [-1.3, 0, 0.9]])
        * [length, width, height]
    )
    beak = beak.moved([front + 0.8 * skull, 0, top - 0.15 * skull])
    return shapes.union([body, head, beak, tail]).grounded()
