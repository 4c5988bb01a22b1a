"""`dexjax objects show`: objects in a picture."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.objects.catalogue import show_objects


@dataclasses.dataclass(frozen=True)
class Options:
    """Draws objects' collision hulls, resting on the table, on one sheet.

    Attributes:
        objects: as for a training, or everyday/train and the like; one of each
            category by default.
        size: largest extent in m.
        dexgraspnet: folder of DexGraspNet, for its names.
        out: PNG file to write.
    """

    objects: Positional[tuple[str, ...]] = ()
    size: float | None = None
    dexgraspnet: Path | None = None
    out: Path = Path("objects.png")


def run(arguments: Sequence[str]) -> dict:
    """Draws; where to."""
    options = parse(Options, arguments, Options(), "objects show")
    out = options.out.expanduser()
    print(
        show_objects(
            options.objects, out, size=options.size, dexgraspnet=options.dexgraspnet
        )
    )
    return {"out": str(out)}
