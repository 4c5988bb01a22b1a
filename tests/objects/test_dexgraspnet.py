"""DexGraspNet in both layouts, damaged files, and pickles that would run something."""

import io
import os
import pickle
import zipfile

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
from dexjax.objects.dexgraspnet.safe_pickle import load_npy, load_npz

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


class Reduces:
    """Pickles as a call of anything."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def npy(payload):
    """An object array file whose pickle is `payload`."""
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + payload


def payloads(marker):
    """Pickles that would run something or misuse NumPy; `marker` must not appear."""
    touch = Reduces(os.system, f"touch {marker}")
    multiarray = "numpy.core.multiarray"
    new_array = f"c{multiarray}\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    object_dtype = "cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR"
    yield "call", pickle.dumps(touch)
    for protocol in range(5):
        content = np.array([{"qpos": {"WRJTx": touch}}])
        yield f"nested {protocol}", pickle.dumps(content, protocol)
    yield "eval", pickle.dumps(Reduces(eval, f"open({str(marker)!r}, 'w')"))
    yield "open", pickle.dumps(Reduces(open, str(marker), "w"))
    yield "attribute", f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()
    yield "dotted", b"\x80\x04\x8c\x05numpy\x8c\x09os.system\x93."
    yield "inst", f"(S'touch {marker}'\nios\nsystem\n.".encode()
    yield "numpy load", f"cnumpy\nload\n(S'{marker}'\ntR.".encode()
    # NumPy would unpickle these bytes, or take them for pointers to objects.
    inner = pickle.dumps(touch, 0).decode()
    yield (
        "scalar of objects",
        f"c{multiarray}\nscalar\n({object_dtype}S{inner!r}\ntR.".encode(),
    )
    yield (
        "bytes as objects",
        (f"{new_array}(I1\n(I1\nt{object_dtype}I00\nS'AAAAAAAA'\ntb.").encode(),
    )
    yield (
        "dtype state",
        (b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI8\nI8\nI0\ntb."),
    )
    yield "odd dtype", b"cnumpy\ndtype\n(S'V1000000'\nI0\nI1\ntR."
    yield (
        "other class",
        (f"c{multiarray}\n_reconstruct\n(cnumpy\nmemmap\n(I0\ntS'b'\ntR.").encode(),
    )
    yield "build on the reader", b"cnumpy\ndtype\n(dS'x'\nI1\nsb."
    f8 = "cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR"
    yield "huge", f"{new_array}(I1\n(I9999999999\nt{f8}I00\nS'AAAAAAAA'\ntb."
    yield "persistent", b"Pabc\n."
    yield "extension", b"\x80\x02\x82\x01."
    yield "empty", b""


def test_malicious_pickles_run_nothing(tmp_path):
    marker = tmp_path / "ran"
    for name, payload in payloads(marker):
        data = npy(payload.encode() if isinstance(payload, str) else payload)
        (tmp_path / "x.npy").write_bytes(data)
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("qpos.npy", data)
        for read, file in (
            (load_npy, "x.npy"),
            (load_npz, "x.npz"),
            (read_grasps, "x.npy"),
            (read_grasps, "x.npz"),
        ):
            with pytest.raises(DexjaxError) as caught:
                read(tmp_path / file)
            assert file in str(caught.value), name
            assert "\n" not in str(caught.value), name
        assert not marker.exists(), name


def test_refusal_names_what_was_asked(tmp_path):
    (tmp_path / "x.npy").write_bytes(npy(pickle.dumps(Reduces(os.system, "true"))))
    with pytest.raises(DexjaxError, match=r"asks to run \w+\.system"):
        load_npy(tmp_path / "x.npy")


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_honest_pickles_of_every_protocol(tmp_path, protocol):
    content = [{"a": np.float32(0.5), "b": np.arange(6.0).reshape(2, 3), "c": [1, "x"]}]
    array = np.array(content, dtype=object)
    (tmp_path / "x.npy").write_bytes(npy(pickle.dumps(array, protocol)))
    (entry,) = load_npy(tmp_path / "x.npy")
    assert entry["a"] == 0.5
    assert np.array_equal(entry["b"], np.arange(6.0).reshape(2, 3))
    assert entry["c"] == [1, "x"]


def test_plain_numbers_need_no_pickle(tmp_path):
    values = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    np.save(tmp_path / "x.npy", values)
    assert np.array_equal(load_npy(tmp_path / "x.npy"), values)


def test_real_objects_agree_with_numpy(real_data):
    found = [own for own in find_objects(real_data).values() if own.grasps]
    assert len(found) >= 6
    for source in found:
        grasps = read_grasps(source)
        if source.grasps.is_dir():
            first = np.load(source.grasps / "00000.npz", allow_pickle=True)
            qpos, scale = first["qpos"].item(), 1 / float(first["scale"])
        else:
            first = np.load(source.grasps, allow_pickle=True)[0]
            qpos, scale = first["qpos"], float(first["scale"])
        assert grasps[0].scale == pytest.approx(scale)
        assert np.allclose(grasps[0].joints, [qpos[f"robot0:{j}"] for j in JOINT_NAMES])
        assert len(grasps) > 150


def test_real_objects_load(real_data):
    found = find_objects(real_data)
    with_grasps = [name for name, own in found.items() if own.grasps]
    without = [name for name in found if name not in with_grasps][:3]
    for name in with_grasps + without:
        objects = load_object(f"{name}@0.08", dexgraspnet=real_data)
        assert (objects.grasp_count[0] > 5) == (name in with_grasps)
        assert 0.03 <= objects.mass[0] <= 1.0
        pieces = np.concatenate(read_pieces(found[name], 0.08))
        solid = objects.hulls[0][objects.hull_mask[0]].reshape(-1, 3)
        assert np.allclose(np.ptp(solid, 0), np.ptp(pieces, 0), rtol=0.03, atol=0.002)


def test_lists_in_themselves_and_headers_without_end(tmp_path):
    own = []
    own.append(own)
    whole = npy(pickle.dumps([1]))
    packed = tmp_path / "packed.npz"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("qpos.npy", whole * 9)
    start = packed.read_bytes().index(b"qpos.npy") + len("qpos.npy")
    broken = bytearray(packed.read_bytes())
    broken[start : start + 4] = b"\xff" * 4
    deep = b"\x80\x04" + b"]" * 20_000 + b"a" * 19_999 + b"."
    contents = {
        "own.npy": npy(pickle.dumps(own)),
        "deep.npy": npy(deep),
        "header.npy": whole.replace(b"}", b"("),
        "zlib.npz": bytes(broken),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DexjaxError, match=f"{name}: damaged") as caught:
            read_grasps(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"qpos": np.zeros(3), "scale": 1.0},
        {"qpos": {}, "scale": 10**400},
        {"qpos": {"WRJRx": 10**400}, "scale": 1.0},
        {"qpos": [], "scale": 1.0},
        [1, 2],
        "qpos",
    ],
)
def test_grasps_that_are_no_dict_of_numbers(tmp_path, entry):
    (tmp_path / "a.npy").write_bytes(npy(pickle.dumps([entry])))
    with pytest.raises(DexjaxError, match="grasp 0 (is not a dict|lacks)"):
        read_grasps(tmp_path / "a.npy")
