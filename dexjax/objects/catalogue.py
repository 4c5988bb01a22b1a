"""What there is to grasp: listed, drawn, described and kept, for any command line."""

import collections
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dexjax.objects.contact_sheet import write_contact_sheet
from dexjax.objects.dexgraspnet import find_objects
from dexjax.objects.everyday.built_set import build, cache_file
from dexjax.objects.everyday.plan import members
from dexjax.objects.loading import load_object, load_object_set, members_named
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.procedural import CATEGORIES
from dexjax.objects.stored import save_object

# Tiles on a contact sheet; of more objects a sample is shown.
_MOST_SHOWN = 128


def list_objects(part: str = "", dexgraspnet: Path | None = None) -> list[str]:
    """One line for each object, or kind of object, that can be named.

    Args:
        part: of the everyday set, such as "everyday/train/mug"; all kinds by default.
        dexgraspnet: folder with DexGraspNet data, whose objects are listed too.

    Raises:
        DexjaxError: no such part or folder.
    """
    if part:
        return [member.name for member in members_named(part)]
    lines = [
        f"{name:16} {(builder.__doc__ or '').splitlines()[0]}"
        for name, builder in CATEGORIES.items()
    ]
    if dexgraspnet is not None:
        for name, source in find_objects(dexgraspnet).items():
            grasps = "with grasps" if source.grasps else "without grasps"
            lines.append(f"{name}@SCALE  {source.category}, {grasps}")
    return lines


def show_objects(
    specs: Sequence[str],
    out: Path,
    *,
    size: float | None = None,
    dexgraspnet: Path | None = None,
) -> str:
    """Draws objects' collision hulls, resting on the table, on one sheet.

    Args:
        specs: what `load_object_set` takes; one of each category if empty.
        out: the PNG to write.
        size: largest extent, m.
        dexgraspnet: folder with DexGraspNet data.

    Returns:
        What was written, in one line.

    Raises:
        DexjaxError: nothing of that name, or the file cannot be written.
    """
    loaded = ObjectSet.concatenate(
        load_object_set(spec, size=size, dexgraspnet=dexgraspnet)
        for spec in specs or CATEGORIES
    )
    shown = np.linspace(0, len(loaded) - 1, min(len(loaded), _MOST_SHOWN))
    write_contact_sheet(loaded.subset(shown.astype(int)), out)
    return f"wrote {out}: {len(shown)} of {len(loaded)} objects"


def import_object(
    spec: str,
    out: Path | None = None,
    *,
    size: float | None = None,
    dexgraspnet: Path | None = None,
) -> ObjectSet:
    """Reads one object and keeps it in a file from which it can be loaded anywhere.

    Args:
        spec: what `load_object` takes.
        out: a file ending in ".object.npz"; nothing is written by default, though a
            mesh's decomposition is remembered.
        size: largest extent, m.
        dexgraspnet: folder with DexGraspNet data.

    Raises:
        DexjaxError: data that cannot be used, or a file that cannot be written.
    """
    loaded = load_object(spec, size=size, dexgraspnet=dexgraspnet)
    if out is not None:
        save_object(loaded, out)
    return loaded


def figures(objects: ObjectSet) -> list[dict[str, Any]]:
    """Size (m), mass (kg), hulls and grasps of each object of a set."""
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(objects.names):
        hulls = objects.hulls[i][objects.hull_mask[i]]
        extents = np.ptp(hulls.reshape(-1, 3), axis=0)
        rows.append(
            {
                "object": name,
                "extents_m": [float(x) for x in extents],
                "mass_kg": float(objects.mass[i]),
                "hulls": hulls.shape[0],
                "hull_vertices": hulls.shape[1],
                "grasps": int(objects.grasp_count[i]),
            }
        )
    return rows


def describe(objects: ObjectSet) -> list[str]:
    """One line about each object of a set."""
    return [
        f"{row['object']}: "
        f"{' x '.join(f'{100 * x:.1f}' for x in row['extents_m'])} cm, "
        f"{1000 * row['mass_kg']:.0f} g, {row['hulls']} hulls of "
        f"{row['hull_vertices']} vertices, {row['grasps'] or 'no'} grasp proposals"
        for row in figures(objects)
    ]


def build_everyday() -> list[str]:
    """Builds the everyday set, unless that is done; its objects by split, category."""
    start = time.perf_counter()
    names, _ = build()
    seconds, file, lines = time.perf_counter() - start, cache_file(), []
    for split, chosen in members().items():
        lines.append(f"{split}: {len(chosen)} objects")
        counts = collections.Counter(member.category for member in chosen)
        for category, count in sorted(counts.items()):
            meshes = {m.variant for m in chosen if m.category == category}
            lines.append(f"  {category:16} {count:3} objects of {len(meshes):2} meshes")
    if file.exists():
        size = file.stat().st_size / 1e6
        lines.append(f"{file}: {len(names)} meshes, {size:.0f} MB")
    return [*lines, f"built or read in {seconds:.1f} s"]
