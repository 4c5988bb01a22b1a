"""The grasping task seen through depth cameras."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.physics.choice import make_engine
from dexjax.render.images.imager import Imager
from dexjax.tasks.grasp import GraspConfig, GraspTask
from dexjax.tasks.grasp.cameras import views

CONFIG = GraspConfig(
    observation="depth",
    privileged=("object_position", "object_centre"),
    pose=False,
    starts=8,
    offset=0.1,
    pixels=(16, 12),
)
WORLDS = 4


@pytest.fixture(scope="module")
def engine(box_scene):
    return make_engine(box_scene, "native")


def begun(engine, **changes):
    task = GraspTask(engine, dataclasses.replace(CONFIG, **changes))
    return task, jax.vmap(task.reset)(jax.random.split(jax.random.key(0), WORLDS))


@pytest.fixture(scope="module")
def usual(engine):
    return begun(engine)


def test_a_policy_sees_cameras_and_its_own_hand(usual):
    task, state = usual
    assert task.spec.sees("policy") == ("proprioception", "previous_action")
    assert task.spec.sees("camera") == ("depth",)
    assert task.spec.sees("privileged") == ("object_position", "object_centre")
    assert state.obs["depth"].shape == (WORLDS, 2, 12, 16)
    assert state.obs["depth"].dtype == jnp.uint8


def test_depth_is_what_the_cameras_see(usual, engine):
    _, state = usual
    cameras = views(("front", "palm"), engine.scene.hand)
    imager = Imager(engine.scene, cameras, (16, 12))
    seen = jax.vmap(imager)(state.physics).depth
    np.testing.assert_array_equal(state.obs["depth"], seen)
    # Objects lie in different places, and the front camera sees that.
    assert (seen[:1, 0] != seen[1:, 0]).any()


def test_the_palm_s_camera_sees_what_lies_under_the_palm(engine):
    """It is near there: nearer than the table."""
    task, state = begun(engine)
    scene = engine.scene
    qpos = np.asarray(state.physics.qpos[0]).copy()
    quat = np.asarray(scene.hand.start_quat)
    qpos[scene.root_qpos] = [0.0, 0.0, 0.3, *quat]
    seen = []
    for height in (0.05, 0.15):
        qpos[scene.object_qpos][:3] = [0.12, 0.0, height]
        physics = engine.reset(jnp.asarray(qpos), jnp.zeros(scene.model.nv), 0)
        cameras = views(("palm",), scene.hand)
        image = Imager(scene, cameras, (32, 32), ("depth", "segmentation"))
        drawn = image(physics)
        mask = np.asarray(drawn.segmentation[0]) == image.things.index("object")
        assert mask.sum() > 20
        seen.append(np.asarray(drawn.depth[0])[mask].mean())
    assert seen[1] < seen[0] - 20


def test_the_blind_see_nothing(engine):
    _, state = begun(engine, blind=True)
    assert not np.asarray(state.obs["depth"]).any()


def looks(engine, noise, times):
    """What one world's cameras give at some times of an episode in which it rests."""
    task, state = begun(engine, camera_noise=noise)
    one = jax.tree.map(lambda x: x[0], state)
    images = [
        task._depth(one.physics._replace(time=jnp.asarray(time)), one.memory)
        for time in times
    ]
    return np.stack(images).astype(float)


def test_cameras_stay_where_they_are_for_an_episode(engine):
    """Shaken between episodes; within one only noise of pixels changes."""
    images = looks(engine, 1.0, (0.0, 0.02, 0.04, 0.06))
    assert (images[0] != images[1]).any()
    seen = (images < 250).all(axis=0)
    # 3 mm are 1.3 of 255 in front, and 2.2 before the palm.
    spread = images.std(axis=0, ddof=1)
    assert 0.8 < np.sqrt(np.square(spread[0][seen[0]]).mean()) < 1.8
    assert 1.6 < np.sqrt(np.square(spread[1][seen[1]]).mean()) < 3.0
    # Another episode's cameras stand otherwise.
    clear = looks(engine, 0.0, (0.0,))[0]
    assert (np.abs(images.mean(axis=0) - clear)[seen] > 3).any()


def test_some_pixels_are_lost(engine):
    images = looks(engine, 5.0, np.arange(12) / 50)
    often = (images < 250).sum(axis=0) > 8
    assert (images[:, often] == 255).mean() == pytest.approx(0.05, abs=0.02)


def test_cameras_that_do_not_exist_are_refused(engine):
    with pytest.raises(DexjaxError, match=r"'top'.*front, palm"):
        begun(engine, cameras=("top",))
    with pytest.raises(DexjaxError, match="no cameras"):
        begun(engine, cameras=())
    with pytest.raises(DexjaxError, match=r"pixels is 4.*between 8"):
        begun(engine, pixels=(4, 16))
