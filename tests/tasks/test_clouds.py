"""What policies see of an object's surface: points of all or one side of it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax import rotations
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.tasks.grasp import GraspConfig, GraspTask
from dexjax.tasks.grasp.clouds import CAMERAS, make_cloud, placed, stand_in


def test_the_first_camera_is_the_scenes(box_scene):
    model = box_scene.model
    np.testing.assert_allclose(model.camera("main").pos, CAMERAS[0], atol=1e-6)


def test_seen_points_stand_in_for_the_others():
    points = jnp.arange(12.0).reshape(4, 3)
    kept = stand_in(points, jnp.array([False, True, False, True]))
    np.testing.assert_array_equal(kept, points[jnp.array([1, 1, 3, 3])])
    np.testing.assert_array_equal(stand_in(points, jnp.ones(4, bool)), points)
    blind = stand_in(points, jnp.zeros(4, bool))
    np.testing.assert_array_equal(blind, np.tile(points.mean(axis=0), (4, 1)))


def test_points_go_with_the_object():
    turn = Rotation.from_euler("z", 90, degrees=True).as_quat(scalar_first=True)
    points = jnp.array([[0.1, 0.0, 0.2]])
    there = placed(points, jnp.array([1.0, 0.0, 0.0]), jnp.asarray(turn))
    np.testing.assert_allclose(there, [[1.0, 0.1, 0.2]], atol=1e-6)


@pytest.fixture(scope="module")
def task(box_scene):
    return GraspTask(
        make_engine(box_scene, "native"), GraspConfig(observation="points", starts=2)
    )


def test_a_cloud_is_the_object_seen_from_the_palm(task):
    world = task.reset(jax.random.key(0))
    sensed = task._sense(world.physics)
    turned = rotations.rotate(sensed.object_quat, task.objects.points[0][:512])
    expected = 10 * (turned + sensed.object_pos - sensed.palm_pos)
    np.testing.assert_allclose(world.obs["points"], expected, atol=1e-4)


def test_seen_points_are_on_the_near_side(task):
    config = dataclasses.replace(task.config, observation="seen-points")
    honest = GraspTask(task.engine, config)
    key = jax.random.key(0)
    whole, some = task.reset(key).obs["points"], honest.reset(key).obs["seen_points"]
    every = {tuple(p) for p in np.asarray(whole).round(3).tolist()}
    found = {tuple(p) for p in np.asarray(some).round(3).tolist()}
    assert found < every
    # The face that it lies on is not seen.
    quat = task._sense(task.reset(key).physics).object_quat
    normals = rotations.rotate(quat, task.objects.normals[0][:512])
    below = np.asarray(whole)[np.asarray(normals)[:, 2] < -0.99]
    assert len(below) > 0.05 * 512
    assert found.isdisjoint(tuple(p) for p in below.round(3).tolist())


def test_points_that_were_not_prepared_cannot_be_asked_for():
    objects = load_objects(["box"])
    cloud = make_cloud({"proprioception"}, load_hand(), objects)
    with pytest.raises(AssertionError, match="'surface'"):
        cloud("surface", jnp.array(0), None, jnp.zeros(7))
