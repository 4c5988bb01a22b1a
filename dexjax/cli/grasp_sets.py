"""`dexjax grasp-sets`: in-hand grasps found and tried out in simulation."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.dexgen.grasp_sets import GraspSetOptions, make_grasp_sets


def run(arguments: Sequence[str]) -> dict:
    """Finds what is missing; again, it goes on. The summary."""
    options = parse(GraspSetOptions, arguments, GraspSetOptions(), "grasp-sets")
    use_compilation_cache()
    return make_grasp_sets(options)
