"""`dexjax policies`: what comes with dexjax."""

import dataclasses
from collections.abc import Sequence

from dexjax import shipped
from dexjax.cli.arguments import parse
from dexjax.runs.storage.files import read_json


@dataclasses.dataclass(frozen=True)
class Options:
    """Lists the policies that come with dexjax."""


def run(arguments: Sequence[str]) -> list[dict]:
    """A line for each: what it was trained on, and what it holds."""
    parse(Options, arguments, Options(), "policies")
    rows = []
    for name in shipped.names():
        summary = read_json(shipped.shipped(name) / "summary.json")
        kept = ("object", "hand", "success_held", "success_reached", "episodes")
        rows.append({"policy": name} | {n: summary.get(n) for n in kept})
        print(
            f"{name:18} {summary['hand']:8} trained on {summary['object']}: held "
            f"{summary['success_held']:.1%} of {summary['episodes']:,} episodes"
        )
    return rows
