"""`dexjax objects import`: a mesh file made an object, once."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.objects.catalogue import describe, figures, import_object


@dataclasses.dataclass(frozen=True)
class Options:
    """Reads an object and says what became of it; keeps a mesh's decomposition.

    Attributes:
        object: a mesh file, a DexGraspNet name with its scale, or what else a training
            takes.
        size: largest extent in m.
        dexgraspnet: folder of DexGraspNet, for its names.
        out: file ending in .object.npz, which can be named in the object's place from
            then on.
    """

    object: Positional[str]
    size: float | None = None
    dexgraspnet: Path | None = None
    out: Path | None = None


def run(arguments: Sequence[str]) -> list[dict]:
    """A line for each object; their figures."""
    options = parse(Options, arguments, None, "objects import")
    objects = import_object(
        options.object,
        options.out,
        size=options.size,
        dexgraspnet=options.dexgraspnet,
    )
    print("\n".join(describe(objects)))
    return figures(objects)
