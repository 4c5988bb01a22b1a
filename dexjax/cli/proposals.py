"""`dexjax proposals`: grasps found by energy, tried out in simulation."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.resdex.proposals import ProposalOptions, make_proposals


def run(arguments: Sequence[str]) -> dict:
    """Finds what is missing; again, it goes on. The summary."""
    options = parse(ProposalOptions, arguments, ProposalOptions(), "proposals")
    use_compilation_cache()
    return make_proposals(options)
