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
    # As they are named, not where links lead: files are looked for beside each other.
    mjcf = Path(os.path.abspath(read_hand(description).xml))
    named = mujoco.mju_getXMLDependencies(str(mjcf))
    files = {mjcf} | {Path(os.path.abspath(file)) for file in named}
    root = Path(os.path.commonpath([file.parent for file in files]))
    for file in files:
        copy = folder / "mjcf" / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    fields = read_yaml(description) | {
        "mjcf": str(Path("mjcf", mjcf.relative_to(root)))
    }
    (folder / DESCRIPTION).write_text(yaml.safe_dump(fields, sort_keys=False))
