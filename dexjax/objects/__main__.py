"""`python -m dexjax.objects list|show|import|build|plan`: what there is to grasp."""

import collections
import dataclasses
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from dexjax.errors import main_guard
from dexjax.objects.contact_sheet import write_contact_sheet
from dexjax.objects.dexgraspnet import find_objects
from dexjax.objects.everyday_plan import (
    PLAN,
    code_digest,
    make_plan,
    members,
    write_plan,
)
from dexjax.objects.everyday_set import build, cache_file
from dexjax.objects.loading import load_object, load_object_set, members_named
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.procedural import CATEGORIES

_Specs = tyro.conf.Positional[tuple[str, ...]]
# Tiles on a contact sheet; of more objects a sample is shown.
_MOST_SHOWN = 128


@dataclasses.dataclass(frozen=True)
class List:
    """Lists the objects that can be named."""

    part: tyro.conf.Positional[str] = ""
    """a part of the everyday set, such as everyday/train or everyday/train/mug"""
    dexgraspnet: Path | None = None
    """folder with DexGraspNet data"""

    def run(self) -> None:
        """Prints one name a line."""
        if self.part:
            print("\n".join(member.name for member in members_named(self.part)))
            return
        for name, builder in CATEGORIES.items():
            print(f"{name:16} {(builder.__doc__ or '').splitlines()[0]}")
        if self.dexgraspnet is not None:
            for name, source in find_objects(self.dexgraspnet).items():
                grasps = "with grasps" if source.grasps else "without grasps"
                print(f"{name}@SCALE  {source.category}, {grasps}")


@dataclasses.dataclass(frozen=True)
class Show:
    """Draws objects' collision hulls, resting on the table, on one sheet."""

    objects: _Specs = ()
    """their names, or everyday/train and the like; one of each category by default"""
    out: Path = Path("objects.png")
    """the PNG to write"""
    size: float | None = None
    """largest extent in metres"""
    dexgraspnet: Path | None = None
    """folder with DexGraspNet data"""

    def run(self) -> None:
        """Writes the sheet."""
        loaded = ObjectSet.concatenate(
            load_object_set(name, size=self.size, dexgraspnet=self.dexgraspnet)
            for name in self.objects or CATEGORIES
        )
        shown = np.linspace(0, len(loaded) - 1, min(len(loaded), _MOST_SHOWN))
        write_contact_sheet(loaded.subset(shown.astype(int)), self.out)
        print(f"wrote {self.out}: {len(shown)} of {len(loaded)} objects")


@dataclasses.dataclass(frozen=True)
class Import:
    """Reads one object and says what became of it; keeps a mesh's decomposition."""

    object: tyro.conf.Positional[str]
    """a mesh file, a DexGraspNet name with its scale, or a procedural category"""
    size: float | None = None
    """largest extent in metres"""
    dexgraspnet: Path | None = None
    """folder with DexGraspNet data"""

    def run(self) -> None:
        """Prints the object's figures."""
        loaded = load_object(self.object, size=self.size, dexgraspnet=self.dexgraspnet)
        print(describe(loaded))


@dataclasses.dataclass(frozen=True)
class Build:
    """Builds the everyday set, unless that is done, and counts what is in it."""

    def run(self) -> None:
        """Prints objects by split and category."""
        start = time.perf_counter()
        names, _ = build()
        seconds, file = time.perf_counter() - start, cache_file()
        for split, chosen in members().items():
            print(f"{split}: {len(chosen)} objects")
            counts = collections.Counter(member.category for member in chosen)
            for category, count in sorted(counts.items()):
                meshes = {m.variant for m in chosen if m.category == category}
                print(f"  {category:16} {count:3} objects of {len(meshes):2} meshes")
        if file.exists():
            print(f"{file}: {len(names)} meshes, {file.stat().st_size / 1e6:.0f} MB")
        print(f"built or read in {seconds:.1f} s")


@dataclasses.dataclass(frozen=True)
class Plan:
    """Chooses the everyday set's members anew, after a change of the shapes."""

    def run(self) -> None:
        """Writes the plan that the package ships."""
        # The code as it is now, not as it may be minutes later.
        made_from = code_digest()
        write_plan(make_plan(), made_from)
        print(f"wrote {PLAN}")


def describe(objects: ObjectSet) -> str:
    """One line about each object of a set."""
    lines = []
    for i, name in enumerate(objects.names):
        hulls = objects.hulls[i][objects.hull_mask[i]]
        extents = np.ptp(hulls.reshape(-1, 3), axis=0)
        lines.append(
            f"{name}: {' x '.join(f'{100 * e:.1f}' for e in extents)} cm, "
            f"{1000 * objects.mass[i]:.0f} g, {hulls.shape[0]} hulls "
            f"of {hulls.shape[1]} vertices, {int(objects.grasp_count[i])} grasps"
        )
    return "\n".join(lines)


@main_guard
def main() -> None:
    """The command line."""
    command = tyro.cli(
        Annotated[List, tyro.conf.subcommand("list")]
        | Annotated[Show, tyro.conf.subcommand("show")]
        | Annotated[Import, tyro.conf.subcommand("import")]
        | Annotated[Build, tyro.conf.subcommand("build")]
        | Annotated[Plan, tyro.conf.subcommand("plan")],
        prog="python -m dexjax.objects",
        description=__doc__,
    )
    command.run()


if __name__ == "__main__":
    sys.exit(main())
