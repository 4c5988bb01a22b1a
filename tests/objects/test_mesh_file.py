"""From a mesh file to an object: every format, repair, cavities, sizes, the cache."""

import numpy as np
import pytest
import trimesh

from dexjax.cache import cache_folder
from dexjax.errors import DexjaxError
from dexjax.objects import load_object, load_object_set
from dexjax.objects.geometry.surface_points import inside_pieces
from dexjax.objects.meshes import decompose as decomposition
from dexjax.objects.meshes.mesh_file import SIZE_RANGE, load_mesh


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def angle_piece():
    """An L of two blocks: not convex, 0.36 of its 1 x 1 bounding square."""
    blocks = [
        trimesh.creation.box(bounds=[[0, 0, 0], [1, 0.2, 0.2]]),
        trimesh.creation.box(bounds=[[0, 0, 0], [0.2, 1, 0.2]]),
    ]
    return trimesh.boolean.union(blocks, engine="manifold")


def block(*, inside_out=False, at=(0, 0, 0), size=(0.06, 0.05, 0.08)):
    """A box, 240 cm^3 by default."""
    made = trimesh.creation.box(size)
    made.apply_translation(at)
    if inside_out:
        made.invert()
    return made


def loaded(path, mesh, **options):
    mesh.export(path)
    return load_object(str(path), **options)


@pytest.mark.parametrize("suffix", ["obj", "stl", "glb", "ply", "off", "dae", "3mf"])
def test_every_format(tmp_path, suffix):
    path = tmp_path / f"thing.{suffix.upper() if suffix == 'stl' else suffix}"
    angle_piece().export(path, file_type=suffix)
    objects = load_object(str(path), size=0.12)
    assert objects.names[0].startswith("thing-")
    solid = objects.hulls[objects.hull_mask].reshape(-1, 3)
    assert np.ptp(solid, axis=0).max() == pytest.approx(0.12, rel=0.02)
    assert np.allclose(solid.max(axis=0) + solid.min(axis=0), 0, atol=0.002)
    expected = 500 * 0.36 * 0.2 * 0.12**3
    assert objects.mass[0] == pytest.approx(max(expected, 0.03), rel=0.01)
    assert objects.hull_mask.sum() >= 2  # the corner of the L stays open
    corner = np.array([[0.03, 0.03, 0.0]])
    assert not inside_pieces(corner, list(objects.hulls[0][objects.hull_mask[0]]))


def test_gltf_with_its_data_beside_it(tmp_path):
    exported = trimesh.exchange.gltf.export_gltf(trimesh.Scene(block()))
    for name, content in exported.items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "model.gltf"
    assert load_object(str(path)).mass[0] == pytest.approx(0.12, rel=1e-4)
    for data in tmp_path.glob("*.bin"):
        data.unlink()
    with pytest.raises(DexjaxError, match=r"needs the file '\w+\.bin' beside it"):
        load_object(str(path))


def test_the_units_of_a_file(tmp_path, capsys):
    large = block(size=(60, 50, 80))
    large.units = "millimeters"
    objects = loaded(tmp_path / "printed.3mf", large)
    assert objects.mass[0] == pytest.approx(0.12, rel=1e-4)
    assert capsys.readouterr().err == ""
    # trimesh writes "millimeter" whatever the numbers are.
    objects = loaded(tmp_path / "metres.3mf", block())
    assert objects.mass[0] == pytest.approx(0.12, rel=1e-4)
    assert "taken for metres" in capsys.readouterr().err


def with_seam(mesh):
    """The same mesh, every face with three vertices of its own, in another order."""
    order = np.random.default_rng(0).permutation(len(mesh.faces))
    corners = mesh.vertices[mesh.faces[order]].reshape(-1, 3)
    faces = np.arange(len(corners)).reshape(-1, 3)
    return trimesh.Trimesh(corners, faces, process=False)


def test_seams_are_welded(tmp_path, capsys):
    plain = angle_piece().apply_scale(0.1)
    first = loaded(tmp_path / "thing.obj", plain)
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "thing.obj"
    # Written by hand: the exporter would weld.
    apart = with_seam(plain)
    lines = ["v " + " ".join(f"{x:.8f}" for x in v) for v in apart.vertices]
    lines += ["f " + " ".join(str(i + 1) for i in f) for f in apart.faces]
    path.write_text("\n".join(lines))
    second = load_object(str(path))
    assert np.array_equal(first.hulls, second.hulls)
    assert first.mass == second.mass
    assert first.names == second.names
    assert capsys.readouterr().err == ""


