"""What policies are measured on: splits of the everyday set, and real objects."""

import itertools
from pathlib import Path

from dexjax.objects.dexgraspnet import scaled_names
from dexjax.objects.everyday_plan import SIZES


def splits(dexgraspnet: Path | None) -> dict[str, tuple[object, ...]]:
    """Name -> arguments of experiments/evaluate.py.

    Args:
        dexgraspnet: folder of DexGraspNet, all of whose objects are one more split.
    """
    found: dict[str, tuple[object, ...]] = {name: ("--split", name) for name in SIZES}
    if dexgraspnet is not None:
        names = itertools.chain(*scaled_names(dexgraspnet).values())
        objects = ("--objects", ",".join(names))
        found["dexgraspnet"] = (*objects, "--dexgraspnet", dexgraspnet)
    return found
