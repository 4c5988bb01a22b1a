"""Start states on the way to a grasp and to the goal, against MuJoCo C and SciPy."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.physics.approach import DEPTH, LIFT, on_the_way
from dexjax.physics.choice import make_engine
from dexjax.physics.settle import settle_objects
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspConfig, GraspTask

COUNT = 64


def turns(quat):
    return Rotation.from_quat(quat, scalar_first=True)


@pytest.fixture(scope="module")
def usual(mug_scene):
    return settle_objects(mug_scene, COUNT)


def grasps(scene, away):
    """A palm-down grasp so far above the object's frame, fingers half closed."""
    rotation = np.asarray(scene.hand.start_quat)
    joints = np.asarray(scene.hand.poses["open"]) * 0.5 + 0.4
    grasp = np.array([0.0, 0.0, away]), rotation, joints
    return tuple(np.tile(part, (1, COUNT, 1)) for part in grasp)


def heights(scene, near, usual):
    """How far every object was lifted, (COUNT,) m."""
    return (near - usual)[0, :, scene.object_qpos][:, 2]


def test_an_unhindered_hand_goes_any_share_of_a_straight_way(mug_scene, usual):
    grasp = grasps(mug_scene, 0.5)
    near = on_the_way(mug_scene, usual, *grasp, seed=3)
    root = mug_scene.root_qpos
    place = usual[0, :, mug_scene.object_qpos]
    goal = place[:, :3] + turns(place[:, 3:]).apply(grasp[0][0])
    way = goal - usual[0, :, root][:, :3]
    gone = near[0, :, root][:, :3] - usual[0, :, root][:, :3]
    lifted = heights(mug_scene, near, usual)
    on_table = lifted == 0
    np.testing.assert_allclose(on_table.mean(), 0.5, atol=4 * 0.5 / np.sqrt(COUNT))
    assert 0 <= lifted.min() and 0.8 * LIFT < lifted.max() <= LIFT
    share = np.where(on_table, (gone * way).sum(1) / (way**2).sum(1), 1.0)
    expected = share[:, None] * way + lifted[:, None] * [0, 0, 1]
    np.testing.assert_allclose(gone, expected, atol=1e-5)
    assert share.min() < 0.1 and share[on_table].max() > 0.9
    # The hand is turned about one axis, never the long way round.
    start, end = turns(usual[0, :, root][:, 3:]), turns(near[0, :, root][:, 3:])
    whole = (start.inv() * turns(place[:, 3:]) * turns(grasp[1][0])).magnitude()
    turned = (start.inv() * end).magnitude()
    assert (turned <= whole + 1e-5).all() and turned.max() > 0.5
    # Fingers close late.
    fingers = mug_scene.finger_qpos
    start = usual[0][:, fingers]
    expected = start + share[:, None] ** 2 * (grasp[2][0] - start)
    np.testing.assert_allclose(near[0][:, fingers], expected, atol=1e-5)


def test_a_hand_stops_before_it_is_in_anything(mug_scene, usual):
    near = on_the_way(mug_scene, usual, *grasps(mug_scene, 0.0), seed=3)
    model = mug_scene.model
    data = mujoco.MjData(model)
    thing, table = model.body("object").id, 0
    for qpos in near[0]:
        data.qpos[:] = qpos
        mujoco.mj_forward(model, data)
        for contact in data.contact:
            bodies = {int(model.geom_bodyid[g]) for g in contact.geom}
            if bodies != {thing, table}:
                assert contact.dist >= -DEPTH - 1e-6
    # The palm would be in the mug: nothing is lifted, yet hands come near.
    np.testing.assert_array_equal(heights(mug_scene, near, usual), 0)
    gone = np.linalg.norm((near - usual)[0, :, mug_scene.root_qpos][:, :3], axis=1)
    assert np.median(gone) > 0.02


def test_a_lifted_object_stays_where_it_is_in_the_hand(mug_scene, usual):
    grasp = grasps(mug_scene, 0.15)
    near = on_the_way(mug_scene, usual, *grasp, seed=3)
    lifted = heights(mug_scene, near, usual) > 0
    assert lifted.sum() > COUNT / 4
    root, place = (
        near[0, lifted][:, at] for at in (mug_scene.root_qpos, mug_scene.object_qpos)
    )
    object_frame = turns(place[:, 3:]).inv()
    np.testing.assert_allclose(
        object_frame.apply(root[:, :3] - place[:, :3]), grasp[0][0, lifted], atol=1e-5
    )
    off = (object_frame * turns(root[:, 3:])).inv() * turns(grasp[1][0, lifted])
    assert off.magnitude().max() < 1e-3


def near_task(scene, share):
    objects = scene.objects.replace(
        grasp_translation=np.array([[[0.0, 0.0, 0.12]]], np.float32),
        grasp_rotation=np.asarray(scene.hand.start_quat, np.float32)[None, None],
        grasp_joints=np.asarray(scene.hand.poses["open"], np.float32)[None, None],
        grasp_count=np.array([1], np.int32),
    )
    engine = make_engine(make_scene(scene.hand, objects), "native")
    return GraspTask(engine, GraspConfig(starts=16, near_share=share))


def test_a_share_of_the_episodes_starts_near_and_does_not_count(box_scene):
    task = near_task(box_scene, 0.25)
    keys = jax.random.split(jax.random.key(0), 512)
    worlds = jax.jit(jax.vmap(task.reset))(keys)
    counts = np.asarray(worlds.memory.counts)
    np.testing.assert_allclose(counts.mean(), 0.75, atol=4 * np.sqrt(0.25 * 0.75 / 512))
    height = np.asarray(worlds.physics.qpos)[:, box_scene.root_qpos][:, 2]
    usual = height[counts]
    np.testing.assert_allclose(usual, usual[0], atol=1e-5)
    assert (np.abs(height[~counts] - usual[0]) > 0.01).mean() > 0.5
    # How high an object lay does not depend on where it is held.
    rest = np.asarray(worlds.memory.rest_height)
    np.testing.assert_allclose(rest, rest[counts][0], atol=1e-3)
    place = np.asarray(worlds.physics.qpos)[:, box_scene.object_qpos][:, 2]
    assert place[~counts].max() > place[counts].max() + 0.1
    # A start that is asked for is a usual one.
    chosen = jax.jit(task.reset)(keys[0], 0, 3)
    assert bool(chosen.memory.counts)
    last = worlds.replace(
        memory=worlds.memory._replace(step=jnp.full(512, task.episode_steps - 1))
    )
    ended = jax.jit(jax.vmap(task.step))(last, jnp.zeros((512, task.action_size)))
    assert np.asarray(ended.truncated).all()
    np.testing.assert_array_equal(ended.metrics["episodes"], counts)


def test_without_proposals_every_start_is_usual(box_scene):
    engine = make_engine(box_scene, "native")
    task = GraspTask(engine, GraspConfig(starts=16, near_share=1.0))
    keys = jax.random.split(jax.random.key(0), 64)
    assert np.asarray(jax.jit(jax.vmap(task.reset))(keys).memory.counts).all()
