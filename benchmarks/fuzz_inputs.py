"""Inputs for the command: real ones, made here, with something wrong in them."""

import dataclasses
import io
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import fuzz_mutations as mutations
import numpy as np
import trimesh
import yaml
from fuzz_mutations import CANARY

from dexjax.hands import mjcf_path
from dexjax.objects.dexgraspnet import JOINT_NAMES
from dexjax.objects.everyday.plan import PLAN
from dexjax.objects.loading import load_object
from dexjax.objects.stored import save_object
from dexjax.shipped import shipped

Change = Callable[[bytes, Random], bytes]
# Stems of files that a shell, a list or a parser may take for something else.
_STEMS = (
    *("it's", 'a "cup"', "a\nb", "a,b", "cup@0.06", "mug", "x" * 240, "é", "\udcff"),
    *("-rf", "--out", "a b", "~", "..x", "$HOME", "%s", "{0}", "a;b", "mug:3"),
    *(f"$(touch {CANARY})", f"`touch {CANARY}`", f";touch {CANARY};"),
)
_SPECS = ("everyday/train/mug:4", "everyday/unseen-object:8", "mug:3", "cup")
_OBJECT = "core-bottle-1"
# Share of YAML files that unfold to gigabytes.
_BOMBS = 0.1


@dataclasses.dataclass
class Input:
    """A folder of files and what is typed in it.

    Attributes:
        kind: of input.
        words: arguments of the command.
        files: path in the folder -> content.
        links: path -> what it points to.
        fifo: path of a pipe that nobody writes to; none if empty.
        plan: path of a file that stands in for the everyday set's plan; likewise.
        thorough: whether concave meshes are cut up as a training would, not coarsely.
    """

    kind: str
    words: list[str]
    files: dict[str, bytes]
    links: dict[str, str] = dataclasses.field(default_factory=dict)
    fifo: str = ""
    plan: str = ""
    thorough: bool = False

    def write(self, folder: Path) -> None:
        """Makes the folder."""
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for name, target in self.links.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target)
        if self.fifo:
            os.mkfifo(folder / self.fifo)


class Seeds:
    """Sound files of every kind, made once."""

    def __init__(self, scratch: Path) -> None:  # noqa: D107
        boxes = [trimesh.creation.box((0.06, 0.02, 0.02))]
        boxes.append(trimesh.creation.box((0.02, 0.02, 0.06)))
        self.meshes = (
            trimesh.creation.box((0.06, 0.05, 0.08)),
            trimesh.creation.icosphere(1, 0.04),
            trimesh.util.concatenate(boxes),
        )
        plain = {kind: [_exported(m, kind) for m in self.meshes] for kind in _PLAIN}
        plain["stl"] += [_exported(m, "stl_ascii") for m in self.meshes]
        plain["ply"] += [
            m.export(file_type="ply", encoding="ascii") for m in self.meshes
        ]
        self.plain = plain
        self.others = [
            (suffix, _exported(self.meshes[0], suffix))
            for suffix in ("off", "dae", "3mf")
        ]
        gltf = trimesh.Scene(self.meshes[0]).export(file_type="gltf")
        self.gltf = {name: bytes(data) for name, data in gltf.items()}
        stored = scratch / "seed.object.npz"
        save_object(load_object("box"), stored)
        self.stored = stored.read_bytes()
        self.grasps = _few_grasps()
        self.policy = _folder(shipped("resdex/mug"))
        self.encoder = _folder(shipped("encoder"))
        self.results = _results()


def make_input(seeds: Seeds, kind: str, chance: Random) -> Input:
    """One input of a kind."""
    made = KINDS[kind][1](seeds, chance)
    made.kind = kind
    made.files["bystander.txt"] = b"nobody's business\n"
    if chance.random() < 0.06:
        _odd_file(made, chance)
    return made


