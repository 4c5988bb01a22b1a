"""Hulls of exact size: counted by SciPy, MuJoCo and MJX, measured by trimesh."""

import mujoco
import numpy as np
import pytest
import trimesh
from mujoco import mjx
from scipy.spatial import ConvexHull

from dexjax.errors import DexjaxError
from dexjax.objects.geometry.hulls import (
    fit_vertices,
    make_hulls,
    match_moments,
    reduce_vertices,
    split_pieces,
)
from dexjax.objects.geometry.merging import merge_pieces
from dexjax.objects.geometry.surface_points import inside_pieces
from dexjax.objects.procedural import make_shape

MJX_MERGES_BELOW = 5000**-0.5 / 2  # rad


def prism(sides, radius=0.03, height=0.1):
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([np.insert(ring, 2, z, axis=1) for z in (0, height)])


def box(x, y, z):
    return np.array([[i, j, k] for i in (0, x) for j in (0, y) for k in (0, z)])


SOLIDS = {
    "box": box(0.06, 0.08, 0.1),
    "sheet": box(0.15, 0.1, 0.003),
    "needle": box(0.002, 0.002, 0.1),
    "tetrahedron": 0.05 * np.eye(4)[:, :3],
    "octagon": prism(8),
    "cylinder": prism(40),
    "disc": prism(40, 0.07, 0.004),
    "ball": 0.04 * trimesh.creation.icosphere(subdivisions=3).vertices,
}


def compiled(hulls):
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 1])
    body = spec.worldbody.add_body()
    body.add_freejoint()
    for i, hull in enumerate(hulls):
        name = f"hull{i}"
        spec.add_mesh(name=name, uservert=hull.astype(np.float32).ravel())
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name)
    return spec.compile()


def outward_faces(hull):
    """Triangles (n, 3) that SciPy finds, counter-clockwise seen from outside."""
    found = ConvexHull(hull)
    corners = hull[found.simplices]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = (normal * found.equations[:, :3]).sum(axis=1) < 0
    return np.where(inward[:, None], found.simplices[:, ::-1], found.simplices)


@pytest.mark.parametrize("vertices", [12, 16, 24, 32])
@pytest.mark.parametrize("solid", SOLIDS)
def test_exact_and_strictly_convex(solid, vertices):
    hull = fit_vertices(SOLIDS[solid], vertices).astype(np.float32)
    assert hull.shape == (vertices, 3)
    faces = outward_faces(hull)
    assert len(faces) == 2 * vertices - 4
    mesh = trimesh.Trimesh(hull, faces, process=False)
    assert mesh.is_volume
    assert mesh.face_adjacency_angles.min() > 1.2 * MJX_MERGES_BELOW


@pytest.mark.parametrize("solid", ["box", "sheet", "needle", "octagon", "tetrahedron"])
def test_padding_keeps_the_shape(solid):
    points = SOLIDS[solid]
    hull = fit_vertices(points, 16)
    ours, theirs = ConvexHull(hull).equations, ConvexHull(points).equations
    outside = (points @ ours[:, :3].T + ours[:, 3]).max()
    beyond = (hull @ theirs[:, :3].T + theirs[:, 3]).max()
    assert max(outside, beyond) < 0.008 * np.ptp(points, axis=0).max()


def test_mujoco_and_mjx_count_the_same():
    made = make_hulls(make_shape("mug").pieces)
    model = compiled(made.vertices)
    assert (model.mesh_vertnum == 16).all()
    for start in model.mesh_graphadr:
        assert model.mesh_graph[start] == 16  # vertices on MuJoCo's own hull
        assert model.mesh_graph[start + 1] == 28
    for mesh in mjx.put_model(model)._impl.mesh_convex:
        assert mesh.vert.shape == (16, 3)
        assert mesh.face.shape == (28, 3, 3)
        assert mesh.edge.shape == (42, 2)


def test_count_and_mask():
    made = make_hulls([SOLIDS["box"], SOLIDS["octagon"] + 0.2], count=5, vertices=16)
    assert made.vertices.shape == (5, 16, 3)
    assert made.mask.tolist() == [True, True, False, False, False]