def test_faces_wound_either_way(tmp_path):
    rng = np.random.default_rng(0)
    for flipped in (rng.random(28) < 0.5, np.ones(28, bool)):
        mesh = angle_piece().apply_scale(0.1)
        flipped = np.resize(flipped, len(mesh.faces))
        mesh.faces[flipped] = mesh.faces[flipped][:, ::-1]
        objects = loaded(tmp_path / "thing.ply", mesh, size=0.2)
        expected = 500 * 0.36 * 0.2 * 0.2**3
        assert objects.mass[0] == pytest.approx(expected, rel=1e-3)
        outwards = np.einsum("ij,ij->i", objects.points[0], objects.normals[0])
        assert outwards.mean() > 0


@pytest.mark.parametrize("inside_out", [True, False])
def test_cavities_weigh_nothing_and_touch_nothing(tmp_path, inside_out):
    hole = block(inside_out=inside_out, size=(0.05, 0.04, 0.07))
    objects = loaded(tmp_path / "shell.stl", block() + hole)
    # 240 - 140 cm^3 at 500 kg/m^3; inertia of a box m (b^2 + c^2) / 12.
    assert objects.mass[0] == pytest.approx(0.05, rel=1e-4)
    solid, gap = 0.12 * (0.05**2 + 0.08**2), 0.07 * (0.04**2 + 0.07**2)
    assert objects.inertia[0, 0, 0] == pytest.approx((solid - gap) / 12, rel=1e-4)
    share = np.abs(objects.points[0]) / [0.03, 0.025, 0.04]
    assert np.allclose(share.max(axis=1), 1.0, atol=1e-5)
    assert objects.hull_mask.sum() == 1
    assert inside_pieces(np.zeros((1, 3)), [objects.hulls[0, 0]])


def test_a_body_inside_a_cavity_weighs_something(tmp_path):
    mesh = block() + block(size=(0.05, 0.04, 0.07)) + block(size=(0.04, 0.02, 0.05))
    objects = loaded(tmp_path / "rattle.stl", mesh)
    assert objects.mass[0] == pytest.approx(500 * (240 - 140 + 40) * 1e-6, rel=1e-4)


def test_overlapping_bodies_count_once(tmp_path):
    mesh = block() + block(at=(0.03, 0, 0), inside_out=True)
    objects = loaded(tmp_path / "two.stl", mesh)
    assert objects.mass[0] == pytest.approx(0.18, rel=1e-4)
    assert np.abs(objects.points[0]).max(axis=1).min() > 0.02  # none where they meet
    assert objects.hull_mask.sum() == 1


def test_bodies_that_touch(tmp_path, capsys):
    """At a whole face, which both have, and along one edge."""
    face_to_face = block() + block(at=(0.06, 0, 0))
    edge_to_edge = block() + block(at=(0.06, 0.05, 0))
    for name, mesh in (("faces.stl", face_to_face), ("edges.stl", edge_to_edge)):
        objects = loaded(tmp_path / name, mesh)
        assert objects.mass[0] == pytest.approx(0.24, rel=1e-3)
    assert capsys.readouterr().err == ""


def test_doubled_faces_and_strays(tmp_path, capsys):
    mesh = block()
    doubled = np.concatenate([mesh.faces, mesh.faces[:5], mesh.faces[3:4, ::-1]])
    vertices = np.concatenate([mesh.vertices, [[9.0, 9.0, 9.0], [np.nan] * 3]])
    lines = ["v " + " ".join(map(str, v)) for v in vertices]
    lines += ["f " + " ".join(str(i + 1) for i in f) for f in doubled]
    lines += ["f 1 1 2", "l 1 2", "p 1", "vn 0 0 1", "usemtl x", "s off"]
    (tmp_path / "box.obj").write_text("\n".join(lines))
    objects = load_object(str(tmp_path / "box.obj"))
    assert objects.mass[0] == pytest.approx(0.12, rel=1e-5)
    assert capsys.readouterr().err == ""


def test_open_surface_is_remeshed_and_said_to_be(tmp_path, monkeypatch, capsys):
    tray = trimesh.creation.box([0.1, 0.1, 0.05])
    tray.update_faces(tray.triangles_center[:, 2] < 0.024)
    tray.export(tmp_path / "tray.stl")
    slab = trimesh.creation.box([1, 1, 0.1]).vertices
    monkeypatch.setattr(
        decomposition, "_by_coacd", lambda *_: [slab, slab + [0, 0, 0.05]]
    )
    assert load_mesh(tmp_path / "tray.stl").surface is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "tray.stl: its surface is open at 4 edges: it is remeshed" in said
    objects = load_object(str(tmp_path / "tray.stl"))
    assert objects.mass[0] == pytest.approx(500 * 0.1**3 * 0.15, rel=0.01)


