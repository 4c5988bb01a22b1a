"""What cameras see of an object, against trimesh's and MuJoCo's rays."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.render.visible_points import bodies, visibility
from dexjax.scene import make_scene

AWAY = jnp.array([0.0, 0.0, 5.0])
CAMERAS = np.array([[0.46, -0.58, 0.42], [0.46, 0.58, 0.42]], np.float32)
POINTS = 512


@pytest.fixture(scope="module")
def objects():
    return load_objects(["mug", "box"])


@pytest.fixture(scope="module")
def hand():
    return load_hand()


@pytest.fixture(scope="module")
def every(objects):
    return bodies(objects, POINTS)


@pytest.fixture(scope="module")
def look(hand):
    return jax.jit(visibility(hand, CAMERAS))


def test_the_same_points_are_seen_as_by_casting_rays(hand, objects, every, look):
    """Against trimesh: a ray to either camera that leaves the union of the hulls."""
    turn = Rotation.random(rng=np.random.default_rng(3))
    pos, quat = jnp.array([0.02, -0.03, 0.1]), turn.as_quat(scalar_first=True)
    joints = jnp.asarray(hand.poses["open"])
    for index in range(len(objects)):
        body = jax.tree.map(lambda x, i=index: x[i], every)
        found = np.asarray(
            look(
                body, pos, jnp.asarray(quat, jnp.float32), AWAY, hand.start_quat, joints
            )
        )
        hulls = objects.hulls[index][objects.hull_mask[index]]
        mesh = trimesh.util.concatenate(
            [trimesh.convex.convex_hull(hull) for hull in hulls]
        )
        cameras = turn.inv().apply(CAMERAS - np.asarray(pos))
        # Rays start a little off the surface; hulls are near it, not on it.
        start = np.asarray(body.points + 0.004 * body.normals)
        free = np.zeros(len(start), bool)
        for camera in cameras:
            ray = camera - start
            hit = mesh.ray.intersects_any(start, ray)
            free |= ~hit & ((ray * np.asarray(body.normals)).sum(1) > 0)
        assert 0.3 < found.mean() < 0.95
        assert (found == free).mean() > 0.93


def test_a_hand_in_between_hides(hand, objects, every, look):
    """Against MuJoCo: what its rays hit first."""
    scene = make_scene(hand, objects)
    model, data = scene.models[1], mujoco.MjData(scene.models[1])
    body = jax.tree.map(lambda x: x[1], every)
    identity = np.array([1.0, 0.0, 0.0, 0.0])
    pos = np.array([0.0, 0.0, 0.05])
    root = np.array([-0.08, 0.05, 0.15])
    joints = hand.poses["open"]
    data.qpos[scene.root_qpos] = [*root, *hand.start_quat]
    data.qpos[scene.finger_qpos] = joints
    data.qpos[scene.object_qpos] = [*pos, *identity]
    mujoco.mj_kinematics(model, data)
    found = np.asarray(look(body, pos, identity, root, hand.start_quat, joints))
    alone = np.asarray(look(body, pos, identity, AWAY, hand.start_quat, joints))
    assert alone.sum() > found.sum() and not (found & ~alone).any()

    free = np.zeros(len(found), bool)
    for camera in CAMERAS.astype(float):
        for i, point in enumerate(np.asarray(body.points + 0.004 * body.normals) + pos):
            ray = camera - point
            geom = np.zeros(1, np.int32)
            far = mujoco.mj_ray(model, data, point, ray, None, 1, -1, geom)
            faces = ray @ np.asarray(body.normals[i]) > 0
            free[i] |= faces and not 0 <= far < 1
    assert (found == free).mean() > 0.98
    assert (alone & ~found).sum() > 5


def test_where_nothing_is_hidden_no_hulls_are_made(objects, every):
    bare = bodies(objects, POINTS, hidden=False)
    assert bare.solid is None
    np.testing.assert_array_equal(bare.points, every.points)
    assert bare.points.shape == (2, POINTS, 3)
