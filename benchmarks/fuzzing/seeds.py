"""Sound files of every kind, which the inputs are made from."""

import io
import json
from pathlib import Path

import numpy as np
import trimesh

from dexjax.objects.loading import load_object
from dexjax.objects.stored import save_object
from dexjax.shipped import shipped

_PLAIN = ("obj", "stl", "ply", "glb")


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


def _exported(mesh: trimesh.Trimesh, kind: str) -> bytes:
    data = mesh.export(file_type=kind)
    return data.encode() if isinstance(data, str) else bytes(data)


def _folder(path: Path) -> dict[str, bytes]:
    files = [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(files)}


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
