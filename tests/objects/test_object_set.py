"""Object sets: stacking, choosing, and the physics of single objects."""

import jax
import numpy as np
import pytest
import trimesh

from dexjax.errors import DexjaxError
from dexjax.objects import ObjectSet, load_object, load_objects
from dexjax.objects.geometry.resting import rest_quaternion
from dexjax.objects.geometry.surface_points import (
    inside_pieces,
    pieces_surface,
    sample_surface,
)
from dexjax.objects.object_set import DENSITY, build_object, rotation_matrix


def block(x, y, z, name="block"):
    corners = [[i, j, k] for i in (-x, x) for j in (-y, y) for k in (-z, z)]
    return build_object(name, "block", [np.array(corners) / 2])


@pytest.fixture(scope="module")
def three():
    return load_objects(["box", "phone", "soap"])


def test_shapes_and_types(three):
    assert len(three) == 3
    assert three.hulls.shape == (3, 16, 16, 3)
    assert three.points.shape == three.normals.shape == (3, 1024, 3)
    assert three.code.shape == (3, 64)
    assert three.grasp_count.tolist() == [0, 0, 0]
    assert three.categories == ("box", "phone", "soap")
    floats = [a for a in jax.tree.leaves(three) if a.dtype.kind == "f"]
    assert all(a.dtype == np.float32 and np.isfinite(a).all() for a in floats)
    assert len(jax.tree.leaves(three)) == 15


def test_picked_by_an_integer_inside_jit(three):
    pick = jax.jit(lambda objects, i: jax.tree.map(lambda a: a[i], objects).mass)
    assert pick(three, 2) == three.mass[2]


def test_subset_keeps_order(three):
    chosen = three.subset(["soap", "box"])
    assert chosen.names == ("soap", "box")
    assert np.array_equal(chosen.hulls, three.hulls[[2, 0]])
    assert three.subset(np.array([1])).names == ("phone",)
    with pytest.raises(DexjaxError, match="'mug'"):
        three.subset(["mug"])
    with pytest.raises(DexjaxError, match="outside 0 ... 2"):
        three.subset([3])


def test_concatenate_pads_grasps(three):
    held = three.subset([0]).replace(
        grasp_translation=np.ones((1, 5, 3), np.float32),
        grasp_rotation=np.ones((1, 5, 4), np.float32),
        grasp_joints=np.ones((1, 5, 22), np.float32),
        grasp_count=np.array([5], np.int32),
    )
    joined = ObjectSet.concatenate([three, held])
    assert joined.grasp_joints.shape == (4, 5, 22)
    assert joined.grasp_count.tolist() == [0, 0, 0, 5]
    assert not joined.grasp_joints[:3].any()
    assert joined.grasp_joints[3].all()


def test_concatenate_refuses_unequal_hulls(three):
    mesh = trimesh.creation.box([0.05, 0.05, 0.05])
    odd = build_object("odd", "block", [mesh.vertices], hulls=4)
    with pytest.raises(DexjaxError, match="'odd' has hulls"):
        ObjectSet.concatenate([three, odd])
    many = build_object("many", "block", [mesh.vertices], hulls=20)
    with pytest.raises(
        DexjaxError, match="object 'many' has 20 hulls, more than the 16"
    ):
        ObjectSet.concatenate([three, many])
    with pytest.raises(DexjaxError, match="zero"):
        ObjectSet.concatenate([])


def test_mass_and_inertia_of_a_block():
    sides = np.array([0.06, 0.08, 0.1])
    objects = block(*sides)
    mass = DENSITY * sides.prod()
    assert objects.mass[0] == pytest.approx(mass)
    assert np.allclose(objects.com, 0, atol=1e-7)
    squares = sides**2
    expected = np.diag(mass / 12 * (squares.sum() - squares))
    assert np.allclose(objects.inertia[0], expected, rtol=1e-4, atol=1e-9)


