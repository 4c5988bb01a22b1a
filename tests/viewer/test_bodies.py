"""Bodies as meshes, against the rays that MuJoCo C casts at the geoms."""

import mujoco
import numpy as np
import pytest
import trimesh
from small_scene import small_scene

from dexjax.viewer.bodies import body_meshes

GEOMS = {
    "sphere": 'type="sphere" size="0.03"',
    "capsule": 'type="capsule" size="0.02 0.05"',
    "cylinder": 'type="cylinder" size="0.02 0.05"',
    "ellipsoid": 'type="ellipsoid" size="0.02 0.03 0.05"',
    "box": 'type="box" size="0.02 0.03 0.05"',
    "mesh": 'type="mesh" mesh="wedge"',
}
WEDGE = "0 0 0  0.06 0 0  0 0.05 0  0 0 0.08  0.06 0.05 0"
RAYS = 200
ROUND_MM = 0.9  # what is round has 24 sides


@pytest.mark.parametrize("kind", GEOMS)
def test_a_geom_is_where_rays_hit_it(kind):
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><asset><mesh name="wedge" vertex="{WEDGE}"/></asset><worldbody>
        <body name="thing"><geom {GEOMS[kind]} pos="0.01 0.02 -0.01"
        quat="0.8 0.2 -0.3 0.4"/></body></worldbody></mujoco>"""
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    mesh = body_meshes(model)["thing"]
    rng = np.random.default_rng(0)
    way = rng.normal(size=(RAYS, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    # Towards points inside, from outside.
    start = data.geom_xpos[0] + rng.uniform(-0.01, 0.01, (RAYS, 3)) - 0.5 * way
    geom = np.zeros(1, np.int32)
    rays = zip(start, way, strict=True)
    far = np.array([mujoco.mj_ray(model, data, *r, None, 1, -1, geom) for r in rays])
    tracer = trimesh.ray.ray_triangle.RayMeshIntersector(mesh)
    hit, ray, _ = tracer.intersects_location(start, way, multiple_hits=False)
    found = np.full(RAYS, np.nan)
    found[ray] = np.linalg.norm(hit - start[ray], axis=1)
    there = (far > 0) & ~np.isnan(found)
    assert there.sum() > 0.9 * RAYS
    assert 1e3 * np.abs(found - far)[there].max() < 4 * ROUND_MM
    assert 1e3 * np.median(np.abs(found - far)[there]) < ROUND_MM


def test_padding_and_planes_are_not_shown():
    model = small_scene("brick").model
    meshes = body_meshes(model)
    assert {*meshes} == {"object", "finger"}
    # One box, though the model has two hulls; a hull is a little larger.
    assert meshes["object"].volume == pytest.approx(0.08 * 0.05 * 0.06, rel=0.02)
    np.testing.assert_allclose(meshes["object"].extents, [0.08, 0.05, 0.06], rtol=0.02)
    colours = meshes["object"].visual.vertex_colors
    np.testing.assert_array_equal(colours[0], [216, 140, 63, 255])
