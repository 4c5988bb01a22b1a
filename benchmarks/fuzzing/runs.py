"""Inputs that are a run's folder, what it holds or what was measured of it."""

import json
import zlib
from random import Random

from fuzzing.changes import archives, bytewise, values
from fuzzing.input import Input, inside
from fuzzing.seeds import Seeds

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


def checkpoint(seeds: Seeds, chance: Random) -> Input:
    """A policy whose checkpoint is changed: exported, or evaluated."""
    files = _changed_checkpoint(inside("run", seeds.policy), chance)
    if chance.random() < 0.2:
        return Input("", _EVALUATE, files)
    return Input("", ["export", "--run", "run", "--out", "new"], files)


def encoder(seeds: Seeds, chance: Random) -> Input:
    """An encoder that a run brings along; the run is said to see codes."""
    files = inside("run", seeds.policy)
    config = files["run/config.yaml"]
    files["run/config.yaml"] = config.replace(b"geometry-unaware", b"full")
    files |= _changed_checkpoint(inside("run/encoder", seeds.encoder), chance)
    return Input("", _EVALUATE, files)


def _changed_checkpoint(files: dict[str, bytes], chance: Random) -> dict[str, bytes]:
    """A file of a checkpoint changed; half of the time its checksum fits again."""
    index = next(name for name in files if name.endswith("checkpoint.json"))
    states = [name for name in files if "/state/" in name]
    jsons = [name for name in files if name.endswith(".json")]
    name = chance.choice((index, index, chance.choice(states), chance.choice(jsons)))
    if name in jsons:
        files[name] = values.changed_json(files[name], chance)
        return files
    files[name] = bytewise.changed_bytes(files[name], chance)
    if chance.random() < 0.6:
        told = json.loads(files[index])
        own = name.removeprefix(index.removesuffix("checkpoint.json"))
        data = files[name]
        told["files"][own] = {"bytes": len(data), "crc32": zlib.crc32(data)}
        files[index] = json.dumps(told).encode()
    return files


def proposals(seeds: Seeds, chance: Random) -> Input:
    """Grasps that a run brings along."""
    files = inside("run", seeds.policy)
    files["run/grasps.npz"] = archives.changed_npz(seeds.grasps, chance)
    return Input("", _EVALUATE, files)


def results(seeds: Seeds, chance: Random) -> Input:
    """Results that tables are made of."""
    data = values.changed_json(seeds.results, chance)
    words = ["tables", "--results", "results.json", "--out", "new"]
    return Input("", words, {"results.json": data})