def test_light_and_heavy_things_are_clipped():
    assert block(0.01, 0.01, 0.01).mass[0] == pytest.approx(0.03)
    heavy = block(0.3, 0.3, 0.3)
    assert heavy.mass[0] == pytest.approx(1.0)
    assert heavy.inertia[0, 0, 0] == pytest.approx(1.0 / 12 * 2 * 0.3**2, rel=1e-4)


def test_surface_points_lie_on_the_block():
    objects = block(0.06, 0.08, 0.1)
    half = np.array([0.03, 0.04, 0.05])
    points, normals = objects.points[0], objects.normals[0]
    face = np.abs(normals).argmax(axis=1)
    rows = np.arange(len(points))
    assert np.allclose(points[rows, face], normals[rows, face] * half[face], atol=1e-6)
    assert (np.abs(points) < half + 1e-6).all()
    share = np.bincount(face, minlength=3) / len(points)
    area = half.prod() / half
    assert np.allclose(share, area / area.sum(), atol=0.05)


def test_points_between_touching_pieces_are_left_out():
    left = trimesh.creation.box([0.05, 0.05, 0.05]).vertices
    pieces = [np.array(left), left + [0.0501, 0, 0]]  # a slit of 0.1 mm
    points, normals = sample_surface(pieces_surface(pieces), 500, 0, pieces)
    assert points.shape == normals.shape == (500, 3)
    in_slit = (points[:, 0] > 0.024) & (points[:, 0] < 0.026)
    edge = np.abs(points[in_slit, 1:]).max(axis=1)
    assert (edge > 0.0249).all()


def test_inside_pieces():
    cube = trimesh.creation.box([2, 2, 2]).vertices
    points = np.array([[0, 0, 0], [0.9, 0.9, 0.9], [1.1, 0, 0], [3, 0, 0], [5.0, 0, 0]])
    inside = inside_pieces(points, [cube, cube + [3, 0, 0]])
    assert inside.tolist() == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("sides", "up"),
    [
        ((0.06, 0.08, 0.1), [0, 0, 1]),  # stands as it is
        ((0.1, 0.01, 0.15), [0, 1, 0]),  # a sheet on edge is laid flat
        ((0.01, 0.1, 0.15), [1, 0, 0]),
    ],
)
def test_rest_orientation_of_blocks(sides, up):
    objects = block(*sides)
    turn = rotation_matrix(objects.rest_quat[0])
    assert np.allclose(np.abs(turn @ up), [0, 0, 1], atol=1e-3)
    height = sides[int(np.argmax(up))] / 2
    assert objects.rest_height[0] == pytest.approx(height, abs=0.001)


def test_rest_stands_on_the_given_axis():
    cone = trimesh.creation.cone(radius=0.03, height=0.1)
    points = cone.vertices[:, [0, 2, 1]]  # the tip along y
    turn = rotation_matrix(rest_quaternion(points, points.mean(axis=0), up="y"))
    assert np.allclose(turn @ [0, 1, 0], [0, 0, 1], atol=1e-3)


def test_size_sets_the_largest_extent():
    small, large = load_object("mug", size=0.05), load_object("mug", size=0.12)
    for objects, size in ((small, 0.05), (large, 0.12)):
        solid = objects.hulls[objects.hull_mask]
        assert np.ptp(solid.reshape(-1, 3), axis=0).max() == pytest.approx(
            size, rel=0.05
        )


@pytest.mark.parametrize(
    ("spec", "size", "says"),
    [
        ("mugg", None, "did you mean mug"),
        ("Bottel", None, "bottle"),
        ("qqqq", None, "there are apple"),
        ("mug:one", None, "must be a number"),
        ("mug:", None, "must be a number"),
        ("mug", 3.0, "between 0.01 and 0.5 m"),
        ("mug", 0.0, "between"),
        ("core-mug-1@0.06", None, "DEXGRASPNET"),
        ("", None, "unknown object"),
    ],
)
def test_bad_names(spec, size, says):
    with pytest.raises(DexjaxError, match=says) as caught:
        load_object(spec, size=size)
    assert "\n" not in str(caught.value)
