"""Tables that several measurements complete: a row replaces the one of the same key."""

from collections.abc import Sequence
from pathlib import Path

from dexjax.runs.storage.files import read_json, write_json

# What names a row of throughput.json, parity_gpu.json, ppo_gpu.json, inhand.json,
# diffusion.json, depth.json and gpu.json.
THROUGHPUT = ("what", "engine", "object", "worlds", "device")
PARITY = ("policy", "object", "engine", "device")
PPO = ("system", "device")
INHAND = ("engine", "object", "worlds", "device")
DIFFUSION = ("preset", "keypoints", "touch", "sampler")
DEPTH = ("policy", "object", "hand", "resolution", "images", "training_seed")
POLICIES = ("policy", "k", "stage", "cloud", "split", "evaluated_on", "env_steps")


def complete(file: Path, rows: Sequence[dict], key: Sequence[str]) -> None:
    """Puts rows into a file's table, in the place of those that they replace.

    Args:
        file: JSON file, made if it is not there.
        rows: new ones.
        key: fields that name a row.
    """
    table = read_json(file) if file.exists() else []
    for row in rows:
        table = [r for r in table if any(r.get(n) != row.get(n) for n in key)]
        table.append(row)
    write_json(file, table)
