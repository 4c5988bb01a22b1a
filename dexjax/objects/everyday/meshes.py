"""One mesh of the everyday set as a record of fixed size; its scales share the work.

As in DexGraspNet the bounding box is centred, and the farthest vertex is `scale` metres
away. What a scale does not change (hulls, points, the pose at rest) is made once, at
the scale `REFERENCE`. Mass and friction are those of the variant's material; every
fourth variant has been knocked over and lies on another side, if it can.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dexjax.objects.everyday.materials import draw_material
from dexjax.objects.geometry.hulls import HULLS, VERTICES
from dexjax.objects.geometry.resting import fallen_quaternion
from dexjax.objects.object_set import (
    CODE,
    JOINTS,
    MASS_RANGE,
    POINTS,
    ObjectSet,
    build_object,
    resting_height,
)
from dexjax.objects.procedural import make_shape

REFERENCE = 0.1
_FALLEN_EVERY = 4
MESH = np.dtype(
    [
        ("hulls", np.float32, (HULLS, VERTICES, 3)),
        ("hull_mask", np.bool_, HULLS),
        ("volume", np.float32),
        ("density", np.float32),
        ("friction", np.float32),
        ("mass", np.float32),
        ("com", np.float32, 3),
        ("inertia", np.float32, (3, 3)),
        ("points", np.float32, (POINTS, 3)),
        ("normals", np.float32, (POINTS, 3)),
        ("rest_quat", np.float32, 4),
        ("rest_height", np.float32),
    ]
)
# What grows with the scale, and what stays.
_LENGTHS = ("hulls", "com", "points", "rest_height")
_SAME = ("hull_mask", "normals", "rest_quat")


def make_mesh(category: str, variant: int) -> np.ndarray:
    """A record () of dtype `MESH`: one variant of a category at `REFERENCE`."""
    shape = make_shape(category, variant)
    radius = np.linalg.norm(shape.mesh.vertices, axis=1).max()
    shape = shape.scaled(REFERENCE / radius)
    built = build_object(category, category, shape.pieces, shape.mesh)
    record = np.zeros((), MESH)
    record["volume"] = shape.mesh.volume
    record["density"], record["friction"] = draw_material(category, variant)
    for field in (*_LENGTHS, *_SAME, "mass", "inertia"):
        record[field] = getattr(built, field)[0]
    if variant % _FALLEN_EVERY == _FALLEN_EVERY - 1:
        rng = np.random.default_rng([zlib.crc32(category.encode()), variant])
        corners, com = np.concatenate(shape.pieces), built.com[0].astype(float)
        quat = fallen_quaternion(corners, com, built.rest_quat[0].astype(float), rng)
        record["rest_quat"] = quat
        record["rest_height"] = resting_height(built.hulls[0][built.hull_mask[0]], quat)
    return record


def scaled_objects(
    meshes: np.ndarray,
    scales: Sequence[float],
    names: Sequence[str],
    categories: Sequence[str],
    splits: Sequence[str],
) -> ObjectSet:
    """The object set of n meshes, each at its scale.

    Args:
        meshes: (n,) of dtype `MESH`.
        scales: (n,) distance of the farthest vertex, m.
        names: (n,).
        categories: (n,).
        splits: (n,).
    """
    count = len(meshes)
    factor = np.asarray(scales, np.float32) / np.float32(REFERENCE)
    mass = np.clip(meshes["density"] * meshes["volume"] * factor**3, *MASS_RANGE)
    grows = mass / meshes["mass"] * factor**2
    fields: dict[str, Any] = {f: meshes[f].copy() for f in _SAME}
    for field in _LENGTHS:
        length = meshes[field]
        fields[field] = length * factor.reshape(-1, *[1] * (length.ndim - 1))
    return ObjectSet(
        **fields,
        mass=mass,
        inertia=meshes["inertia"] * grows[:, None, None],
        friction=meshes["friction"].copy(),
        code=np.zeros((count, CODE), np.float32),
        grasp_translation=np.zeros((count, 0, 3), np.float32),
        grasp_rotation=np.zeros((count, 0, 4), np.float32),
        grasp_joints=np.zeros((count, 0, JOINTS), np.float32),
        grasp_count=np.zeros(count, np.int32),
        names=tuple(names),
        categories=tuple(categories),
        splits=tuple(splits),
    )
