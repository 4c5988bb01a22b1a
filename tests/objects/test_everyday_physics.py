"""Things of the everyday set: they can be grasped, come to rest, and differ in mass."""

import numpy as np
import pytest
from everyday_samples import everyone

from dexjax import rotations
from dexjax.hands import load_hand
from dexjax.objects import load_objects
from dexjax.objects.everyday import built_set
from dexjax.objects.everyday.graspable import why_not
from dexjax.scene import make_scene
from dexjax.tasks.grasp.settle import settle_objects

# Their pose about the vertical axis or any face is as good as another.
ROUND = ("apple", "egg", "pear", "light_bulb", "pencil", "doorknob")


@pytest.fixture(scope="module")
def sample():
    """Two dozen objects of all three splits."""
    return built_set.load_members(everyone()[:: len(everyone()) // 23])


def test_members_can_be_grasped(sample):
    assert len(set(sample.splits)) == 3
    reasons = {name: why_not(sample, i) for i, name in enumerate(sample.names)}
    assert reasons == dict.fromkeys(sample.names)


def lies_on_its_side(objects):
    """(n,) whether the vertical of the mesh is level, so that round things may roll."""
    up = rotations.rotate(objects.rest_quat, np.array([0.0, 0.0, 1.0]))
    return np.abs(up[:, 2]) < 0.5


def test_dropped_objects_come_to_rest_as_they_should(sample):
    objects = sample
    scene = make_scene(load_hand(), objects)
    starts = settle_objects(scene, count=4)[..., scene.object_qpos]
    height = starts[..., 2] / objects.rest_height[:, None]
    up = np.array([0.0, 0.0, 1.0])
    inverse = objects.rest_quat * [1, -1, -1, -1]
    axis = rotations.rotate(inverse, up)[:, None]
    tilt = np.degrees(np.arccos(rotations.rotate(starts[..., 3:], axis)[..., 2]))
    upright = (np.abs(height - 1) < 0.1) & (tilt < 8)
    rolls = np.isin(objects.categories, ROUND) | lies_on_its_side(objects)
    level = (np.abs(height - 1) < 0.3) & rolls[:, None]
    good = upright | level
    assert good.mean() > 0.9
    assert good.any(axis=1).all()


def test_scenes_of_symmetric_things_are_of_one_size():
    """MuJoCo stores a smaller mass matrix where the centre of mass is the origin."""
    names = ["pan@0.06", "toilet_paper@0.06", "tape@0.06", "box@0.06", "donut@0.06"]
    assert len(make_scene(load_hand(), load_objects(names)).models) == len(names)


def test_the_set_has_light_and_heavy_slippery_and_rough_things(sample):
    assert np.ptp(np.log(sample.mass)) > np.log(5)
    assert sample.friction.min() < 0.5 and sample.friction.max() > 0.7
