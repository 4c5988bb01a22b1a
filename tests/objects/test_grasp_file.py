"""Grasp proposals in files."""

import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.grasps.proposals import Tried, best
from dexjax.grasps.synthesis import Grasps
from dexjax.objects.grasp_file import (
    GraspFile,
    count_valid,
    read_grasps,
    with_grasps,
    write_grasps,
)
from dexjax.objects.loading import load_objects


def some(names, count=3, joints=22, seed=0):
    rng = np.random.default_rng(seed)
    rotation = rng.normal(size=(len(names), count, 4))
    return GraspFile(
        hand=np.array("shadow"),
        names=np.array(names),
        translation=rng.uniform(-0.2, 0.2, (len(names), count, 3)),
        rotation=rotation / np.linalg.norm(rotation, axis=-1, keepdims=True),
        joints=rng.uniform(-1, 1.5, (len(names), count, joints)),
        valid=np.arange(len(names)) + 1,
    )


@pytest.fixture(scope="module")
def objects():
    return load_objects(["box", "can"])


def test_a_file_gives_back_what_was_written(tmp_path):
    there = some(["mug:1@0.06", "can:2@0.08"])
    write_grasps(tmp_path / "grasps.npz", there)
    back = read_grasps(tmp_path / "grasps.npz")
    assert back.names.tolist() == ["mug:1@0.06", "can:2@0.08"]
    np.testing.assert_allclose(back.translation, there.translation, atol=1e-4)
    np.testing.assert_allclose(back.joints, there.joints, atol=1e-3)
    cosine = np.abs((back.rotation * there.rotation).sum(-1))
    assert np.degrees(2 * np.arccos(cosine.clip(max=1))).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(back.rotation, axis=-1), 1, rtol=1e-6)


def test_objects_get_theirs_by_name(objects):
    grasps = some(["egg", "can"])
    given = with_grasps(objects, grasps)
    assert given.grasp_count.tolist() == [0, 3]
    np.testing.assert_allclose(given.grasp_joints[1], grasps.joints[1], rtol=1e-6)
    assert given.grasp_joints.shape == (2, 3, 22)
    assert count_valid(objects, grasps).tolist() == [0, 2]
    # Fewer proposals replace all of the old ones.
    again = with_grasps(given, some(["can"], count=1, seed=1))
    assert again.grasp_count.tolist() == [0, 1]
    assert not again.grasp_joints[1, 1:].any()


def test_what_cannot_be_used_is_said(objects, tmp_path):
    with pytest.raises(DexjaxError, match="no grasp proposals .*dexjax proposals"):
        read_grasps(tmp_path / "none.npz")
    (tmp_path / "half.npz").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(DexjaxError, match=r"half.npz are damaged"):
        read_grasps(tmp_path / "half.npz")
    with pytest.raises(DexjaxError, match="'shadow' have 16 joints, these objects' 22"):
        with_grasps(objects, some(["can"], joints=16))


def test_the_best_grasps_are_valid_then_have_the_least_energy():
    held = np.ones((1, 4, 6), bool)
    held[0, 1, :2] = held[0, 3, 5] = False
    energy = np.array([[3.0, 0.1, 1.0, 0.5]])
    grasps = Grasps(None, None, {}, energy)
    tried = Tried(grasps, held, np.zeros((1, 4, 6)), np.zeros((1, 4)))
    np.testing.assert_array_equal(best(tried, 3), [[2, 0, 1]])
    np.testing.assert_array_equal(tried.valid, [[True, False, True, False]])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rotation": np.zeros((2, 3, 4))}, "rotation has no length"),
        ({"rotation": np.float64(1.0)}, "rotation is of float64"),
        ({"joints": np.full((2, 3, 22), np.nan)}, "joints has a value that is not"),
        ({"joints": np.zeros((2, 9, 22))}, "translation is of float64"),
        ({"names": np.arange(2)}, "names is of int64"),
        ({"valid": np.arange(3)}, "valid is of int64"),
        ({"hand": np.array([{}])}, "allow_pickle"),
        ({"names": None}, "lacks 'names'"),
    ],
)
def test_what_no_proposals_are(tmp_path, changes, said):
    fields = some(["can", "box"])._asdict() | changes
    np.savez(tmp_path / "a.npz", **{n: x for n, x in fields.items() if x is not None})
    with pytest.raises(DexjaxError, match=f"a.npz are damaged: .*{said}") as caught:
        read_grasps(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)
