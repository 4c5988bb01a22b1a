"""The bodies of a closed mesh: solids that may overlap, and cavities inside them.

A closed shell inside another is a cavity, one inside a cavity is solid again, and so
on; which way its faces point does not matter, since programs disagree about that.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import rtree
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dexjax.objects.meshes.repair import Surface

# A body of less than this share of its box has no volume: a sheet with two sides.
_FLAT = 1e-6
_NOISE = 1e-12  # Rounding, as a share of the size cubed.
# How many of a body's faces tell whether it lies inside another.
_TRIED = 9


class Solid(NamedTuple):
    """A closed mesh, parted.

    Attributes:
        outside: the bodies that are inside no other, overlapping ones joined.
        filled: closed surface of all material, cavities left out: what has the mass.
    """

    outside: list[trimesh.Trimesh]
    filled: trimesh.Trimesh


def part(surface: Surface) -> Solid | None:
    """Parts a closed surface into bodies; None if none of them has a volume.

    Args:
        surface: welded and oriented, `body` not None.
    """
    assert surface.body is not None
    order = np.argsort(surface.body, kind="stable")
    ends = np.cumsum(np.bincount(surface.body))[:-1]
    bodies = [
        outward
        for chosen in np.split(order, ends)
        if (outward := _outward(surface, chosen)) is not None
    ]
    if not bodies:
        return None
    depth = _depths(bodies)
    levels = [
        _union([b for b, d in zip(bodies, depth, strict=True) if d == level])
        for level in range(max(depth) + 1)
    ]
    for cavities in levels[1::2]:
        for cavity in cavities:
            cavity.invert()
    # Several bodies may enclose a void between them.
    outside = [body for body in levels[0] if body.volume > 0]
    return Solid(outside, together(sum(levels, [])))


def together(meshes: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    """All faces of several meshes as one mesh."""
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    faces = [m.faces + start for m, start in zip(meshes, starts, strict=True)]
    vertices = np.concatenate([m.vertices for m in meshes])
    return trimesh.Trimesh(vertices, np.concatenate(faces), process=False)


def box_groups(boxes: np.ndarray) -> list[np.ndarray]:
    """Groups of boxes that overlap, or are joined by others that do.

    Args:
        boxes: (n, 2, 3) lower and upper corners.

    Returns:
        The indices in each group.
    """
    flat = boxes.reshape(-1, 6)
    tree = rtree.index.Index(
        ((i, box, None) for i, box in enumerate(flat.tolist())),
        properties=rtree.index.Property(dimension=3),
    )
    pairs = [(i, j) for i, box in enumerate(flat) for j in tree.intersection(box)]
    rows, columns = np.array(pairs).T
    ones = np.ones(len(rows), bool)
    graph = coo_matrix((ones, (rows, columns)), shape=(len(flat), len(flat)))
    count, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    return np.split(order, np.searchsorted(label[order], np.arange(1, count)))


def _outward(surface: Surface, chosen: np.ndarray) -> trimesh.Trimesh | None:
    """The body of some faces, which then point outwards; None without volume."""
    used, faces = np.unique(surface.faces[chosen], return_inverse=True)
    body = trimesh.Trimesh(surface.vertices[used], faces.reshape(-1, 3), process=False)
    volume = body.volume
    least = _FLAT * np.prod(body.extents) + _NOISE * body.extents.max() ** 3
    if abs(volume) <= least:
        return None
    if volume < 0:
        body.invert()
    return body


def _depths(bodies: list[trimesh.Trimesh]) -> list[int]:
    """How many others each body lies inside of."""
    bounds = np.array([b.bounds for b in bodies])
    depth = np.zeros(len(bodies), int)
    for i, outer in enumerate(bodies):
        low, high = bounds[i]
        within = ((bounds[:, 0] >= low) & (bounds[:, 1] <= high)).all(axis=1)
        within[i] = False
        inner = np.flatnonzero(within)
        if len(inner):
            tried = [_face_centres(bodies[j]) for j in inner]
            inside = outer.contains(np.concatenate(tried))
            parts = np.split(inside, np.cumsum([len(t) for t in tried])[:-1])
            depth[inner] += [p.mean() > 0.5 for p in parts]
    return depth.tolist()


def _face_centres(body: trimesh.Trimesh) -> np.ndarray:
    """Centres (k, 3) of a few faces from all over a body."""
    count = len(body.faces)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _TRIED)).astype(int))
    return body.triangles[chosen].mean(axis=1)


def _union(bodies: list[trimesh.Trimesh]) -> list[trimesh.Trimesh]:
    """The shells of a union: none overlap, those around voids face inwards."""
    groups = box_groups(np.array([b.bounds for b in bodies]))
    return sum((_joined([bodies[i] for i in group]) for group in groups), [])


def _joined(bodies: list[trimesh.Trimesh]) -> list[trimesh.Trimesh]:
    """The same of bodies whose boxes overlap; where it fails, the bodies themselves."""
    if len(bodies) == 1:
        return bodies
    union = trimesh.boolean.union(bodies, engine="manifold", check_volume=False)
    most = max(b.volume for b in bodies)
    if union.is_empty or not union.is_volume or union.volume < (1 - 1e-3) * most:
        return bodies
    return list(union.split(only_watertight=False, repair=False, engine="scipy"))
