"""Geometric objects: one hull each, of one mass, as large as they say."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from dexjax.errors import DexjaxError
from dexjax.objects.geometric import MASS, SPLITS, geometric_objects
from dexjax.objects.loading import how_many, load_object_set, names_builtin


@pytest.fixture(scope="module")
def train():
    return geometric_objects("train")


def test_there_are_as_many_as_a_study_needs(train):
    assert {split: len(names) for split, names in SPLITS.items()} == {
        "train": 24,
        "heldout": 8,
        "everyday": 8,
    }
    names = [name for split in SPLITS.values() for name in split]
    assert len(set(names)) == len(names)
    assert train.names == SPLITS["train"]


@pytest.mark.parametrize("split", SPLITS)
def test_they_weigh_the_same_and_fit_into_a_hand(split):
    objects = geometric_objects(split)
    np.testing.assert_allclose(objects.mass, MASS)
    assert set(objects.splits) == {f"geometric/{split}"}
    for hulls, mask in zip(objects.hulls, objects.hull_mask, strict=True):
        extent = np.sort(np.ptp(hulls[mask].reshape(-1, 3), axis=0))
        assert extent[0] > 0.02 and extent[2] < 0.11


def test_hulls_and_inertias_are_those_of_the_shapes(train):
    def of(name):
        i = train.names.index(name)
        return ConvexHull(train.hulls[i, 0]).volume, train.inertia[i]

    volume, inertia = of("cube")
    assert volume == pytest.approx(0.056**3, rel=0.06)
    expected = MASS * 0.056**2 / 6
    np.testing.assert_allclose(inertia, expected * np.eye(3), rtol=1e-3, atol=1e-8)
    volume, inertia = of("ball")
    assert volume == pytest.approx(4 / 3 * np.pi * 0.032**3, rel=0.06)
    expected = 0.4 * MASS * 0.032**2
    np.testing.assert_allclose(np.diag(inertia), expected, rtol=0.06)
    assert of("capsule")[0] == pytest.approx(
        np.pi * 0.025**2 * 0.04 + 4 / 3 * np.pi * 0.025**3, rel=0.06
    )


def test_some_are_chosen(train):
    some = geometric_objects("train", ["ball", "cube"])
    assert some.names == ("ball", "cube")
    np.testing.assert_array_equal(some.hulls[1], train.hulls[0])
    with pytest.raises(DexjaxError, match="no object 'cone' in geometric/train"):
        geometric_objects("train", ["cone"])


def test_another_split_is_refused():
    with pytest.raises(DexjaxError, match="'test'"):
        geometric_objects("test")


def test_they_are_named_as_a_set_one_or_several():
    assert how_many("geometric/train,geometric/heldout/cone") == 25
    assert load_object_set("geometric/heldout/cone,geometric/train/cube").names == (
        "cone",
        "cube",
    )
    assert names_builtin("geometric/train/cube,mug")
    with pytest.raises(DexjaxError, match="their own sizes: no --size"):
        load_object_set("geometric/train/cube", size=0.1)
    with pytest.raises(DexjaxError, match="no object 'mug' in geometric/train"):
        load_object_set("geometric/train/mug")


def test_a_file_in_a_folder_of_that_name_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "geometric").mkdir()
    trimesh.creation.box((0.05, 0.06, 0.07)).export(tmp_path / "geometric" / "own.stl")
    monkeypatch.chdir(tmp_path)
    assert how_many("geometric/own.stl") == 1
    assert load_object_set("geometric/own.stl").categories == ("mesh",)
