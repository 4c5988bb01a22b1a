"""What a run's folder keeps of what it was made from, so that it can be moved.

Objects that were read from files, and a hand, a file of grasp proposals or an encoder
that do not come with dexjax.
"""

import dataclasses
import shutil
from pathlib import Path
from typing import TypeVar

from dexjax.errors import DexjaxError
from dexjax.hands.copying import DESCRIPTION, copy_hand
from dexjax.hands.files import HANDS
from dexjax.objects.geometric import is_geometric
from dexjax.objects.object_set import ObjectSet
from dexjax.objects.procedural import CATEGORIES
from dexjax.objects.stored import SUFFIX, save_object
from dexjax.runs.encoder import export_encoder, load_encoder
from dexjax.runs.run import Run
from dexjax.runs.storage import checkpoint

OBJECTS = f"objects{SUFFIX}"
ENCODER = "encoder"
GRASPS = "grasps.npz"
HAND = "hand"
R = TypeVar("R", bound=Run)
# Names of all that may be kept.
KEPT = (OBJECTS, ENCODER, GRASPS, HAND)


def keep(folder: Path, run: Run, objects: ObjectSet) -> None:
    """Keeps what the run was made from, once.

    Args:
        folder: of the run.
        run: what is trained.
        objects: that it is trained on.

    Raises:
        DexjaxError: if it cannot be written.
    """
    scene = run.scene
    try:
        if not ((folder / OBJECTS).exists() or all(_own(objects))):
            save_object(objects, folder / OBJECTS)
        if scene.grasps is not None and not (folder / GRASPS).exists():
            partial = folder / f".partial-{GRASPS}"
            shutil.copyfile(scene.grasps.expanduser(), partial)
            partial.replace(folder / GRASPS)
        if scene.hand not in HANDS and not (folder / HAND).exists():
            partial = folder / f".partial-{HAND}"
            shutil.rmtree(partial, ignore_errors=True)
            copy_hand(Path(scene.hand).expanduser(), partial)
            partial.rename(folder / HAND)
    except OSError as error:
        raise DexjaxError(f"cannot write in {folder}: {error.strerror}") from error
    there = checkpoint.latest_step(folder / ENCODER / "checkpoints") is not None
    if scene.encoder is not None and not there:
        export_encoder(load_encoder(scene.encoder), folder / ENCODER)


def with_kept(folder: Path, run: R) -> R:
    """The run with what its folder keeps in the place of where it came from."""
    scene = run.scene
    if (folder / OBJECTS).exists():
        kept = str(folder / OBJECTS)
        scene = dataclasses.replace(scene, object=kept, size=None, dexgraspnet=None)
    if (folder / GRASPS).exists():
        scene = dataclasses.replace(scene, grasps=folder / GRASPS)
    if (folder / HAND).is_dir():
        scene = dataclasses.replace(scene, hand=str(folder / HAND / DESCRIPTION))
    if (folder / ENCODER).is_dir():
        scene = dataclasses.replace(scene, encoder=folder / ENCODER)
    return dataclasses.replace(run, scene=scene)


def _own(objects: ObjectSet) -> list[bool]:
    """Whether dexjax makes each object itself, anywhere.

    These are named by their category; a mesh file may have such a name, but not the
    category, and objects of DexGraspNet have it, but not the name.
    """
    told = zip(objects.names, objects.categories, objects.splits, strict=True)
    return [
        is_geometric(name, split)
        or (category in CATEGORIES and name.partition(":")[0] == category)
        for name, category, split in told
    ]
