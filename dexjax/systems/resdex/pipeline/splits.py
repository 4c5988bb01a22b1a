"""What policies are measured on: splits of the everyday set, and real objects."""

import itertools
from pathlib import Path

from dexjax.objects.dexgraspnet import scaled_names
from dexjax.objects.everyday.plan import SIZES
from dexjax.runs.measure import Where


def splits(dexgraspnet: Path | None) -> dict[str, Where]:
    """Name -> objects of that split.

    Args:
        dexgraspnet: folder of DexGraspNet, all of whose objects are one more split.
    """
    found = {name: Where(f"everyday/{name}") for name in SIZES}
    if dexgraspnet is not None:
        names = itertools.chain(*scaled_names(dexgraspnet).values())
        found["dexgraspnet"] = Where(",".join(names), dexgraspnet=dexgraspnet)
    return found
