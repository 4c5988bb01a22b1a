"""One mesh of the everyday set: its scales, its material, how it lies."""

import numpy as np
import pytest
import trimesh

from dexjax import rotations
from dexjax.errors import DexjaxError
from dexjax.objects import load_object
from dexjax.objects.everyday import worker
from dexjax.objects.everyday.materials import MATERIALS, draw_material
from dexjax.objects.everyday.meshes import MESH, make_mesh
from dexjax.objects.everyday.plan import SCALES
from dexjax.objects.geometry.resting import fallen_quaternion
from dexjax.objects.object_set import MASS_RANGE, build_object
from dexjax.objects.procedural import CATEGORIES, make_shape


def test_every_fourth_variant_has_been_knocked_over():
    usual, fallen = make_mesh("mug", 2), make_mesh("mug", 3)
    up = np.array([0.0, 0.0, 1.0])
    assert rotations.rotate(usual["rest_quat"], up)[2] == pytest.approx(1)
    assert rotations.rotate(fallen["rest_quat"], up)[2] < 0.5
    hulls = fallen["hulls"][fallen["hull_mask"]]
    low = rotations.rotate(fallen["rest_quat"], hulls.reshape(-1, 3))[:, 2].min()
    assert low == pytest.approx(-fallen["rest_height"], abs=1e-6)


def test_what_has_one_side_to_lie_on_is_not_knocked_over():
    cone = trimesh.creation.cone(radius=0.05, height=0.001).vertices
    usual = np.array([1.0, 0.0, 0.0, 0.0])
    com = np.array([0.0, 0.0, 0.0003])
    rng = np.random.default_rng(0)
    assert np.array_equal(fallen_quaternion(cone, com, usual, rng), usual)


def test_same_each_time():
    assert make_mesh("knife", 3).tobytes() == make_mesh("knife", 3).tobytes()


@pytest.mark.parametrize("scale", SCALES)
def test_scaled_as_if_built_at_that_scale(scale):
    shape = make_shape("box", 1)
    radius = np.linalg.norm(shape.mesh.vertices, axis=1).max()
    shape = shape.scaled(scale / radius)
    ours = load_object(f"box:1@{scale}")
    built = build_object("box", "box", shape.pieces, shape.mesh)
    for field in ("hulls", "com", "points", "normals", "rest_quat", "rest_height"):
        wrong = np.abs(getattr(ours, field) - getattr(built, field)).max()
        assert wrong < 1e-6
    density = draw_material("box", 1).density
    mass = np.clip(density * shape.mesh.volume, *MASS_RANGE)
    assert ours.mass[0] == pytest.approx(mass, rel=1e-5)
    inertia = built.inertia * mass / built.mass[0]
    assert ours.inertia == pytest.approx(inertia, rel=1e-4, abs=1e-10)
    assert (ours.hulls.shape, ours.hulls.dtype) == ((1, 16, 16, 3), np.float32)


def test_two_processes_make_what_one_makes(monkeypatch):
    names = [("box", 1), ("knife", 2), ("phone", 3)]
    here = worker.make_meshes(names)
    monkeypatch.setattr(worker, "_FEW", 0)
    assert worker.make_meshes(names).tobytes() == here.tobytes()
    with pytest.raises(DexjaxError, match="made nothing:0 has ended"):
        worker.make_meshes([("box", 1), ("nothing", 0)])


def test_record_is_plain():
    assert not MESH.hasobject


def test_materials_differ_as_they_do_at_home():
    assert set(MATERIALS) == set(CATEGORIES)
    for category, typical in MATERIALS.items():
        drawn = [draw_material(category, variant) for variant in range(30)]
        assert drawn[0] == typical == draw_material(category, 0)
        assert len({m.friction for m in drawn}) > 10
        for density, friction in drawn:
            assert 0.4 <= friction <= 1.2
            assert density == pytest.approx(typical.density, rel=0.15 + 1e-9)
    assert MATERIALS["hammer"].density > 5 * MATERIALS["toilet_paper"].density
    assert MATERIALS["soap"].friction < 0.5 < 1.0 < MATERIALS["rubber_duck"].friction