def _odd_file(made: Input, chance: Random) -> None:
    """A link, a pipe, a folder or nothing where a file should be."""
    path = chance.choice([name for name in made.files if name != "bystander.txt"])
    del made.files[path]
    kind = chance.randrange(6)
    if kind < 4:
        name = Path(path).name
        made.links[path] = (name, "nowhere", "/dev/zero", "/dev/null")[kind]
    elif kind == 4:
        made.files[f"{path}/inside.txt"] = b""
    elif "/" not in path:
        made.fifo = path


def _mesh(seeds: Seeds, chance: Random, suffix: str) -> Input:
    data = chance.choice(seeds.plain[suffix])
    text = suffix == "obj" or b"\0" not in data
    change: Change = mutations.changed_text if text else mutations.changed_bytes
    if suffix == "glb" and chance.random() < 0.6:
        change = _changed_glb
    return _named(suffix, change(data, chance), chance)


def _named(
    suffix: str, data: bytes, chance: Random, beside: dict | None = None
) -> Input:
    """A mesh file, imported or now and then drawn."""
    odd = chance.random() < 0.12
    file = f"{chance.choice(_STEMS) if odd else 'thing'}.{suffix}"
    words = ["objects", "import", file]
    if chance.random() < 0.1:
        words = ["objects", "show", file, "--out", "new.png"]
    elif chance.random() < 0.2:
        words += ["--out", "new.object.npz"]
    if chance.random() < 0.3:
        words += ["--size", "0.1"]
    return Input("", words, {file: data, **(beside or {})})


def _changed_glb(data: bytes, chance: Random) -> bytes:
    """The JSON part changed, and the lengths before it as they should be."""
    length = int.from_bytes(data[12:16], "little")
    head = mutations.changed_json(data[20 : 20 + length], chance)
    head += b" " * (-len(head) % 4)
    rest = data[20 + length :]
    size = (20 + len(head) + len(rest)).to_bytes(4, "little")
    return data[:8] + size + len(head).to_bytes(4, "little") + b"JSON" + head + rest


def _other_mesh(seeds: Seeds, chance: Random) -> Input:
    if chance.random() < 0.3:
        files = dict(seeds.gltf)
        name = chance.choice(list(files))
        change = (
            mutations.changed_json if name.endswith("gltf") else mutations.changed_bytes
        )
        files[name] = change(files[name], chance)
        made = _named("gltf", files.pop("model.gltf"), chance, files)
        return made
    suffix, data = chance.choice(seeds.others)
    if suffix == "3mf":
        return _named(
            suffix, mutations.changed_zip(data, chance, mutations.changed_xml), chance
        )
    change = mutations.changed_xml if suffix == "dae" else mutations.changed_text
    return _named(suffix, change(data, chance), chance)


def _entry(chance: Random, scale: float) -> dict:
    names = [f"robot0:{name}" for name in JOINT_NAMES]
    names += [f"WRJ{kind}{axis}" for kind in "RT" for axis in "xyz"]
    return {"qpos": {name: chance.uniform(-0.1, 0.1) for name in names}, "scale": scale}


def _dexgraspnet(chance: Random, scaled: bool) -> dict[str, bytes]:
    """A tiny folder of one of the two layouts, without its grasps."""
    box = trimesh.creation.box((1.0, 0.8, 1.2))
    obj = "o piece_0\n" + box.export(file_type="obj", include_normals=False)
    where = f"meshdatav3_scaled/core/{_OBJECT}" if scaled else f"meshdata/{_OBJECT}"
    return {f"ddg/{where}/coacd/decomposed.obj": obj.encode()}


def _npy(seeds: Seeds, chance: Random) -> Input:
    files = _dexgraspnet(chance, scaled=False)
    entries: Any = [_entry(chance, 0.06) for _ in range(2)]
    if chance.random() < 0.4:
        data = mutations.pickled(mutations.changed_value(entries, chance))
    else:
        data = mutations.changed_npy(mutations.pickled(entries), chance)
    files[f"ddg/dataset/{_OBJECT}.npy"] = data
    words = ["objects", "import", f"{_OBJECT}@0.06", "--dexgraspnet", "ddg"]
    return Input("", words, files)


