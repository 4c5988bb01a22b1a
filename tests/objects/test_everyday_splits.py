"""The splits of the everyday set: who is in them, and that they share no mesh."""

import collections
import hashlib

import numpy as np
import pytest
import trimesh
from everyday_samples import everyone
from scipy.spatial import cKDTree

from dexjax.objects.everyday.built_set import choose_members
from dexjax.objects.everyday.plan import (
    DISTINCT,
    SCALES,
    difference,
    members,
    plan_category,
)
from dexjax.objects.procedural import SEEN, UNSEEN, make_shape


def test_sizes_of_the_splits():
    assert {split: len(all_of) for split, all_of in members().items()} == {
        "train": 3200,
        "unseen-object": 141,
        "unseen-category": 100,
    }
    assert len(set(everyone())) == 3441


def test_categories():
    by_split = {s: {m.category for m in chosen} for s, chosen in members().items()}
    assert by_split["train"] == by_split["unseen-object"] == set(SEEN)
    assert by_split["unseen-category"] == set(UNSEEN)
    assert len(SEEN) >= 40 and len(UNSEEN) >= 12 and not set(SEEN) & set(UNSEEN)


@pytest.mark.parametrize("split", ["train", "unseen-object", "unseen-category"])
def test_categories_are_about_equally_frequent(split):
    counts = collections.Counter(m.category for m in members()[split]).values()
    assert max(counts) - min(counts) <= 1


def test_scales():
    counts = collections.Counter(m.scale for m in members()["train"])
    assert set(counts) == set(SCALES)
    assert min(counts.values()) > 0.08 * 3200


def test_the_first_objects_are_of_different_categories():
    assert len({m.category for m in choose_members("train", count=48)}) == 48
    assert choose_members("train", "mug")[0].category == "mug"


@pytest.fixture(scope="module")
def shapes():
    """Of every mesh of the set by (split, category, variant): vertices, unit radius."""
    named = {
        (s, m.category, m.variant) for s, all_of in members().items() for m in all_of
    }
    made = {name: make_shape(*name[1:]).mesh.vertices for name in sorted(named)}
    return {n: v / np.linalg.norm(v, axis=1).max() for n, v in made.items()}


def test_no_mesh_stands_in_two_splits(shapes):
    """By content, whatever the names say: vertices as a set, at unit radius."""
    splits = collections.defaultdict(set)
    for (split, *_), unit in shapes.items():
        content = np.unique(unit.round(3) + 0.0, axis=0).tobytes()
        splits[hashlib.sha256(content).digest()].add(split)
    assert all(len(where) == 1 for where in splits.values())
    assert len(splits) == len(shapes)


def test_held_out_shapes_differ_from_those_trained_on(shapes):
    """By how far one's corners are from the other's, both of unit radius."""
    least = collections.defaultdict(lambda: np.inf)
    for (split, category, variant), held_out in shapes.items():
        if split != "unseen-object":
            continue
        for (other, kind, _), trained in shapes.items():
            if (other, kind) == ("train", category):
                far = cKDTree(trained).query(held_out)[0].max()
                back = cKDTree(held_out).query(trained)[0].max()
                name = category, variant
                least[name] = min(least[name], max(far, back))
    assert len(least) == len({k for k in shapes if k[0] == "unseen-object"})
    assert min(least.values()) >= DISTINCT


def test_difference_of_shapes():
    brick = trimesh.creation.box([1.0, 0.8, 0.5]).vertices
    assert difference(brick, brick) == 0.0
    assert difference(brick, brick[::-1, [1, 0, 2]]) == 0.0
    higher = brick + [0, 0, 0.1] * (brick > 0)
    assert difference(brick, higher) == pytest.approx(0.1)


def test_plan_is_what_the_planner_chooses():
    chosen = plan_category("phone", {"train": 4})["train"]
    known = [(m.variant, m.scale) for m in choose_members("train", "phone")]
    assert {variant for variant, _ in chosen} == {v for v, _ in known[:2]}
    assert set(chosen) <= set(known)
