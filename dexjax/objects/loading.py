"""From what a user types to an `ObjectSet`."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.objects import dexgraspnet as ddg
from dexjax.objects import stored
from dexjax.objects.everyday.built_set import choose_members, load_members, parse_member
from dexjax.objects.everyday.plan import Member
from dexjax.objects.geometric import SET as GEOMETRIC
from dexjax.objects.geometric import geometric_objects, parse_geometric
from dexjax.objects.meshes.formats import names_file, upwards
from dexjax.objects.meshes.mesh_file import check_size, load_mesh
from dexjax.objects.nearest import nearest
from dexjax.objects.object_set import JOINTS, ObjectSet, build_object
from dexjax.objects.procedural import CATEGORIES, make_shape

_SET = "everyday/"


def load_object(
    spec: str,
    *,
    size: float | None = None,
    dexgraspnet: Path | None = None,
    seed: int = 0,
) -> ObjectSet:
    """One object.

    Args:
        spec: a procedural category with an optional variant ("mug", "mug:3"), an
            object of the everyday set ("mug:12@0.08"), a mesh file, a stored object
            ("mine.object.npz"), or a DexGraspNet name with its scale
            ("core-mug-...@0.06").
        size: largest extent, m; the source's own size by default.
        dexgraspnet: folder with DexGraspNet data, for its names.
        seed: another series of procedural variants.

    Raises:
        DexjaxError: nothing of that name, or data that cannot be used.
    """
    member = parse_member(spec)
    if member is not None:
        _check_scale(spec, member.scale, size)
        return load_members([member])
    category, _, variant = spec.partition(":")
    if category in CATEGORIES:
        return _procedural(spec, category, variant, size, seed)
    if spec.endswith(stored.SUFFIX):
        found = _stored(spec, size)
        if len(found) > 1:
            raise DexjaxError(f"{spec} holds {len(found)} objects: name it as a set")
        return found
    if names_file(spec):
        return _mesh(Path(spec), size)
    if spec.startswith(_SET):
        raise DexjaxError(f"{spec!r} is a set: name one object of it, as mug:12@0.08")
    if dexgraspnet is not None:
        return _dexgraspnet(spec, Path(dexgraspnet), size)
    if "@" in spec:
        raise DexjaxError(
            f"{spec!r} is a DexGraspNet name: say where its folder is (DEXGRASPNET)"
        )
    raise DexjaxError(f"unknown object {spec!r}: {nearest(spec, CATEGORIES)}")


def load_objects(
    specs: Sequence[str],
    *,
    size: float | None = None,
    dexgraspnet: Path | None = None,
    seed: int = 0,
) -> ObjectSet:
    """Several objects as one set; see `load_object`."""
    return ObjectSet.concatenate(
        load_object(s, size=size, dexgraspnet=dexgraspnet, seed=seed) for s in specs
    )


def load_object_set(
    spec: str,
    *,
    size: float | None = None,
    dexgraspnet: Path | None = None,
    seed: int = 0,
) -> ObjectSet:
    """A set of objects.

    Args:
        spec: what `load_object` takes, or a part of the everyday set,
            everyday/<split>[/<category>][:<count>] such as "everyday/train:64" or
            "everyday/unseen-object/mug"; or geometric objects for in-hand tasks,
            geometric/<split>[/<name>]; or several of these, separated by commas.
        size: largest extent, m, of objects that have no scale of their own.
        dexgraspnet: folder with DexGraspNet data, for its names.
        seed: another series of procedural variants; the everyday set is always one.

    Raises:
        DexjaxError: nothing of that name, or data that cannot be used.
    """
    # A file may have a comma in its name; a list may be longer than any name, which
    # `Path.is_file` refuses.
    parts = [spec] if os.path.isfile(os.path.expanduser(spec)) else spec.split(",")
    names = [name.strip() for name in parts if name.strip()]
    if not names:
        raise DexjaxError(f"{spec!r} names no object: give one, as in mug,can:2")
    return ObjectSet.concatenate(_part(n, size, dexgraspnet, seed) for n in names)


def names_builtin(spec: str) -> bool:
    """Whether a set is made of nothing but what comes with dexjax, without files."""
    parts = [name.strip() for name in spec.split(",") if name.strip()]
    return bool(parts) and all(
        not names_file(part)
        and (part.startswith((_SET, GEOMETRIC)) or part.partition(":")[0] in CATEGORIES)
        for part in parts
    )


def how_many(spec: str) -> int:
    """How many objects `load_object_set` would give, before any of them is made.

    Raises:
        DexjaxError: no such part of the everyday set.
    """
    parts = [name.strip() for name in spec.split(",") if name.strip()]
    return sum(map(_count, parts))


def _count(part: str) -> int:
    """How many objects stand between two commas."""
    if names_file(part):
        return 1
    if part.startswith(GEOMETRIC):
        return len(parse_geometric(part)[1])
    return len(members_named(part)) if part.startswith(_SET) else 1


def members_named(spec: str) -> list[Member]:
    """What everyday/<split>[/<category>][:<count>] stands for.

    Raises:
        DexjaxError: another spec, or no such split, category or count.
    """
    if not spec.startswith(_SET):
        raise DexjaxError(f"{spec!r} is no part of the everyday set: as everyday/train")
    which, colon, count = spec.removeprefix(_SET).partition(":")
    if colon and not count.isdecimal():
        raise DexjaxError(
            f"the count in {spec!r} must be a number, as everyday/train:8"
        )
    split, _, category = which.partition("/")
    return choose_members(split, category or None, int(count) if colon else None)


def _part(
    spec: str, size: float | None, dexgraspnet: Path | None, seed: int
) -> ObjectSet:
    """What stands between two commas: a part of the everyday set, a file, a name."""
    if spec.endswith(stored.SUFFIX):
        return _stored(spec, size)
    if spec.startswith(GEOMETRIC) and not names_file(spec):
        _check_own_size(spec, size)
        return geometric_objects(*parse_geometric(spec))
    if not spec.startswith(_SET) or names_file(spec):
        return load_object(spec, size=size, dexgraspnet=dexgraspnet, seed=seed)
    _check_own_size(spec, size)
    return load_members(members_named(spec))


def _check_own_size(spec: str, size: float | None) -> None:
    if size is not None:
        raise DexjaxError(f"the objects of {spec!r} have their own sizes: no --size")


def _stored(spec: str, size: float | None) -> ObjectSet:
    if size is not None:
        raise DexjaxError(f"{spec} has its own size: no --size")
    return stored.load_stored(Path(spec))


def _check_scale(spec: str, scale: float, size: float | None) -> None:
    """Refuses an absurd scale (m), and a size besides it."""
    if size is not None:
        raise DexjaxError(f"give the size of {spec!r} by its scale alone, not --size")
    check_size(2 * scale, f"twice the scale of {spec}")


def _procedural(
    name: str, category: str, variant: str, size: float | None, seed: int
) -> ObjectSet:
    if name != category and not variant.isdecimal():
        raise DexjaxError(f"the variant in {name!r} must be a number, as in 'mug:3'")
    shape = make_shape(category, int(variant or 0), seed)
    if size is not None:
        check_size(size, "--size")
        shape = shape.scaled(size / shape.mesh.extents.max())
    return build_object(name, category, shape.pieces, shape.mesh)


def _mesh(path: Path, size: float | None) -> ObjectSet:
    found = load_mesh(path, size)
    return build_object(
        found.name,
        "mesh",
        found.pieces,
        found.surface,
        filled=found.filled,
        up=upwards(path),
    )


def _dexgraspnet(spec: str, folder: Path, size: float | None) -> ObjectSet:
    name, _, text = spec.partition("@")
    sources = ddg.find_objects(folder)
    if name not in sources:
        if name and ddg.lacks_mesh(folder, name):
            raise DexjaxError(
                f"no mesh for {name!r}: expected {name}/coacd/decomposed.obj"
            )
        hint = nearest(name, [*sources, *CATEGORIES])
        raise DexjaxError(f"unknown object {name!r}: {hint}")
    if size is not None:
        raise DexjaxError(f"give the size of {name!r} by its scale, as in {name}@0.06")
    source = sources[name]
    grasps = [] if source.grasps is None else ddg.read_grasps(source)
    scale = _scale(source, text)
    pieces = ddg.read_pieces(source, scale)
    built = build_object(spec, source.category, pieces, up=source.up)
    return _with_grasps(built, ddg.grasps_at(grasps, scale))


def _scale(source: ddg.Source, text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        known = ", ".join(f"{scale:g}" for scale in ddg.scales_of(source))
        grasps = f"it has grasps at {known}" if source.grasps else f"one of {known}"
        raise DexjaxError(
            f"{source.name!r} needs a scale after '@', such as {source.name}@0.06; "
            f"{grasps}"
        ) from None
    check_size(2 * scale, f"twice the scale of {source.name}@{text}")
    return scale


def _with_grasps(objects: ObjectSet, grasps: list[ddg.Grasp]) -> ObjectSet:
    """The object set of one object with its grasp proposals."""
    rotation = np.array([g.rotation for g in grasps]).reshape(-1, 3, 3)
    quat = np.zeros((0, 4))
    if len(grasps):
        quat = Rotation.from_matrix(rotation).as_quat(scalar_first=True)
    translation = np.array([g.translation for g in grasps]).reshape(1, -1, 3)
    joints = np.array([g.joints for g in grasps]).reshape(1, -1, JOINTS)
    return dataclasses.replace(
        objects,
        grasp_translation=translation.astype(np.float32),
        grasp_rotation=quat[None].astype(np.float32),
        grasp_joints=joints.astype(np.float32),
        grasp_count=np.array([len(grasps)], np.int32),
    )
