"""`dexjax objects plan`: the everyday set's members, chosen anew."""

import dataclasses
from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.objects.everyday.plan import PLAN, make_plan, write_plan


@dataclasses.dataclass(frozen=True)
class Options:
    """Chooses the everyday set's members anew, after a change of the shapes."""


def run(arguments: Sequence[str]) -> dict:
    """Writes the plan that comes with dexjax; where to."""
    parse(Options, arguments, Options(), "objects plan")
    write_plan(make_plan())
    print(f"wrote {PLAN}")
    return {"out": str(PLAN)}
