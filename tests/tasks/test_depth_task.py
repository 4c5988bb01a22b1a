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
    pixels=16,
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
    assert state.obs["depth"].shape == (WORLDS, 2, 16, 16)
    assert state.obs["depth"].dtype == jnp.uint8


def test_depth_is_what_the_cameras_see(usual, engine):
    _, state = usual
    cameras = views(("front", "palm"), engine.scene.hand)
    imager = Imager(engine.scene, cameras, (16, 16))
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


def test_noise_is_as_much_as_asked_for(engine):
    task, state = begun(engine, camera_noise=1.0)
    _, clear = begun(engine)
    still = jax.jit(jax.vmap(task.advance))
    action = state.memory.previous_action
    pairs = []
    for _ in range(2):
        pairs.append(np.asarray(state.obs["depth"], float))
        state = still(state, action)
    # Pixels are lost and noisy, others in each step.
    lost = [(image == 255).mean() for image in pairs]
    assert abs(lost[0] - lost[1]) < 0.03
    apart = pairs[0] - np.asarray(clear.obs["depth"], float)
    inner = np.asarray(clear.obs["depth"]) < 250
    # 3 mm in 60 cm are 1.3 of 255 in front; the camera moves as well.
    assert 0.5 < np.abs(apart[:, 0][inner[:, 0]]).mean() < 30
    assert (pairs[0] == 255).sum() > (np.asarray(clear.obs["depth"]) == 255).sum()


def test_cameras_stay_where_they_are_for_an_episode(engine):
    """Shaken between episodes; within one only noise of pixels changes."""
    task, state = begun(engine, camera_noise=1.0)
    frozen = [task._depth(jax.tree.map(lambda x: x[0], state.physics)._replace(
        time=jnp.asarray(time)), jax.tree.map(lambda x: x[0], state.memory))
        for time in (0.0, 0.02, 0.04)]  # fmt: skip
    one, two, three = (np.asarray(image, float) for image in frozen)
    assert (one != two).any()
    both = (one < 250) & (two < 250) & (three < 250)
    assert np.median(np.abs(one - two)[both]) <= 3
    assert np.median(np.abs(one - three)[both]) <= 3


def test_cameras_that_do_not_exist_are_refused(engine):
    with pytest.raises(DexjaxError, match=r"'top'.*front, palm"):
        begun(engine, cameras=("top",))
    with pytest.raises(DexjaxError, match="no cameras"):
        begun(engine, cameras=())
    with pytest.raises(DexjaxError, match=r"pixels is 4.*between 8"):
        begun(engine, pixels=4)
