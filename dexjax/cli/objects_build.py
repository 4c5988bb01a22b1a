"""`dexjax objects build`: the everyday set, made now."""

import dataclasses
from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.objects.catalogue import build_everyday


@dataclasses.dataclass(frozen=True)
class Options:
    """Builds the everyday set, unless that is done, and counts what is in it."""


def run(arguments: Sequence[str]) -> list[str]:
    """Lines by split and category."""
    parse(Options, arguments, Options(), "objects build")
    lines = build_everyday()
    print("\n".join(lines))
    return lines
