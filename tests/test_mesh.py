"""Mesh files of every kind, good and bad, and the cache of their decompositions."""

import numpy as np
import pytest
import trimesh

from dexjax.cache import cache_folder
from dexjax.errors import DexjaxError
from dexjax.objects import load_object, mesh
from dexjax.objects.mesh import SIZE_RANGE, load_mesh
from dexjax.objects.surfaces import inside_pieces


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


@pytest.mark.parametrize("suffix", ["obj", "stl", "glb", "ply"])
def test_every_format(tmp_path, suffix):
    path = tmp_path / f"thing.{suffix.upper() if suffix == 'stl' else suffix}"
    angle_piece().export(path, file_type=suffix)
    objects = load_object(str(path), size=0.12)
    assert objects.names == ("thing",)
    solid = objects.hulls[objects.hull_mask].reshape(-1, 3)
    assert np.ptp(solid, axis=0).max() == pytest.approx(0.12, rel=0.02)
    assert np.allclose(solid.max(axis=0) + solid.min(axis=0), 0, atol=0.002)
    expected = 500 * 0.36 * 0.2 * 0.12**3
    assert objects.mass[0] == pytest.approx(max(expected, 0.03), rel=0.01)
    assert objects.hull_mask.sum() >= 2  # the corner of the L stays open
    corner = np.array([[0.03, 0.03, 0.0]])
    assert not inside_pieces(corner, list(objects.hulls[0][objects.hull_mask[0]]))


def test_open_surface_is_closed_by_its_pieces(tmp_path, monkeypatch):
    tray = trimesh.creation.box([0.1, 0.1, 0.05])
    tray.update_faces(tray.triangles_center[:, 2] < 0.024)
    tray.export(tmp_path / "tray.stl")
    slab = trimesh.creation.box([1, 1, 0.1]).vertices
    monkeypatch.setattr(mesh, "decompose", lambda _: [slab, slab + [0, 0, 0.05]])
    _, surface = load_mesh(tmp_path / "tray.stl")
    assert surface is None
    objects = load_object(str(tmp_path / "tray.stl"))
    assert objects.mass[0] == pytest.approx(500 * 0.1**3 * 0.15, rel=0.01)


def test_second_load_comes_from_the_cache(tmp_path, monkeypatch):
    path = tmp_path / "thing.stl"
    angle_piece().export(path)
    first, _ = load_mesh(path, 0.12)
    monkeypatch.setattr(mesh, "decompose", lambda _: pytest.fail("decomposed again"))
    again, _ = load_mesh(path, 0.06)
    assert len(again) == len(first)
    assert np.allclose(again[0] * 2, first[0])


def test_damaged_cache_is_rebuilt(tmp_path):
    path = tmp_path / "thing.stl"
    angle_piece().export(path)
    first, _ = load_mesh(path, 0.12)
    (stored,) = cache_folder("pieces").glob("*.npz")
    stored.write_bytes(stored.read_bytes()[:100])
    again, _ = load_mesh(path, 0.12)
    assert len(again) == len(first)
    assert len(stored.read_bytes()) > 100


def test_unwritable_cache_does_not_matter(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    angle_piece().export(tmp_path / "thing.stl")
    assert load_mesh(tmp_path / "thing.stl", 0.12)[0]


def bad_files(folder):
    """Files that cannot be objects, and what is said about each."""
    flat = trimesh.Trimesh([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], [[0, 1, 2]])
    point = trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False)
    nan = "v 0 0 0\nv 1 0 0\nv 0 1 nan\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n"
    contents = {
        "empty.obj": ("", "cannot be read|holds no faces"),
        "empty.stl": ("", "cannot be read|holds no faces"),
        "empty.glb": ("", "cannot be read|holds no faces"),
        "empty.ply": ("", "cannot be read|holds no faces"),
        "noise.stl": ("\x01\x02" * 500, "cannot be read|holds no faces"),
        "noise.glb": ("glTF" + "\x01" * 90, "cannot be read"),
        "noise.ply": ("ply\nformat ascii 1.0\nelement", "cannot be read"),
        "points.obj": ("v 0 0 0\nv 1 0 0\n", "cannot be read|holds no faces"),
        "nan.obj": (nan, "not finite"),
        "thing.step": ("x", "not one of"),
    }
    for name, (text, says) in contents.items():
        (folder / name).write_text(text)
        yield name, says
    flat.export(folder / "flat.stl")
    yield "flat.stl", "is flat"
    point.export(folder / "point.stl")
    yield "point.stl", "one point|no faces"
    trimesh.creation.box([40, 40, 40]).export(folder / "large.stl")
    yield "large.stl", "--size"
    trimesh.creation.box([1e-4, 1e-4, 1e-4]).export(folder / "small.stl")
    yield "small.stl", "--size"
    yield "absent.stl", "no such mesh file"


def test_bad_files_are_named_in_one_line(tmp_path):
    for name, says in bad_files(tmp_path):
        with pytest.raises(DexjaxError, match=says) as caught:
            load_mesh(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0.0, -1.0, 0.9 * SIZE_RANGE[0], 12.0, float("nan")])
def test_absurd_sizes(tmp_path, size):
    trimesh.creation.box([0.1, 0.1, 0.1]).export(tmp_path / "thing.stl")
    with pytest.raises(DexjaxError, match="between 0.01 and 0.5"):
        load_mesh(tmp_path / "thing.stl", size)


def test_unknown_suffix_is_an_unknown_object():
    with pytest.raises(DexjaxError, match="unknown object"):
        load_object("thing.step")
