"""`python -m dexjax.objects list|show|import`: what there is to be grasped."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from dexjax.errors import main_guard
from dexjax.objects.contact_sheet import write_contact_sheet
from dexjax.objects.dexgraspnet import find_objects
from dexjax.objects.loading import load_object, load_objects
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.procedural import CATEGORIES

_Specs = tyro.conf.Positional[tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class List:
    """Lists the objects that can be named."""

    dexgraspnet: Path | None = None
    """folder with DexGraspNet data"""

    def run(self) -> None:
        """Prints one name a line."""
        for name, build in CATEGORIES.items():
            print(f"{name:16} {(build.__doc__ or '').splitlines()[0]}")
        if self.dexgraspnet is not None:
            for name, source in find_objects(self.dexgraspnet).items():
                grasps = "with grasps" if source.grasps else "without grasps"
                print(f"{name}@SCALE  {source.category}, {grasps}")


@dataclasses.dataclass(frozen=True)
class Show:
    """Draws objects' collision hulls, resting on the table, on one sheet."""

    objects: _Specs = ()
    """their names; all procedural categories if none is given"""
    out: Path = Path("objects.png")
    """the PNG to write"""
    size: float | None = None
    """largest extent in metres"""
    dexgraspnet: Path | None = None
    """folder with DexGraspNet data"""

    def run(self) -> None:
        """Writes the sheet."""
        names = self.objects or tuple(CATEGORIES)
        loaded = load_objects(names, size=self.size, dexgraspnet=self.dexgraspnet)
        write_contact_sheet(loaded, self.out)
        print(f"wrote {self.out}: {len(loaded)} objects")


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
        | Annotated[Import, tyro.conf.subcommand("import")],
        prog="python -m dexjax.objects",
        description=__doc__,
    )
    command.run()


if __name__ == "__main__":
    sys.exit(main())
