"""Objects in a file: the same again, from anywhere; damaged ones are refused."""

import os
import pickle
import zipfile

import jax
import numpy as np
import pytest
import trimesh

from dexjax.errors import DexjaxError
from dexjax.objects import ObjectSet, load_object, load_object_set
from dexjax.objects.stored import load_stored, save_object


@pytest.fixture(scope="module")
def box():
    return load_object("box")


def rewritten(path, **changes):
    """Replaces fields of a file; None takes one out."""
    with np.load(path) as stored:
        fields = dict(stored)
    fields |= changes
    np.savez(path, **{name: v for name, v in fields.items() if v is not None})


def test_the_same_object_after_its_mesh_has_gone(tmp_path, monkeypatch):
    trimesh.creation.box([0.06, 0.05, 0.08]).export(tmp_path / "thing.stl")
    first = load_object(str(tmp_path / "thing.stl"))
    save_object(first, tmp_path / "run" / "thing.object.npz")
    (tmp_path / "thing.stl").unlink()
    (tmp_path / "run").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    again = load_object("thing.object.npz")
    assert jax.tree.structure(first) == jax.tree.structure(again)
    for before, after in zip(
        jax.tree.leaves(first), jax.tree.leaves(again), strict=True
    ):
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
    assert os.listdir() == ["thing.object.npz"]


def test_several_objects_in_one_file(tmp_path, box):
    file = tmp_path / "two.object.npz"
    save_object(ObjectSet.concatenate([box, load_object("can")]), file)
    assert load_object_set(f"{file},apple").names == ("box", "can", "apple")
    with pytest.raises(DexjaxError, match="holds 2 objects"):
        load_object(str(file))


def test_home_folder(tmp_path, monkeypatch, box):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_object(box, "~/box.object.npz")
    assert load_object("~/box.object.npz").names == ("box",)


def test_cut_off_or_altered_anywhere(tmp_path, box):
    file = tmp_path / "box.object.npz"
    save_object(box, file)
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for share in np.linspace(0, 0.99, 25):
        file.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DexjaxError, match=r"box\.object\.npz: is damaged"):
            load_stored(file)
    for place in rng.integers(0, len(whole), 60):
        altered = bytearray(whole)
        altered[place] ^= 0xFF
        file.write_bytes(altered)
        try:
            again = load_stored(file)
        except DexjaxError as error:
            assert "\n" not in str(error)
        else:  # A byte that tells nothing, such as a date.
            assert np.array_equal(again.hulls, box.hulls)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hulls": None}, "lacks"),
        ({"format": np.array(2)}, "format 2, format 1 is read"),
        ({"mass": np.array([0.0], np.float32)}, "mass has values that no object"),
        (
            {"mass": np.array([np.nan], np.float32)},
            "mass has a value",
        ),
        ({"mass": np.array(["heavy"])}, "mass has the type <U5"),
        (
            {"com": np.zeros((1, 2), np.float32)},
            r"com of .* shape \(1, 2\)",
        ),
        ({"com": np.zeros((2, 3), np.float32)}, "com of 1 objects"),
        ({"normals": np.zeros((1, 9, 3), np.float32)}, "normals of 1 objects"),
        ({"hull_mask": np.zeros((1, 16), bool)}, "hull_mask has values"),
        ({"rest_quat": np.zeros((1, 4), np.float32)}, "rest_quat has values"),
        ({"grasp_count": np.array([3], np.int32)}, "grasp_count has values"),
        ({"names": np.array(["a", "b"])}, "of 2 objects"),
        ({"names": np.array([1])}, "names are not 1 texts"),
        ({"names": np.zeros(0, "U1")}, "of 0 objects"),
    ],
)
def test_what_no_object_has(tmp_path, box, changes, says):
    file = tmp_path / "box.object.npz"
    save_object(box, file)
    rewritten(file, **changes)
    with pytest.raises(DexjaxError, match=says) as caught:
        load_object(str(file))
    assert "\n" not in str(caught.value)


class Runs:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_pickles_run_nothing(tmp_path, box):
    file, marker = tmp_path / "box.object.npz", str(tmp_path / "ran")
    save_object(box, file)
    rewritten(file, names=np.array([Runs(marker)], object))
    with pytest.raises(DexjaxError, match="damaged"):
        load_stored(file)
    assert not os.path.exists(marker)
    pickle.loads(pickle.dumps(Runs(marker)))
    assert os.path.exists(marker)


def test_other_faults(tmp_path, box):
    with pytest.raises(DexjaxError, match=r"must end in \.object\.npz"):
        save_object(box, tmp_path / "box.npz")
    with pytest.raises(DexjaxError, match="no such file"):
        load_object(str(tmp_path / "none.object.npz"))
    with pytest.raises(DexjaxError, match="no --size"):
        load_object(str(tmp_path / "none.object.npz"), size=0.1)
    (tmp_path / "file").write_text("")
    with pytest.raises(DexjaxError, match="cannot be written"):
        save_object(box, tmp_path / "file" / "box.object.npz")


def test_what_is_no_array(tmp_path, box):
    file = tmp_path / "box.object.npz"
    save_object(box, file)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, b"no array" if name == "mass.npy" else content)
    with pytest.raises(DexjaxError, match="'mass' is no array"):
        load_stored(file)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DexjaxError, match="is no file"):
        load_stored(file)