def test_reduction_beats_chance():
    points = SOLIDS["ball"]
    greedy = ConvexHull(reduce_vertices(points, 16)).volume
    rng = np.random.default_rng(0)
    random = [
        ConvexHull(points[rng.choice(len(points), 16, replace=False)]).volume
        for _ in range(50)
    ]
    assert greedy > max(random)


def test_reduction_keeps_the_corners_of_a_box():
    inner = np.random.default_rng(0).uniform(0.01, 0.05, (100, 3))
    kept = reduce_vertices(np.concatenate([inner, SOLIDS["box"]]), 8)
    assert sorted(map(tuple, kept)) == sorted(map(tuple, SOLIDS["box"]))


def test_moments_match_trimesh():
    target = SOLIDS["ball"] * [1.0, 0.7, 0.5] + [0.3, 0.1, 0.0]
    moved = match_moments(reduce_vertices(target, 12), target)
    ours, theirs = trimesh.convex.convex_hull(moved), trimesh.convex.convex_hull(target)
    assert np.allclose(ours.center_mass, theirs.center_mass, atol=1e-6)
    per_volume = (
        ours.moment_inertia / ours.volume,
        theirs.moment_inertia / theirs.volume,
    )
    assert np.allclose(*per_volume, rtol=1e-4, atol=1e-9)


def test_moments_improve_the_volume():
    target = SOLIDS["cylinder"]
    kept = reduce_vertices(target, 16)
    volume = ConvexHull(target).volume
    plain = abs(ConvexHull(kept).volume / volume - 1)
    matched = abs(ConvexHull(match_moments(kept, target)).volume / volume - 1)
    assert plain > 0.05
    assert matched < 0.3 * plain


def test_merge_joins_what_fills_nothing():
    left, right = box(0.05, 0.05, 0.05), box(0.05, 0.05, 0.05) + [0.05, 0, 0]
    far = box(0.05, 0.05, 0.05) + [0, 0.3, 0]
    merged = merge_pieces([left, far, right], 2)
    volumes = sorted(ConvexHull(p).volume for p in merged)
    assert np.allclose(volumes, [0.05**3, 2 * 0.05**3])


def test_splitting_spends_spare_hulls_on_rough_pieces():
    rough, exact = SOLIDS["ball"], SOLIDS["box"] + 0.2
    halves = split_pieces([rough, exact], 5, 16)
    assert len(halves) == 5
    assert sum(ConvexHull(p).volume for p in halves) == pytest.approx(
        ConvexHull(rough).volume + ConvexHull(exact).volume
    )
    assert any(np.array_equal(p, exact) for p in halves)
    assert len(split_pieces([exact], 5, 16)) == 1


def test_splitting_improves_the_fit():
    ball = SOLIDS["ball"]
    inside = np.random.default_rng(0).uniform(-0.04, 0.04, (4000, 3))
    truth = np.linalg.norm(inside, axis=1) < 0.04

    def overlap(count):
        made = make_hulls([ball], count)
        ours = inside_pieces(inside, list(made.vertices[made.mask]))
        return (ours & truth).sum() / (ours | truth).sum()

    assert overlap(1) < 0.88
    assert overlap(8) > 0.95


def test_merge_covers_everything():
    pieces = make_shape("kettle").pieces
    merged = [ConvexHull(p).equations for p in merge_pieces(pieces, 4)]
    assert len(merged) == 4
    for point in np.concatenate(pieces):
        assert any((e[:, :3] @ point + e[:, 3] < 1e-9).all() for e in merged)


def test_flat_piece_gets_a_thickness():
    square = np.array([[0, 0, 0], [0.05, 0, 0], [0.05, 0.05, 0], [0, 0.05, 0.0]])
    made = make_hulls([square], count=1)
    assert 0.0009 < np.ptp(made.vertices[0, :, 2]) < 0.003


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ([], "at least one"),
        ([np.full((8, 3), np.nan)], "not finite"),
        ([np.zeros((4, 2))], r"\(n, 3\)"),
    ],
)
def test_bad_pieces(pieces, says):
    with pytest.raises(DexjaxError, match=says):
        make_hulls(pieces)
