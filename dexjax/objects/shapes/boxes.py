"""Solids with straight edges."""

import numpy as np
import trimesh

from dexjax.objects.shapes.shape import Shape, hull_of, union

# How much higher than the base the walls of a vessel begin, so that the base alone
# touches the table: 4 contacts instead of 36 with the same motion.
WALL_LIFT = 0.002


def box(size: list[float]) -> Shape:
    """A box of edge lengths `size` (3,), centred."""
    mesh = trimesh.creation.box(size)
    return Shape([np.array(mesh.vertices)], mesh)


def rounded_box(size: list[float], bevel: float) -> Shape:
    """A box, centred, whose four longest edges are cut by `bevel`."""
    along = int(np.argmax(size))
    half = np.array(size) / 2
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    cuts = [bevel * axis for i, axis in enumerate(np.eye(3)) if i != along]
    return hull_of(np.concatenate([corners * (half - cut) for cut in cuts]))


def prism(outline: np.ndarray, height: float) -> Shape:
    """A convex outline (n, 2) drawn out along z, centred on z = 0."""
    low = np.insert(outline, 2, -height / 2, axis=1)
    high = np.insert(outline, 2, height / 2, axis=1)
    return hull_of(np.concatenate([low, high]))


def rectangle(width: float, depth: float) -> np.ndarray:
    """(4, 3) corners of a rectangle in the plane z = 0, centred."""
    signs = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return 0.5 * signs * [width, depth, 0.0]


def open_box(size: list[float], wall: float, base: float, flare: float = 0.0) -> Shape:
    """A box without lid, standing on z = 0.

    Args:
        size: (3,) length, width and height outside at the base.
        wall: wall thickness.
        base: thickness of the bottom.
        flare: how far each wall leans outwards at the rim.
    """
    length, width, height = size
    floor = hull_of(
        np.concatenate([rectangle(length, width) + [0, 0, z] for z in (0.0, base)])
    )
    parts = [floor]
    for sign in (-1, 1):
        # Two walls run the whole length; the other two stand between them.
        for across, along, axis in ((width, length, 1), (length, width, 0)):
            span = along if axis == 1 else along - wall
            foot = rectangle(span, wall)
            rim = foot * [1 + 2 * flare / along, 1, 1] + [0, sign * flare, height]
            foot = foot + [0, 0, min(WALL_LIFT, base / 2)]
            both = np.concatenate([foot, rim])
            both[:, 1] += sign * (across - wall) / 2
            parts.append(hull_of(both if axis == 1 else both[:, [1, 0, 2]]))
    return union(parts)
