"""The everyday set: 3,200 objects to train on, 241 held out, built once and cached.

The cache is one file of plain arrays: the meshes' records, their names and a hash of
both, which is verified on loading. Its name depends on what a few meshes look like
(made.py) and on which are wanted: a change of either makes a new file.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from dexjax.cache import cache_folder
from dexjax.errors import DexjaxError
from dexjax.objects.everyday.made import records_digest
from dexjax.objects.everyday.meshes import MESH, scaled_objects
from dexjax.objects.everyday.plan import SIZES, Member, members, split_of
from dexjax.objects.everyday.worker import MeshName, make_meshes
from dexjax.objects.nearest import nearest
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.procedural import CATEGORIES

# So few meshes are made on the spot rather than all of them.
_FEW = 40


def load_members(chosen: Sequence[Member]) -> ObjectSet:
    """The given objects; of the set, or made in the same way."""
    wanted = sorted({(m.category, m.variant) for m in chosen})
    names, meshes = _meshes(wanted)
    place = {name: i for i, name in enumerate(names)}
    return scaled_objects(
        meshes[[place[m.category, m.variant] for m in chosen]],
        scales=[m.scale for m in chosen],
        names=[m.name for m in chosen],
        categories=[m.category for m in chosen],
        splits=[split_of(m) or "train" for m in chosen],
    )


def choose_members(
    split: str, category: str | None = None, count: int | None = None
) -> list[Member]:
    """Objects of one split; the first ones are of as many categories as possible.

    Args:
        split: "train", "unseen-object" or "unseen-category".
        category: only those of this category.
        count: only the first so many.

    Raises:
        DexjaxError: unknown split or category, or more objects than there are.
    """
    if split not in SIZES:
        raise DexjaxError(f"unknown split {split!r}: {nearest(split, SIZES)}")
    chosen = list(members()[split])
    what = f"everyday/{split}"
    if category is not None:
        chosen = [m for m in chosen if m.category == category]
        if not chosen:
            known = sorted({m.category for m in members()[split]})
            raise DexjaxError(
                f"{what} has no category {category!r}: {nearest(category, known)}"
            )
        what += f"/{category}"
    if count is not None and not 1 <= count <= len(chosen):
        raise DexjaxError(f"{what} has 1 to {len(chosen)} objects, asked for {count}")
    return chosen[:count]


def build() -> tuple[list[MeshName], np.ndarray]:
    """All meshes of the set with their names, from the cache or made and kept there."""
    file = cache_file()
    stored = _read(file)
    if stored is not None:
        return stored
    names = _all_meshes()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A second process that wants the set waits for what the first one makes.
        with FileLock(file.with_suffix(".lock")):
            stored = _read(file) or (names, make_meshes(names))
            _write(file, *stored)
    except OSError as error:
        _say(f"{file}: cannot be written ({error.strerror or error}): nothing is kept")
    return stored or (names, make_meshes(names))


def cache_file() -> Path:
    """Where the built set is kept."""
    digest = hashlib.sha256(repr((records_digest(), _all_meshes())).encode())
    digest.update(repr(MESH.descr).encode())
    return cache_folder("objects") / f"everyday-{digest.hexdigest()[:16]}.npz"


def parse_member(spec: str) -> Member | None:
    """The object that "mug:12@0.08" names, of the set or not; None if it names none.

    Raises:
        DexjaxError: a category, but no number after ":" or "@".
    """
    name, at, scale = spec.partition("@")
    category, colon, variant = name.partition(":")
    if not at or category not in CATEGORIES:
        return None
    try:
        return Member(category, int(variant) if colon else 0, float(scale))
    except ValueError:
        raise DexjaxError(
            f"{spec!r} needs a variant and a scale, as in {category}:12@0.08"
        ) from None


def _meshes(wanted: list[MeshName]) -> tuple[list[MeshName], np.ndarray]:
    """Meshes, those wanted among them, with their names."""
    few = len(wanted) <= _FEW and not cache_file().exists()
    # A single mesh is made faster than the whole file is read.
    if few or len(wanted) == 1:
        return wanted, make_meshes(wanted)
    return build()


def _all_meshes() -> list[MeshName]:
    all_members = (m for split in members().values() for m in split)
    return sorted({(m.category, m.variant) for m in all_members})


def _read(file: Path) -> tuple[list[MeshName], np.ndarray] | None:
    """What a file holds; a damaged one is removed, with a line on stderr."""
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            labels, meshes, digest = (stored[k] for k in ("names", "meshes", "digest"))
        if str(digest) != _digest(labels, meshes):
            raise ValueError("its hash does not fit")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _say(f"{file}: damaged ({error}): the object set is built again")
        with contextlib.suppress(OSError):
            file.unlink()
        return None
    return [_mesh_name(label) for label in labels], meshes


def _write(file: Path, names: list[MeshName], meshes: np.ndarray) -> None:
    """In one move: a process that is killed leaves no half of a file behind."""
    if file.exists():
        return
    labels = np.array([f"{category}:{variant}" for category, variant in names])
    descriptor, name = tempfile.mkstemp(suffix=".npz", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            digest = np.array(_digest(labels, meshes))
            np.savez(stream, names=labels, meshes=meshes, digest=digest)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _mesh_name(label: str) -> MeshName:
    category, _, variant = str(label).partition(":")
    return category, int(variant)


def _digest(labels: np.ndarray, meshes: np.ndarray) -> str:
    digest = hashlib.sha256(",".join(labels).encode())
    digest.update(np.ascontiguousarray(meshes).tobytes())
    return digest.hexdigest()


def _say(line: str) -> None:
    print(line, file=sys.stderr)
