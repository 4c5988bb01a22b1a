"""A hand's files, copied together, so that it can be read without their origin."""

import os
import shutil
from pathlib import Path

import mujoco
import yaml

from dexjax.hands.description import read_hand
from dexjax.reading import read_yaml

DESCRIPTION = "hand.yaml"


def copy_hand(description: Path, folder: Path) -> None:
    """Copies a hand's description and all files of its MJCF file.

    Files that these name by an absolute path are copied, but still looked for there.

    Args:
        description: YAML file of the hand.
        folder: new folder; its hand.yaml describes the same hand.

    Raises:
        DexjaxError: if the hand cannot be read.
        OSError: if it cannot be written.
    """
    mjcf = read_hand(description).xml.resolve()
    files = {Path(file).resolve() for file in mujoco.mju_getXMLDependencies(str(mjcf))}
    # Files name each other by where they lie: they keep their places.
    root = Path(os.path.commonpath([file.parent for file in files | {mjcf}]))
    for file in files | {mjcf}:
        copy = folder / "mjcf" / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    fields = read_yaml(description) | {
        "mjcf": str(Path("mjcf", mjcf.relative_to(root)))
    }
    (folder / DESCRIPTION).write_text(yaml.safe_dump(fields, sort_keys=False))