def _npz(seeds: Seeds, chance: Random) -> Input:
    files = _dexgraspnet(chance, scaled=True)
    entry = _entry(chance, 1 / 0.06)
    deep = chance.random() < 0.4
    found = mutations.changed_value(entry, chance) if deep else entry
    found = found if isinstance(found, dict) else {"qpos": found}
    packed = {f"{name}.npy": mutations.pickled(value) for name, value in found.items()}
    data = mutations.zipped(packed)
    if not deep:
        data = mutations.changed_npz(data, chance)
    files[f"ddg/datasetv4.1/core/{_OBJECT}/00000.npz"] = data
    words = ["objects", "import", f"core/{_OBJECT}@0.06", "--dexgraspnet", "ddg"]
    return Input("", words, files)


def _stored(seeds: Seeds, chance: Random) -> Input:
    data = mutations.changed_npz(seeds.stored, chance)
    return Input("", ["objects", "import", "a.object.npz"], {"a.object.npz": data})


def _grasps(seeds: Seeds, chance: Random) -> Input:
    files = _in("run", seeds.policy)
    files["run/grasps.npz"] = mutations.changed_npz(seeds.grasps, chance)
    return Input("", _EVALUATE, files)


def _in_encoder(seeds: Seeds, chance: Random) -> Input:
    """An encoder that a run brings along; the run is said to see codes."""
    files = _in("run", seeds.policy)
    config = files["run/config.yaml"]
    files["run/config.yaml"] = config.replace(b"geometry-unaware", b"full")
    files |= _changed_checkpoint(_in("run/encoder", seeds.encoder), chance)
    return Input("", _EVALUATE, files)


def _checkpoint(seeds: Seeds, chance: Random) -> Input:
    files = _changed_checkpoint(_in("run", seeds.policy), chance)
    if chance.random() < 0.2:
        return Input("", _EVALUATE, files)
    return Input("", ["export", "--run", "run", "--out", "new"], files)


def _changed_checkpoint(files: dict[str, bytes], chance: Random) -> dict[str, bytes]:
    """A file of a checkpoint changed; half of the time its checksum fits again."""
    index = next(name for name in files if name.endswith("checkpoint.json"))
    states = [name for name in files if "/state/" in name]
    jsons = [name for name in files if name.endswith(".json")]
    name = chance.choice((index, index, chance.choice(states), chance.choice(jsons)))
    if name in jsons:
        files[name] = mutations.changed_json(files[name], chance)
        return files
    files[name] = mutations.changed_bytes(files[name], chance)
    if chance.random() < 0.6:
        told = json.loads(files[index])
        own = name.removeprefix(index.removesuffix("checkpoint.json"))
        data = files[name]
        told["files"][own] = {"bytes": len(data), "crc32": zlib.crc32(data)}
        files[index] = json.dumps(told).encode()
    return files


def _yaml(seeds: Seeds, chance: Random) -> Input:
    """A hand's description, or a run's configuration."""
    if chance.random() < 0.5:
        files = _hand(chance)
        name, words = "hand.yaml", ["hands", "check", "hand.yaml"]
    else:
        files, name = _in("run", seeds.policy), "run/config.yaml"
        words = ["export", "--run", "run", "--out", "new"]
    if chance.random() < _BOMBS:
        many = [f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]" for i in range(1, 9)]
        files[name] = "\n".join(["a0: &a0 [x]", *many]).encode()
    elif chance.random() < 0.5:
        value = mutations.changed_value(yaml.safe_load(files[name]), chance)
        files[name] = yaml.safe_dump(value).encode()
    else:
        files[name] = mutations.changed_text(files[name], chance)
    return Input("", words, files)


def _mjcf(seeds: Seeds, chance: Random) -> Input:
    files = _hand(chance)
    name = next(name for name in files if name.endswith(".xml"))
    files[name] = mutations.changed_xml(files[name], chance)
    return Input("", ["hands", "check", "hand.yaml"], files)


