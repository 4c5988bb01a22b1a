"""Inputs that are objects: meshes, stored ones, sets, and lists as they are typed."""

from collections.abc import Callable
from random import Random

from dexjax.objects.everyday.plan import PLAN
from fuzzing import strange
from fuzzing.changes import archives, bytewise, text, values
from fuzzing.input import Input
from fuzzing.seeds import Seeds

Change = Callable[[bytes, Random], bytes]
_SPECS = ("everyday/train/mug:4", "everyday/unseen-object:8", "mug:3", "cup")


def mesh(seeds: Seeds, chance: Random, suffix: str) -> Input:
    """A mesh of a format that most have: one of `seeds.plain`."""
    data = chance.choice(seeds.plain[suffix])
    letters = suffix == "obj" or b"\0" not in data
    change: Change = text.changed_text if letters else bytewise.changed_bytes
    if suffix == "glb" and chance.random() < 0.6:
        change = _changed_glb
    return _named(suffix, change(data, chance), chance)


def other_mesh(seeds: Seeds, chance: Random) -> Input:
    """A mesh of one of the other formats that are read."""
    if chance.random() < 0.3:
        files = dict(seeds.gltf)
        name = chance.choice(list(files))
        change = (
            values.changed_json if name.endswith("gltf") else bytewise.changed_bytes
        )
        files[name] = change(files[name], chance)
        made = _named("gltf", files.pop("model.gltf"), chance, files)
        return made
    suffix, data = chance.choice(seeds.others)
    if suffix == "3mf":
        return _named(
            suffix, archives.changed_zip(data, chance, text.changed_xml), chance
        )
    change = text.changed_xml if suffix == "dae" else text.changed_text
    return _named(suffix, change(data, chance), chance)


def _named(
    suffix: str, data: bytes, chance: Random, beside: dict | None = None
) -> Input:
    """A mesh file, imported or now and then drawn."""
    odd = chance.random() < 0.12
    file = f"{chance.choice(strange.STEMS) if odd else 'thing'}.{suffix}"
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
    head = values.changed_json(data[20 : 20 + length], chance)
    head += b" " * (-len(head) % 4)
    rest = data[20 + length :]
    size = (20 + len(head) + len(rest)).to_bytes(4, "little")
    return data[:8] + size + len(head).to_bytes(4, "little") + b"JSON" + head + rest


def stored_object(seeds: Seeds, chance: Random) -> Input:
    """An object as the library keeps it."""
    data = archives.changed_npz(seeds.stored, chance)
    return Input("", ["objects", "import", "a.object.npz"], {"a.object.npz": data})


def split(seeds: Seeds, chance: Random) -> Input:
    """The everyday set's plan, or a list of objects as it is typed."""
    if chance.random() < 0.6:
        files = {"plan.json": values.changed_json(PLAN.read_bytes(), chance)}
        words = ["objects", "list", chance.choice(_SPECS[:2])]
        return Input("", words, files, plan="plan.json")
    what = chance.choice(("list", "import"))
    usual = chance.choice(_SPECS[:2] if what == "list" else _SPECS[2:])
    spec = text.changed_text(usual.encode(), chance)
    typed = spec.replace(b"\0", b"").decode("utf-8", errors="surrogateescape")
    return Input("", ["objects", what, typed], {"a.txt": b""})
