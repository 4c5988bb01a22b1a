"""Inputs that are folders of DexGraspNet: its grasps, its meshes, its links."""

from random import Random
from typing import Any

import trimesh

from dexjax.objects.dexgraspnet import JOINT_NAMES
from fuzzing import strange
from fuzzing.changes import archives, arrays, text, values
from fuzzing.input import Input
from fuzzing.seeds import Seeds

_OBJECT = "core-bottle-1"


def npy_grasps(seeds: Seeds, chance: Random) -> Input:
    """Grasps of the first layout: a pickle of a list, one file per object."""
    files = _one_object(chance, scaled=False)
    entries: Any = [_entry(chance, 0.06) for _ in range(2)]
    if chance.random() < 0.4:
        data = arrays.pickled(values.changed_value(entries, chance))
    else:
        data = arrays.changed_npy(arrays.pickled(entries), chance)
    files[f"ddg/dataset/{_OBJECT}.npy"] = data
    words = ["objects", "import", f"{_OBJECT}@0.06", "--dexgraspnet", "ddg"]
    return Input("", words, files)


def npz_grasps(seeds: Seeds, chance: Random) -> Input:
    """A grasp of the second layout: an archive of its entries."""
    files = _one_object(chance, scaled=True)
    entry = _entry(chance, 1 / 0.06)
    deep = chance.random() < 0.4
    found = values.changed_value(entry, chance) if deep else entry
    found = found if isinstance(found, dict) else {"qpos": found}
    packed = {f"{name}.npy": arrays.pickled(value) for name, value in found.items()}
    data = archives.zipped(packed)
    if not deep:
        data = archives.changed_npz(data, chance)
    files[f"ddg/datasetv4.1/core/{_OBJECT}/00000.npz"] = data
    words = ["objects", "import", f"core/{_OBJECT}@0.06", "--dexgraspnet", "ddg"]
    return Input("", words, files)


def folder(seeds: Seeds, chance: Random) -> Input:
    """Folders of DexGraspNet with loops, other names, or damaged pieces."""
    files = _one_object(chance, scaled=chance.random() < 0.5)
    (name,) = files
    links = {}
    stem = chance.choice(strange.STEMS)
    kind = chance.randrange(3)
    if kind == 0:
        files[name] = text.changed_text(files[name], chance)
    elif kind == 1:
        links = {
            "ddg/loop": ".",
            f"ddg/meshdata/{_OBJECT}/coacd/up": "../..",
            "ddg/x": "x",
        }
        links |= {"ddg/dataset": "nowhere"}
    else:
        files[name.replace(_OBJECT, stem)] = files.pop(name)
    above = "core/" if name.startswith("ddg/meshdatav3") else ""
    typed = f"{above}{stem if kind == 2 else _OBJECT}@0.06"
    words = (
        ["objects", "import", typed] if chance.random() < 0.7 else ["objects", "list"]
    )
    return Input("", [*words, "--dexgraspnet", "ddg"], files, links)


def _one_object(chance: Random, scaled: bool) -> dict[str, bytes]:
    """A tiny folder of one of the two layouts, without its grasps."""
    box = trimesh.creation.box((1.0, 0.8, 1.2))
    obj = "o piece_0\n" + box.export(file_type="obj", include_normals=False)
    where = f"meshdatav3_scaled/core/{_OBJECT}" if scaled else f"meshdata/{_OBJECT}"
    return {f"ddg/{where}/coacd/decomposed.obj": obj.encode()}


def _entry(chance: Random, scale: float) -> dict:
    names = [f"robot0:{name}" for name in JOINT_NAMES]
    names += [f"WRJ{kind}{axis}" for kind in "RT" for axis in "xyz"]
    return {"qpos": {name: chance.uniform(-0.1, 0.1) for name in names}, "scale": scale}
