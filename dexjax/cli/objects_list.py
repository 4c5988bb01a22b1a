"""`dexjax objects list`: what there is to grasp."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.objects.catalogue import list_objects


@dataclasses.dataclass(frozen=True)
class Options:
    """Lists the objects that can be named.

    Attributes:
        part: a part of the everyday set, such as everyday/train or
            everyday/train/mug; the built-in categories by default.
        dexgraspnet: folder of DexGraspNet, whose objects are listed as well.
    """

    part: Positional[str] = ""
    dexgraspnet: Path | None = None


def run(arguments: Sequence[str]) -> list[str]:
    """A line for each object; their names."""
    options = parse(Options, arguments, Options(), "objects list")
    lines = list_objects(options.part, options.dexgraspnet)
    print("\n".join(lines))
    return [line.split()[0] for line in lines]
