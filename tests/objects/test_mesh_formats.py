"""Mesh files that are odd, damaged or not read: one line each."""

import json
import struct
import zipfile

import numpy as np
import pytest
import trimesh

from dexjax.errors import DexjaxError
from dexjax.objects import load_object, load_object_set
from dexjax.objects.meshes import file_checks
from dexjax.objects.meshes.read import read_triangles

BOX = trimesh.creation.box([0.06, 0.05, 0.08])
VERTICES = "".join("v {:.6f} {:.6f} {:.6f}\n".format(*v) for v in BOX.vertices)
FACES = "".join("f {} {} {}\n".format(*(f + 1)) for f in BOX.faces)
QUADS = "f 1 2 4 3\nf 5 7 8 6\nf 1 5 6 2\nf 3 4 8 7\nf 1 3 7 5\nf 2 6 8 4\n"
LISTS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4)]


def volume(path):
    found = read_triangles(path)
    return trimesh.Trimesh(found.vertices, found.faces).volume


GOOD_OBJ = {
    "crlf": (VERTICES + FACES).replace("\n", "\r\n").encode(),
    "mac": (VERTICES + FACES).replace("\n", "\r").encode(),
    "bom": b"\xef\xbb\xbf" + (VERTICES + FACES).encode(),
    "utf-16": (VERTICES + FACES).encode("utf-16"),
    "latin-1": ("# ma\xdfstab f\xfcr\n" + VERTICES + "o W\xfcrfel\n" + FACES).encode(
        "latin-1"
    ),
    "quads": (VERTICES + QUADS).encode(),
    "negative": (VERTICES + FACES.replace("8", "-1")).encode(),
    "slashes": (VERTICES + "f 1//1 2/3 4/1/1 3\n" + QUADS[10:]).encode(),
    "continued": (VERTICES + "f 1 2 \\\n4 3\n" + QUADS[10:]).encode(),
    "colours": (VERTICES.replace("\n", " 1 0 0\n") + FACES).encode(),
    "indented": ("\t " + VERTICES + "  " + FACES).encode(),
    "faces first": (FACES + VERTICES).encode(),
}


@pytest.mark.parametrize("kind", GOOD_OBJ)
def test_obj_of_every_program(tmp_path, kind):
    (tmp_path / "box.obj").write_bytes(GOOD_OBJ[kind])
    assert volume(tmp_path / "box.obj") == pytest.approx(2.4e-4, rel=1e-5)


def ply(form, faces, extra=""):
    """A PLY file: the box's vertices with a colour, and polygons."""
    order = {"binary_big_endian": ">", "binary_little_endian": "<"}.get(form)
    header = (
        f"ply\nformat {form} 1.0\ncomment caf\xe9\nelement vertex 8\n"
        "property float x\nproperty float y\nproperty float z\nproperty uchar red\n"
        f"element face {len(faces)}\n{extra}"
        "property list uchar int vertex_indices\nend_header\n"
    ).encode("latin-1")
    corners, lists = BOX.vertices, faces
    if order is None:
        lines = [" ".join(map(str, [*v, 7])) for v in corners]
        lines += [" ".join(map(str, [len(f), *f])) for f in lists]
        return header + "\n".join(lines).encode() + b"\n"
    body = b"".join(struct.pack(order + "fffB", *v, 7) for v in corners)
    for f in lists:
        body += struct.pack(f"{order}B{len(f)}i", len(f), *f)
    return header + body


FORMS = ("ascii", "binary_little_endian", "binary_big_endian")


