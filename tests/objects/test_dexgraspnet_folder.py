"""A folder of DexGraspNet in both layouts: found, loaded, and damage in it is said."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.objects import load_object, load_objects
from dexjax.objects.dexgraspnet import (
    JOINT_NAMES,
    find_objects,
    grasps_at,
    read_grasps,
    read_pieces,
    scaled_names,
)

NAME_A = "core-mug-0123"
NAME_B = "sem/Car-4567"


def qpos(seed):
    rng = np.random.default_rng(seed)
    keys = [f"robot0:{j}" for j in JOINT_NAMES]
    keys += [f"WRJ{kind}{axis}" for kind in "RT" for axis in "xyz"]
    return {key: float(rng.uniform(-1, 1)) for key in keys}


def write_pieces(folder):
    folder.mkdir(parents=True)
    lines, first = [], 1
    for i, x in enumerate((-0.5, 0.5)):
        mesh = trimesh.creation.box([0.98, 0.6, 0.6])
        lines.append(f"o convex_{i}")
        lines += [f"v {v[0] + x} {v[1]} {v[2]}" for v in mesh.vertices]
        lines += [f"f {a} {b} {c}" for a, b, c in mesh.faces + first]
        first += len(mesh.vertices)
    (folder / "decomposed.obj").write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    """One object in each layout, somewhere below a folder."""
    a, b = tmp_path / "deep" / "a", tmp_path / "b"
    write_pieces(a / "meshdata" / NAME_A / "coacd")
    write_pieces(b / "meshdatav3_scaled" / NAME_B / "coacd")
    entries = [
        {"qpos": qpos(i), "scale": np.float64(s)}
        for i, s in enumerate([0.06, 0.06, 0.1])
    ]
    (a / "dataset").mkdir()
    np.save(a / "dataset" / f"{NAME_A}.npy", np.array(entries), allow_pickle=True)
    grasps = b / "datasetv4.1" / NAME_B
    grasps.mkdir(parents=True)
    for i, inverse in enumerate((12.5, 10.0)):
        np.savez(
            grasps / f"{i:05d}.npz",
            qpos=np.array(qpos(i)),
            scale=np.float32(inverse),
            plane=np.zeros(4, np.float32),
        )
    return tmp_path


def test_every_object_has_a_name_for_each_scale(folder):
    assert scaled_names(folder) == {
        NAME_A: [f"{NAME_A}@0.06", f"{NAME_A}@0.1"],
        NAME_B: [f"{NAME_B}@0.08", f"{NAME_B}@0.1"],
    }


def test_finds_both_layouts(folder):
    found = find_objects(folder)
    assert list(found) == [NAME_A, NAME_B]
    assert [s.category for s in found.values()] == ["mug", "car"]
    assert find_objects(folder / "b").keys() == {NAME_B}


def test_layout_a(folder):
    grasps = read_grasps(find_objects(folder)[NAME_A])
    assert [g.scale for g in grasps] == [0.06, 0.06, 0.1]
    expected = qpos(1)
    turn = Rotation.identity()  # static axes: x first, then y, then z
    for axis in "xyz":
        turn = Rotation.from_euler(axis, expected[f"WRJR{axis}"]) * turn
    assert np.allclose(grasps[1].rotation, turn.as_matrix())
    assert np.allclose(grasps[1].translation, [expected[f"WRJT{a}"] for a in "xyz"])
    assert np.allclose(grasps[1].joints, [expected[f"robot0:{j}"] for j in JOINT_NAMES])
    assert len(grasps_at(grasps, 0.06)) == 2


def test_layout_b_has_inverse_scale(folder):
    grasps = read_grasps(find_objects(folder)[NAME_B])
    assert np.allclose([g.scale for g in grasps], [0.08, 0.1])


def test_load_with_grasps(folder):
    objects = load_object(f"{NAME_A}@0.06", dexgraspnet=folder)
    assert objects.names == (f"{NAME_A}@0.06",)
    assert objects.grasp_count.tolist() == [2]
    grasp = read_grasps(find_objects(folder)[NAME_A])[0]
    turn = Rotation.from_quat(objects.grasp_rotation[0, 0], scalar_first=True)
    assert np.allclose(turn.as_matrix(), grasp.rotation, atol=1e-6)
    solid = objects.hulls[0][objects.hull_mask[0]].reshape(-1, 3)
    assert np.ptp(solid, axis=0).max() == pytest.approx(0.06 * 1.98, rel=0.01)
    assert load_object(f"{NAME_B}@0.08", dexgraspnet=folder).grasp_count == [1]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (NAME_A, "needs a scale after '@', such as core-mug-0123@0.06"),
        (f"{NAME_A}@big", "needs a scale"),
        (f"{NAME_A}@nan", "between"),
        (f"{NAME_A}@12.5", "between"),
        ("core-mug-0124@0.06", "did you mean core-mug-0123"),
    ],
)
def test_bad_names(folder, spec, says):
    with pytest.raises(DexjaxError, match=says):
        load_object(spec, dexgraspnet=folder)


def test_bad_folders(folder, tmp_path):
    with pytest.raises(DexjaxError, match="no DexGraspNet folder"):
        find_objects(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DexjaxError, match=r"decomposed\.obj"):
        find_objects(tmp_path / "empty")


def test_meshes_without_grasps(folder):
    (folder / "deep" / "a" / "dataset" / f"{NAME_A}.npy").unlink()
    with pytest.raises(DexjaxError, match=f"no grasps for '{NAME_A}'"):
        read_grasps(find_objects(folder)[NAME_A])
    objects = load_object(f"{NAME_A}@0.07", dexgraspnet=folder)
    assert objects.grasp_count.tolist() == [0]
    assert objects.grasp_joints.shape == (1, 0, 22)
    with pytest.raises(DexjaxError, match=r"one of 0\.06, 0\.08, 0\.1, 0\.12, 0\.15"):
        load_object(NAME_A, dexgraspnet=folder)
    assert scaled_names(folder)[NAME_A][0] == f"{NAME_A}@0.06"
    assert len(load_objects([f"{NAME_A}@0.06", f"{NAME_B}@0.08"], dexgraspnet=folder))


def test_linked_folders(folder, tmp_path_factory, monkeypatch):
    linked = tmp_path_factory.mktemp("linked")
    (linked / "a").symlink_to(folder / "deep", target_is_directory=True)
    (linked / "b").symlink_to(folder / "b", target_is_directory=True)
    (folder / "b" / "back").symlink_to(linked, target_is_directory=True)
    assert scaled_names(linked) == scaled_names(folder)
    assert load_object(f"{NAME_B}@0.08", dexgraspnet=linked).grasp_count == [1]
    monkeypatch.setenv("HOME", str(linked.parent))
    assert find_objects(f"~/{linked.name}").keys() == {NAME_A, NAME_B}


def test_pieces_without_groups(folder):
    source = find_objects(folder)[NAME_A]
    named = read_pieces(source)
    lines = source.mesh.read_text().splitlines()
    for drop in ("o ", "o convex_1"):
        kept = [line for line in lines if not line.startswith(drop)]
        source.mesh.write_text("\n".join(["# caf\xe9", *kept]), encoding="latin-1")
        found = read_pieces(source)
        assert len(found) == len(named) == 2
        assert all(np.array_equal(a, b) for a, b in zip(found, named, strict=True))


def test_missing_mesh_and_missing_grasps_are_said(folder):
    (folder / "deep" / "a" / "meshdata" / NAME_A / "coacd" / "decomposed.obj").unlink()
    with pytest.raises(DexjaxError, match=f"no mesh for '{NAME_A}'"):
        load_object(f"{NAME_A}@0.06", dexgraspnet=folder)
    for file in (folder / "b" / "datasetv4.1" / NAME_B).iterdir():
        file.unlink()
    with pytest.raises(DexjaxError, match=r"no \.npz grasps"):
        load_object(f"{NAME_B}@0.08", dexgraspnet=folder)


def test_truncated_anywhere_is_one_line(folder):
    sources = find_objects(folder)
    grasps_a = sources[NAME_A].grasps
    grasps_b = sources[NAME_B].grasps / "00000.npz"
    for path, read in (
        (grasps_a, read_grasps),
        (grasps_b, read_grasps),
        (sources[NAME_A].mesh, read_pieces),
    ):
        whole = path.read_bytes()
        for share in np.linspace(0, 0.97, 40):
            path.write_bytes(whole[: int(share * len(whole))])
            if path.suffix == ".obj" and path.read_text().count("f ") == 12:
                continue  # cut exactly between two pieces
            with pytest.raises(DexjaxError) as caught:
                read(path)
            assert path.name in str(caught.value)
            assert "\n" not in str(caught.value)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e: e["qpos"].pop("robot0:THJ3"), "grasp 0 lacks 'robot0:THJ3'"),
        (lambda e: e.pop("scale"), "lacks 'scale'"),
        (lambda e: e["qpos"].update(WRJTx="far"), "not a dict of numbers"),
        (lambda e: e["qpos"].update(WRJTx=float("inf")), "not finite"),
        (lambda e: e.update(scale=0.0), "not finite|above 0"),
    ],
)
def test_wrong_content(tmp_path, change, says):
    entry = {"qpos": qpos(0), "scale": 0.06}
    change(entry)
    np.save(tmp_path / "x.npy", np.array([entry]), allow_pickle=True)
    with pytest.raises(DexjaxError, match=says):
        read_grasps(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no faces"),
        ("o a\nv 0 0\n", "line 2"),
        ("o a\nv 0 0 x\n", "line 2"),
        ("o a\nv 0 0 0\nf 1 2 3\n", "missing"),
        ("o a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not closed"),
        ("o a\nv 0 0 0\nf 1 1\n", "line 3"),
        ("o a\n", "no faces"),
    ],
)
def test_damaged_mesh(tmp_path, text, says):
    (tmp_path / "decomposed.obj").write_text(text)
    with pytest.raises(DexjaxError, match=says):
        read_pieces(tmp_path / "decomposed.obj")