def test_open_surface_for_real(tmp_path, capsys):
    """A tube closed at one end stays hollow."""
    tube = trimesh.creation.box([0.1, 0.03, 0.03])
    tube.update_faces(tube.triangles_center[:, 0] < 0.049)
    objects = loaded(tmp_path / "tube.stl", tube)
    assert "open at 4 edges" in capsys.readouterr().err
    hulls = list(objects.hulls[0][objects.hull_mask[0]])
    assert not inside_pieces(np.array([[0.0, 0, 0], [0.03, 0, 0]]), hulls).any()
    walls = np.array([[-0.05, 0, 0], [0, 0.015, 0], [0, 0, 0.015], [0, 0, -0.015]])
    assert inside_pieces(walls, hulls).all()


def test_open_parts_that_lie_apart_are_remeshed_apart(tmp_path, monkeypatch):
    sheets = [block(at=(x, y, 0)) for x in (0, 0.1) for y in (0, 0.02)]
    for sheet in sheets:
        sheet.update_faces(np.arange(len(sheet.faces)) > 1)
    asked = []
    monkeypatch.setattr(
        decomposition, "_by_coacd", lambda b, *_: asked.append(b) or [b.vertices]
    )
    together = trimesh.util.concatenate(sheets)
    objects = loaded(tmp_path / "sheets.stl", together)
    assert sorted(len(body.faces) for body in asked) == [20, 20]
    assert objects.hull_mask.sum() == 2


def test_second_load_comes_from_the_cache(tmp_path, monkeypatch):
    path = tmp_path / "thing.stl"
    angle_piece().export(path)
    first = load_mesh(path, 0.12)
    monkeypatch.setattr(decomposition, "decompose", lambda _: pytest.fail("again"))
    again = load_mesh(path, 0.06)
    assert len(again.pieces) == len(first.pieces)
    assert np.allclose(again.pieces[0] * 2, first.pieces[0])
    assert again.name == first.name


def test_damaged_cache_is_rebuilt(tmp_path):
    path = tmp_path / "thing.stl"
    angle_piece().export(path)
    first = load_mesh(path, 0.12)
    (stored,) = cache_folder("pieces").glob("*.npz")
    stored.write_bytes(stored.read_bytes()[:100])
    again = load_mesh(path, 0.12)
    assert len(again.pieces) == len(first.pieces)
    assert len(stored.read_bytes()) > 100


def test_unwritable_cache_does_not_matter(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    angle_piece().export(tmp_path / "thing.stl")
    assert load_mesh(tmp_path / "thing.stl", 0.12).pieces


@pytest.mark.parametrize("size", [0.0, -1.0, 0.9 * SIZE_RANGE[0], 12.0, float("nan")])
def test_absurd_sizes(tmp_path, size):
    block().export(tmp_path / "thing.stl")
    with pytest.raises(DexjaxError, match="between 0.01 and 0.5"):
        load_mesh(tmp_path / "thing.stl", size)


@pytest.mark.parametrize(
    ("extent", "hint"),
    [
        (95, "give --size in metres, 0.095 if the file is in millimetres"),
        (9.5, "0.095 if the file is in centimetres, 0.241 if the file is in inches"),
        (40_000, "give --size in metres"),
        (1e-4, "give --size in metres"),
    ],
)
def test_sizes_in_other_units_are_guessed_at(tmp_path, extent, hint):
    block(size=(extent, extent, extent)).export(tmp_path / "thing.stl")
    with pytest.raises(DexjaxError, match=hint):
        load_mesh(tmp_path / "thing.stl")


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    block().export(tmp_path / "thing, mine.stl")
    assert len(load_object_set("~/thing, mine.stl")) == 1
    with pytest.raises(DexjaxError, match="write the path out"):
        load_object("~nobody-of-that-name/thing.stl")


def test_names_say_which_file(tmp_path):
    first = loaded(tmp_path / "cup.stl", block())
    (tmp_path / "b").mkdir()
    again = loaded(tmp_path / "b" / "cup.stl", block(at=(1, 2, 3)))
    other = loaded(tmp_path / "b" / "cup.obj", block(size=(0.06, 0.06, 0.08)))
    assert first.names == again.names  # the same object elsewhere
    assert first.names != other.names
    odd = loaded(tmp_path / """it's "$HOME" `x`;.stl""", block())
    assert odd.names[0].rpartition("-")[0] == "it_s_HOME_x"
