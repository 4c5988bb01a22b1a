"""Convex pieces are joined best first, in time that grows with their number."""

import numpy as np
import trimesh
from scipy.spatial import ConvexHull

from dexjax.objects import load_object
from dexjax.objects.geometry import merging
from dexjax.objects.geometry.merging import merge_pieces
from dexjax.objects.meshes import decompose as decomposition


def clouds(count, seed=0):
    """Convex pieces of 6 to 12 points each, in a cube."""
    rng = np.random.default_rng(seed)
    pieces = []
    for _ in range(count):
        points = rng.uniform(0, 1, 3) + 0.05 * rng.normal(size=(rng.integers(6, 13), 3))
        pieces.append(points[ConvexHull(points).vertices])
    return pieces


def merged_by_trying_all(pieces, count):
    pieces = list(pieces)
    while len(pieces) > count:
        volume = [ConvexHull(p).volume for p in pieces]
        added = {}
        for i in range(len(pieces)):
            for j in range(i):
                both = ConvexHull(np.concatenate([pieces[i], pieces[j]])).volume
                added[i, j] = both - volume[i] - volume[j]
        i, j = min(added, key=added.get)
        both = np.concatenate([pieces[i], pieces[j]])
        pieces = [p for k, p in enumerate(pieces) if k not in (i, j)]
        pieces.append(both[ConvexHull(both).vertices])
    return pieces


def volumes(pieces):
    return sorted(ConvexHull(p).volume for p in pieces)


def test_joins_what_fits_best():
    for seed in range(3):
        pieces = clouds(24, seed)
        best = merged_by_trying_all(pieces, 7)
        assert np.allclose(volumes(merge_pieces(pieces, 7)), volumes(best))


def test_many_pieces_are_joined_nearly_as_well():
    pieces = clouds(56)
    best = sum(volumes(merged_by_trying_all(pieces, 40)))
    assert sum(volumes(merge_pieces(pieces, 40))) < 1.1 * best


def test_few_pieces_stay_as_they_are():
    pieces = clouds(5)
    assert all(a is b for a, b in zip(merge_pieces(pieces, 5), pieces, strict=True))


def test_the_work_grows_with_the_number_of_pieces(monkeypatch):
    tried = []

    def counted(points):
        tried.append(len(points))
        return ConvexHull(points)

    monkeypatch.setattr(merging, "ConvexHull", counted)
    work = []
    for count in (200, 400, 800):
        tried.clear()
        assert len(merge_pieces(clouds(count), 16)) == 16
        work.append(len(tried))
    # Four times the pieces: sixteen times the work if every pair were tried.
    assert work[2] - work[1] < 2.5 * (work[1] - work[0])


def test_a_mesh_of_loose_parts(tmp_path, monkeypatch, capsys):
    """All 216 convex boxes, with a word about it, and coacd for the ring alone."""
    parts = [
        trimesh.creation.box([0.5, 0.6, 0.7]).apply_translation([i, j, k])
        for i in range(6)
        for j in range(6)
        for k in range(6)
    ]
    ring = trimesh.creation.annulus(8, 10, 20).apply_translation([2.5, 2.5, 20])
    trimesh.util.concatenate([*parts, ring]).export(tmp_path / "parts.stl")
    asked = []
    monkeypatch.setattr(
        decomposition,
        "_by_coacd",
        lambda body, *_: asked.append(body) or [body.vertices],
    )
    monkeypatch.setattr(decomposition, "_MANY_FACES", 100)
    objects = load_object(str(tmp_path / "parts.stl"), size=0.3)
    assert [round(body.extents.max(), 2) for body in asked] == [0.66]
    assert objects.hull_mask.sum() == 16
    said = capsys.readouterr().err
    assert "cutting up" in said and "merging pieces" in said
