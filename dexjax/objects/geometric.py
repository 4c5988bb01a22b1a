"""Geometric objects that fit into a palm: to train on, held out by shape, everyday.

Boxes, cylinders, balls, ellipsoids, capsules, prisms and random hulls are trained on;
cones, wedges and the like are shapes that no training sees. Sizes are in metres and
chosen so that fingers of 10 cm can turn the thing; all weigh the same, which a
variation of the physics changes.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from dexjax.errors import DexjaxError
from dexjax.objects.nearest import nearest
from dexjax.objects.object_set import ObjectSet, build_object
from dexjax.objects.procedural import make_shape
from dexjax.objects.shapes import Shape, ball, box, cylinder, hull_of, prism, ring

MASS = 0.08  # kg
_VERTICES = 32  # of a hull: so many make a ball roll
_MOST_HULLS = 4  # of an everyday object


def ellipsoid(radii: Sequence[float]) -> Shape:
    """An ellipsoid of semi-axes (3,) m."""
    return ball(1.0).scaled(np.array(radii, float))


def capsule(radius: float, length: float) -> Shape:
    """Two half balls, so far apart, and what is between them; along z."""
    round_ = np.asarray(ball(radius).mesh.vertices)
    ends = [round_ + [0, 0, z] for z in (-length / 2, length / 2)]
    return hull_of(np.concatenate(ends))


def regular_prism(sides: int, radius: float, height: float) -> Shape:
    """A prism over a regular polygon, along z."""
    return prism(ring(radius, 0.0, sides)[:, :2], height)


def random_hull(seed: int, radii: Sequence[float], points: int = 14) -> Shape:
    """The hull of points drawn on an ellipsoid of semi-axes (3,) m."""
    rng = np.random.default_rng([2502, seed])
    directions = rng.normal(size=(points, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return hull_of(directions * np.array(radii)).centred()


def frustum(low: float, high: float, height: float, sides: int = 16) -> Shape:
    """A cone without its top, of two radii; a cone where the second is nearly 0."""
    rings = [ring(low, -height / 2, sides), ring(high, height / 2, sides)]
    return hull_of(np.concatenate(rings)).centred()


def wedge(length: float, width: float, height: float) -> Shape:
    """A ramp."""
    half = 0.5 * np.array([length, width, height])
    corners = [[x, y, -1] for x in (-1, 1) for y in (-1, 1)]
    ridge = [[-1, y, 1] for y in (-1, 1)]
    return hull_of(np.array([*corners, *ridge]) * half).centred()


def octahedron(radii: Sequence[float]) -> Shape:
    """Eight triangles over semi-axes (3,) m."""
    corners = np.concatenate([np.eye(3), -np.eye(3)])
    return hull_of(corners * np.array(radii))


def half_cylinder(radius: float, height: float) -> Shape:
    """A cylinder cut along its axis, lying on the cut."""
    outline = ring(radius, 0.0, 24)[:, :2]
    return prism(outline[outline[:, 1] > -1e-9], height).centred()


def lens(radius: float, thick: float) -> Shape:
    """Two caps of a ball on each other."""
    middle = ring(radius, 0.0, 16)
    caps = [ring(0.6 * radius, z, 10) for z in (-0.38 * thick, 0.38 * thick)]
    tops = np.array([[0, 0, -thick / 2], [0, 0, thick / 2]])
    return hull_of(np.concatenate([middle, *caps, tops]))


_Build = Callable[[], Shape]
_TRAIN: dict[str, _Build] = {
    "cube": lambda: box([0.056, 0.056, 0.056]),
    "small_cube": lambda: box([0.046, 0.046, 0.046]),
    "bar": lambda: box([0.04, 0.04, 0.09]),
    "slab": lambda: box([0.06, 0.07, 0.035]),
    "brick": lambda: box([0.045, 0.058, 0.075]),
    "cylinder": lambda: cylinder(0.03, 0.06),
    "rod": lambda: cylinder(0.02, 0.1),
    "disc": lambda: cylinder(0.036, 0.035),
    "drum": lambda: cylinder(0.035, 0.05),
    "ball": lambda: ball(0.032),
    "small_ball": lambda: ball(0.026),
    "egg": lambda: ellipsoid([0.028, 0.028, 0.038]),
    "pebble": lambda: ellipsoid([0.036, 0.03, 0.022]),
    "spindle": lambda: ellipsoid([0.024, 0.024, 0.05]),
    "capsule": lambda: capsule(0.025, 0.04),
    "pill": lambda: capsule(0.02, 0.06),
    "triangle": lambda: regular_prism(3, 0.036, 0.06),
    "pentagon": lambda: regular_prism(5, 0.034, 0.05),
    "hexagon": lambda: regular_prism(6, 0.03, 0.07),
    "octagon": lambda: regular_prism(8, 0.034, 0.04),
    "rock": lambda: random_hull(0, [0.036, 0.034, 0.03]),
    "stone": lambda: random_hull(1, [0.034, 0.028, 0.04]),
    "chip": lambda: random_hull(2, [0.04, 0.034, 0.024]),
    "lump": lambda: random_hull(3, [0.032, 0.032, 0.036], 20),
}
_HELDOUT: dict[str, _Build] = {
    "cone": lambda: frustum(0.036, 0.006, 0.07),
    "pot": lambda: frustum(0.024, 0.036, 0.055),
    "wedge": lambda: wedge(0.065, 0.05, 0.05),
    "octahedron": lambda: octahedron([0.042, 0.042, 0.042]),
    "diamond": lambda: octahedron([0.032, 0.032, 0.05]),
    "half_cylinder": lambda: half_cylinder(0.036, 0.06),
    "lens": lambda: lens(0.038, 0.04),
    "pyramid": lambda: frustum(0.042, 0.008, 0.06, sides=4),
}
# Category and the largest extent, m.
_EVERYDAY = {
    "apple": 0.065,
    "can": 0.075,
    "soap": 0.075,
    "ring_box": 0.055,
    "computer_mouse": 0.085,
    "salt_shaker": 0.08,
    "toilet_paper": 0.07,
    "jar": 0.075,
}
# What a set's name begins with, as in "geometric/train" or "geometric/train/cube".
SET = "geometric/"
SPLITS: dict[str, tuple[str, ...]] = {
    "train": (*_TRAIN,),
    "heldout": (*_HELDOUT,),
    "everyday": (*_EVERYDAY,),
}


def geometric_names(split: str) -> tuple[str, ...]:
    """The objects of a split: "train", "heldout" or "everyday".

    Raises:
        DexjaxError: for another split.
    """
    if split not in SPLITS:
        raise DexjaxError(f"geometric objects {split!r}: {nearest(split, SPLITS)}")
    return SPLITS[split]


def geometric_objects(split: str, names: Sequence[str] = ()) -> ObjectSet:
    """Objects of a split, each of one hull; everyday ones of up to four.

    Args:
        split: "train", "heldout" or "everyday".
        names: some of them; all by default.

    Raises:
        DexjaxError: for an unknown split, or a name that it does not have.
    """
    known = geometric_names(split)
    for name in names:
        if name not in known:
            raise DexjaxError(
                f"no object {name!r} in geometric/{split}: {nearest(name, known)}"
            )
    return ObjectSet.concatenate(_built(name, split) for name in names or known)


def is_geometric(name: str, split: str) -> bool:
    """Whether that is one of these objects."""
    return name in SPLITS.get(split.removeprefix(SET), ())


def parse_geometric(spec: str) -> tuple[str, tuple[str, ...]]:
    """Split and names of geometric/<split>[/<name>].

    Raises:
        DexjaxError: for an unknown split.
    """
    split, _, name = spec.removeprefix(SET).partition("/")
    names = geometric_names(split)
    return split, (name,) if name else names


def _built(name: str, split: str) -> ObjectSet:
    """One object, of the mass that all have."""
    if split == "everyday":
        shape = make_shape(name, 0, 0).centred()
        shape = shape.scaled(_EVERYDAY[name] / shape.mesh.extents.max())
    else:
        shape = {**_TRAIN, **_HELDOUT}[name]()
    hulls = _MOST_HULLS if split == "everyday" else 1
    built = build_object(
        name,
        name,
        shape.pieces,
        shape.mesh,
        split=SET + split,
        hulls=hulls,
        vertices=_VERTICES,
    )
    factor = MASS / built.mass
    return dataclasses.replace(
        built,
        mass=np.full(1, MASS, np.float32),
        inertia=(built.inertia * factor[:, None, None]).astype(np.float32),
    )
