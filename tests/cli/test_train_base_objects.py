"""`dexjax train base` on damaged meshes and DexGraspNet folders: one line on stderr."""

import os
import pickle

import numpy as np
import pytest
import trimesh

from dexjax.objects.dexgraspnet import JOINT_NAMES

NAME = "core-mug-0123"

MESHES = {
    "empty.obj": (b"", "is empty"),
    "points.obj": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "holds no faces|cannot be read"),
    "noise.stl": (bytes(range(256)) * 3, "it is cut off"),
    "noise.glb": (b"glTF" + bytes(range(200)), "is glTF version"),
    "noise.ply": (b"ply\nformat ascii 1.0\nelement ver", "header has no end"),
    "text.txt": (b"a mug", ".txt files are not read"),
    "nan.obj": (b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "finite|cannot be read"),
}


@pytest.mark.parametrize("name", MESHES)
def test_a_mesh_that_is_none(refused, tmp_path, name):
    content, said = MESHES[name]
    (tmp_path / name).write_bytes(content)
    assert any(part in refused("--object", name) for part in said.split("|"))


def test_a_mesh_of_absurd_size(refused, tmp_path):
    trimesh.creation.box((80, 60, 60)).export(tmp_path / "millimetres.stl")
    line = refused("--object", "millimetres.stl")
    assert "largest extent is 80 m" in line and "give --size in metres" in line
    assert "--size is 80 m" in refused("--object", "millimetres.stl", "--size", "80")


@pytest.fixture
def dexgraspnet(tmp_path):
    """A folder of format A with one good object."""
    folder = tmp_path / "data"
    (folder / "dataset").mkdir(parents=True)
    coacd = folder / "meshdata" / NAME / "coacd"
    coacd.mkdir(parents=True)
    cube = trimesh.creation.box((1, 1, 1))
    lines = ["o convex_0", *("v {} {} {}".format(*v) for v in cube.vertices)]
    lines += ["f {} {} {}".format(*(f + 1)) for f in cube.faces]
    (coacd / "decomposed.obj").write_text("\n".join(lines))
    wrist = ("WRJRx", "WRJRy", "WRJRz", "WRJTx", "WRJTy", "WRJTz")
    qpos = dict.fromkeys([*wrist, *(f"robot0:{j}" for j in JOINT_NAMES)], 0.1)
    np.save(_grasps(folder), np.array([{"qpos": qpos, "scale": 0.06}], object))
    return folder


def _grasps(folder):
    return folder / "dataset" / f"{NAME}.npy"


def _mesh(folder):
    return folder / "meshdata" / NAME / "coacd" / "decomposed.obj"


def _halve(path):
    os.truncate(path, path.stat().st_size // 2)


class Malicious:
    def __reduce__(self):
        return os.system, ("touch marker",)


def _poison(folder):
    array = np.empty(1, object)
    array[0] = Malicious()
    np.save(_grasps(folder), array, allow_pickle=True)
    assert b"marker" in _grasps(folder).read_bytes()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: _halve(_grasps(f)), f"{NAME}.npy"),
        (lambda f: _grasps(f).write_bytes(b""), f"{NAME}.npy"),
        (lambda f: _mesh(f).unlink(), "holds no <name>/coacd/decomposed.obj"),
        (lambda f: _halve(_mesh(f)), "decomposed.obj"),
        (_poison, f"{NAME}.npy"),
    ],
    ids=["half npy", "empty npy", "no mesh", "half mesh", "malicious"],
)
def test_a_damaged_dexgraspnet_folder(refused, dexgraspnet, tmp_path, harm, said):
    harm(dexgraspnet)
    line = refused("--object", f"{NAME}@0.06", "--dexgraspnet", dexgraspnet)
    assert said in line
    assert not (tmp_path / "marker").exists()


def test_the_payload_would_have_run(tmp_path, monkeypatch):
    """Else the test above proves nothing."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Malicious()))
    assert (tmp_path / "marker").exists()


def test_a_dexgraspnet_name_or_scale_that_is_wrong(refused, dexgraspnet):
    folder = ("--dexgraspnet", dexgraspnet)
    assert NAME in refused("--object", "core-mug-0124@0.06", *folder)
    assert f"{NAME}@0.06" in refused("--object", NAME, *folder)
    assert "must be between" in refused("--object", f"{NAME}@60", *folder)
