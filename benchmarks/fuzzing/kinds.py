"""Kinds of inputs: how many there are of each, and how one is made."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing import descriptions, dexgraspnet, objects, runs
from fuzzing.input import Input
from fuzzing.seeds import Seeds

# Kind -> how many of a hundred, and how one is made.
KINDS: dict[str, tuple[int, Callable[[Seeds, Random], Input]]] = {
    "obj": (10, lambda seeds, chance: objects.mesh(seeds, chance, "obj")),
    "stl": (10, lambda seeds, chance: objects.mesh(seeds, chance, "stl")),
    "ply": (9, lambda seeds, chance: objects.mesh(seeds, chance, "ply")),
    "glb": (9, lambda seeds, chance: objects.mesh(seeds, chance, "glb")),
    "other meshes": (6, objects.other_mesh),
    "npy": (9, dexgraspnet.npy_grasps),
    "npz": (6, dexgraspnet.npz_grasps),
    "stored object": (5, objects.stored_object),
    "grasp proposals": (4, runs.proposals),
    "MJCF": (9, descriptions.mjcf),
    "YAML": (8, descriptions.hand_or_run),
    "split": (4, objects.split),
    "checkpoint": (5, runs.checkpoint),
    "encoder": (2, runs.encoder),
    "results": (2, runs.results),
    "DexGraspNet folder": (2, dexgraspnet.folder),
}


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