def _hand(chance: Random) -> dict[str, bytes]:
    name = chance.choice(("shadow", "allegro"))
    xml = f"{name}_hand.xml"
    described = mjcf_path(f"{name}_hand.yaml").read_bytes()
    return {"hand.yaml": described, xml: mjcf_path(xml).read_bytes()}


def _split(seeds: Seeds, chance: Random) -> Input:
    """The everyday set's plan, or a list of objects as it is typed."""
    if chance.random() < 0.6:
        files = {"plan.json": mutations.changed_json(PLAN.read_bytes(), chance)}
        words = ["objects", "list", chance.choice(_SPECS[:2])]
        return Input("", words, files, plan="plan.json")
    what = chance.choice(("list", "import"))
    usual = chance.choice(_SPECS[:2] if what == "list" else _SPECS[2:])
    spec = mutations.changed_text(usual.encode(), chance)
    typed = spec.replace(b"\0", b"").decode("utf-8", errors="surrogateescape")
    return Input("", ["objects", what, typed], {"a.txt": b""})


def _tables(seeds: Seeds, chance: Random) -> Input:
    data = mutations.changed_json(seeds.results, chance)
    words = ["tables", "--results", "results.json", "--out", "new"]
    return Input("", words, {"results.json": data})


def _ddg_folder(seeds: Seeds, chance: Random) -> Input:
    """Folders of DexGraspNet with loops, other names, or damaged pieces."""
    files = _dexgraspnet(chance, scaled=chance.random() < 0.5)
    (name,) = files
    links = {}
    stem = chance.choice(_STEMS)
    kind = chance.randrange(3)
    if kind == 0:
        files[name] = mutations.changed_text(files[name], chance)
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


_PLAIN = ("obj", "stl", "ply", "glb")
_EVALUATE = [
    "evaluate",
    "run",
    "--object",
    "box",
    "--episodes",
    "1",
    "--out",
    "new.json",
]
# Kind -> how many of a hundred, and how one is made.
KINDS: dict[str, tuple[int, Callable[[Seeds, Random], Input]]] = {
    "obj": (10, lambda seeds, chance: _mesh(seeds, chance, "obj")),
    "stl": (10, lambda seeds, chance: _mesh(seeds, chance, "stl")),
    "ply": (9, lambda seeds, chance: _mesh(seeds, chance, "ply")),
    "glb": (9, lambda seeds, chance: _mesh(seeds, chance, "glb")),
    "other meshes": (6, _other_mesh),
    "npy": (9, _npy),
    "npz": (6, _npz),
    "stored object": (5, _stored),
    "grasp proposals": (4, _grasps),
    "MJCF": (9, _mjcf),
    "YAML": (8, _yaml),
    "split": (4, _split),
    "checkpoint": (5, _checkpoint),
    "encoder": (2, _in_encoder),
    "results": (2, _tables),
    "DexGraspNet folder": (2, _ddg_folder),
}


def _exported(mesh: trimesh.Trimesh, kind: str) -> bytes:
    data = mesh.export(file_type=kind)
    return data.encode() if isinstance(data, str) else bytes(data)


def _folder(path: Path) -> dict[str, bytes]:
    files = [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(files)}


def _in(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


def _few_grasps() -> bytes:
    with np.load(shipped("grasps") / "shadow.npz") as stored:
        few = {n: x if x.ndim == 0 else x[:3] for n, x in stored.items()}
    few["names"] = np.array(["box", *few["names"][1:]])
    out = io.BytesIO()
    np.savez_compressed(out, **few)
    return out.getvalue()


def _results() -> bytes:
    row = {
        **{"policy": "hyper", "k": 4, "stage": 2, "residual": True, "cloud": None},
        **{"object": None, "kind": None, "split": "train", "seed": 0},
        **{"success_held": 0.5, "ci95": [0.4, 0.6], "pose_distance": 143.1},
        **{"env_steps": 2_000_000, "curve": [[1000, 0.1], [2000, 0.2]]},
    }
    base = {**row, "policy": "base", "object": "mug", "kind": "geometry-unaware"}
    return json.dumps([row, {**row, "stage": 1}, base]).encode()