@pytest.mark.parametrize("form", FORMS)
def test_ply_with_polygons_of_every_size(tmp_path, form):
    path = tmp_path / "box.ply"
    mixed = [*LISTS, (1, 5, 7), (1, 7, 3)]
    for faces in (BOX.faces.tolist(), [*LISTS, (1, 5, 7, 3)], mixed):
        path.write_bytes(ply(form, faces))
        assert abs(volume(path)) == pytest.approx(2.4e-4, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_ply_cut_off_anywhere(tmp_path, form):
    path = tmp_path / "box.ply"
    whole = ply(form, [*LISTS, (1, 5, 7), (1, 7, 3)])
    for length in range(1, len(whole) - 2, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DexjaxError, match=r"cut off|begin with 'ply'"):
            read_triangles(path)


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_stl_cut_off_anywhere(tmp_path, kind):
    path = tmp_path / "box.stl"
    BOX.export(path, file_type=kind)
    whole = path.read_bytes()
    for length in range(1, len(whole) - 12, 11):
        path.write_bytes(whole[:length])
        with pytest.raises(DexjaxError, match=r"cut off|at least 84"):
            read_triangles(path)


def test_stl_that_counts_wrongly(tmp_path):
    path = tmp_path / "box.stl"
    BOX.export(path)
    whole = path.read_bytes()
    for count, says in ((11, "its count is wrong"), (4_000_000_000, "it is cut off")):
        path.write_bytes(whole[:80] + struct.pack("<I", count) + whole[84:])
        with pytest.raises(DexjaxError, match=f"{count} triangles.*684 bytes: {says}"):
            read_triangles(path)
    # Some programs begin binary files with the word that begins text files.
    path.write_bytes(b"solid part".ljust(80) + whole[80:])
    assert volume(path) == pytest.approx(2.4e-4, rel=1e-5)


def test_glb_cut_off_anywhere(tmp_path):
    path = tmp_path / "box.glb"
    BOX.export(path)
    whole = path.read_bytes()
    for length in range(1, len(whole), 29):
        path.write_bytes(whole[:length])
        with pytest.raises(DexjaxError, match="cut off|begin"):
            read_triangles(path)


def compressed(extension):
    content = json.dumps({"asset": {"version": "2.0"}, "extensionsUsed": [extension]})
    body = content.encode()
    size = struct.pack("<III", 2, 20 + len(body), len(body))
    return b"glTF" + size + b"JSON" + body


@pytest.mark.parametrize(
    ("extension", "says"),
    [
        ("KHR_draco_mesh_compression", "Draco.*Compression unticked"),
        ("EXT_meshopt_compression", "meshopt.*Compression unticked"),
    ],
)
def test_compressed_gltf_is_named(tmp_path, extension, says):
    (tmp_path / "thing.glb").write_bytes(compressed(extension))
    (tmp_path / "thing.gltf").write_bytes(compressed(extension)[20:])
    for name in ("thing.glb", "thing.gltf"):
        with pytest.raises(DexjaxError, match=says):
            read_triangles(tmp_path / name)


def test_zipped_collada(tmp_path):
    BOX.export(tmp_path / "box.dae")
    with zipfile.ZipFile(tmp_path / "box.zae", "w") as archive:
        archive.write(tmp_path / "box.dae", "box.dae")
        archive.writestr("manifest.xml", "<dae_root>./box.dae</dae_root>")
    assert volume(tmp_path / "box.zae") == pytest.approx(2.4e-4, rel=1e-5)


def test_zip_bombs_and_entities(tmp_path, monkeypatch):
    monkeypatch.setattr(file_checks, "_MOST_UNPACKED", 5_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.3mf", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("3D/3dmodel.model", "w", force_zip64=True) as entry:
            entry.write(bytes(10_000_000))
    with pytest.raises(DexjaxError, match="unpacks to 10 MB, at most 5 MB"):
        read_triangles(tmp_path / "bomb.3mf")
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><COLLADA>&b;</COLLADA>'
    (tmp_path / "laughs.dae").write_text(laughs)
    with pytest.raises(DexjaxError, match="XML entities"):
        read_triangles(tmp_path / "laughs.dae")


def bad_files(folder):
    """Files that cannot be objects, and what is said about each."""
    flat = trimesh.Trimesh([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], [[0, 1, 2]])
    point = trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False)
    nan = "v 0 0 0\nv 1 0 0\nv 0 1 nan\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n"
    contents = {
        "noise.stl": ("\x01\x02" * 500, "has 1000 bytes"),
        "noise.glb": ("glTF" + "\x01" * 90, "version 16843009"),
        "noise.ply": ("ply\nformat ascii 1.0\nelement", "header has no end"),
        "noise.off": ("OFF\n4 x", "cannot be read"),
        "noise.dae": ("<COLLADA", "cannot be read"),
        "noise.3mf": ("PK", "no whole zip archive"),
        "noise.gltf": ("{", "JSON"),
        "list.gltf": ("[]", "JSON"),
        "points.obj": ("v 0 0 0\nv 1 0 0\n", "holds no faces"),
        "nan.obj": (nan, "not finite"),
        "huge.obj": (nan.replace("nan", "1e999"), "not finite"),
        "index.obj": (
            "v 0 0 0\nv 1 0 0\nf 1 2 3\n",
            "vertex 3, which is missing",
        ),
        "below.obj": ("v 0 0 0\nf 1 -2 1\n", "line 2 is damaged: 'f 1 -2 1'"),
        "zero.obj": ("v 0 0 0\nf 0 1 1\n", "line 2 is damaged: 'f 0 1 1'"),
        "word.obj": ("v 0 0 x\n", "line 1 is damaged"),
        "line.obj": (VERTICES + "f 1 2 2\n", "none of its faces has an area"),
        "index.ply": (
            ply("ascii", [(0, 1, 99)]).decode("latin-1"),
            "names vertex number 99",
        ),
        "index.off": ("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "index|number 7"),
    }
    for suffix in ("obj", "stl", "glb", "gltf", "ply", "off", "dae", "3mf"):
        contents[f"empty.{suffix}"] = ("", "is empty")
    for name, (text, says) in contents.items():
        (folder / name).write_text(text)
        yield name, says
    flat.export(folder / "flat.stl")
    yield "flat.stl", "is flat"
    point.export(folder / "point.stl")
    yield "point.stl", "one point"
    (folder / "folder.stl").mkdir()
    yield "folder.stl", "no such mesh file"
    yield "absent.stl", "no such mesh file"


def test_bad_files_are_named_in_one_line(tmp_path):
    for name, says in bad_files(tmp_path):
        with pytest.raises(DexjaxError, match=says) as caught:
            load_object(str(tmp_path / name))
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["thing.step", "thing.FBX", "a.b/thing.usdz"])
def test_other_formats_are_named(name):
    for load in (load_object, load_object_set):
        with pytest.raises(DexjaxError, match="files are not read, but .obj, .stl"):
            load(name)


def test_archives_folders_and_files_without_suffix(tmp_path):
    with pytest.raises(DexjaxError, match=r"\.zip files are not read.*unpack it"):
        load_object("thing.zip")
    with pytest.raises(DexjaxError, match="is a folder: name one mesh file in it"):
        load_object(str(tmp_path))
    (tmp_path / "cup").write_text("x")
    with pytest.raises(DexjaxError, match="has no suffix"):
        load_object(str(tmp_path / "cup"))


def test_what_names_no_file_is_an_unknown_object():
    for name in ("mugg", "core-mug-8cf0@0.06", "mug.5", "e.1"):
        with pytest.raises(DexjaxError) as caught:
            load_object(name)
        assert "files are not read" not in str(caught.value)


def test_triangles_that_lie_apart(tmp_path, capsys):
    box = trimesh.creation.box([0.06, 0.05, 0.08])
    open_box = trimesh.Trimesh(box.vertices, box.faces[1:])
    ends = [np.eye(3) * 0.01 + [0.1, 0, 0], np.eye(3) * 0.01 - [0.1, 0, 0.05]]
    alone = [trimesh.Trimesh(corners, [[0, 1, 2]], process=False) for corners in ends]
    trimesh.util.concatenate([open_box, alone[0]]).export(tmp_path / "with.obj")
    found = load_object(str(tmp_path / "with.obj"))
    hulls = found.hulls[0][found.hull_mask[0]].reshape(-1, 3)
    assert np.ptp(hulls, axis=0).max() < 0.09
    assert "is remeshed" in capsys.readouterr().err
    trimesh.util.concatenate(alone).export(tmp_path / "alone.obj")
    with pytest.raises(DexjaxError, match="its triangles lie apart"):
        load_object(str(tmp_path / "alone.obj"))
    assert not capsys.readouterr().err


def test_a_vertex_number_beyond_all_numbers(tmp_path):
    (tmp_path / "a.obj").write_text(f"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 {'9' * 40}\n")
    with pytest.raises(DexjaxError, match="line 4 is damaged"):
        load_object(str(tmp_path / "a.obj"))
