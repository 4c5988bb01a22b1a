"""Start states near a grasp, against MuJoCo C and SciPy."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.physics.choice import make_engine
from dexjax.scene import make_scene
from dexjax.tasks.grasp import Episode, GraspConfig, GraspTask
from dexjax.tasks.grasp.near_grasps import DEPTH, FARTHEST, LIFT, OPEN, near_grasps
from dexjax.tasks.grasp.settle import settle_objects

COUNT = 64


def turns(quat):
    return Rotation.from_quat(quat, scalar_first=True)


@pytest.fixture(scope="module")
def usual(mug_scene):
    return settle_objects(mug_scene, COUNT)


def grasps(scene, above):
    """A palm-down grasp, the palm above the object, fingers half closed."""
    rotation = np.asarray(scene.hand.start_quat, float)
    centre = turns(rotation).apply(scene.hand.palm_center)
    joints = np.asarray(scene.hand.poses["open"]) * 0.5 + 0.4
    grasp = np.array([0.0, 0.0, above]) - centre, rotation, joints
    return tuple(np.tile(part, (1, COUNT, 1)) for part in grasp)


def grip(scene):
    """A palm-down grasp with the object's middle between thumb and two fingertips."""
    hand, model = scene.hand, scene.model
    joints = np.array(hand.poses["grasp"])
    for i, name in enumerate(hand.joints):
        if not name.startswith("TH"):
            joints[i] += {"J2": 0.3, "J1": 0.15, "J0": 0.15}.get(name[-2:], 0.0)
    data = mujoco.MjData(model)
    data.qpos[scene.root_qpos] = [0, 0, 1, *hand.start_quat]
    data.qpos[scene.finger_qpos] = joints
    mujoco.mj_forward(model, data)
    thumb, one, two = (
        data.sensordata[scene.sensors[f"{tip}_pos"]]
        for tip in ("thtip", "fftip", "mftip")
    )
    middle = (thumb + (one + two) / 2) / 2
    grasp = np.array([0.0, 0.0, 1.0]) - middle, np.asarray(hand.start_quat), joints
    return tuple(np.tile(part, (1, COUNT, 1)) for part in grasp)


def depth(scene, qpos):
    """How deep the hand is in the object or the table, by MuJoCo C, m."""
    model = scene.model
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_forward(model, data)
    others = {model.body("object").id, 0}
    depths = [0.0]
    for contact in data.contact:
        if len({int(model.geom_bodyid[g]) for g in contact.geom} & others) == 1:
            depths.append(-contact.dist)
    return max(depths)


def in_object_frame(scene, qpos):
    """Position (COUNT, 3) and turn of the hand's root in the object's frame."""
    place, root = (qpos[0][:, at] for at in (scene.object_qpos, scene.root_qpos))
    back = turns(place[:, 3:]).inv()
    return back.apply(root[:, :3] - place[:, :3]), back * turns(root[:, 3:])


def test_a_hand_is_up_to_ten_centimetres_before_a_grasp(mug_scene, usual):
    grasp = grasps(mug_scene, 0.3)  # too high to touch anything, or to hold it
    near = near_grasps(mug_scene, usual, *grasp, seed=3)
    position, turn = in_object_frame(mug_scene, near)
    assert (turn.inv() * turns(grasp[1][0])).magnitude().max() < 1e-3
    # Straight away from the object, which is upwards here.
    back = position - grasp[0][0]
    np.testing.assert_allclose(back[:, :2], 0, atol=1e-5)
    back = back[:, 2]
    assert 0 <= back.min() < 0.1 * FARTHEST and 0.9 * FARTHEST < back.max() <= FARTHEST
    spread = 4 * np.sqrt(1 / 12 / COUNT)
    np.testing.assert_allclose(back.mean() / FARTHEST, 0.5, atol=spread)
    # The fingers are the more open the farther it is.
    fingers = mug_scene.finger_qpos
    start = usual[0][:, fingers]
    opened = np.minimum(back[:, None] / OPEN, 1.0)
    expected = grasp[2][0] + opened * (start - grasp[2][0])
    np.testing.assert_allclose(near[0][:, fingers], expected, atol=1e-4)
    place = mug_scene.object_qpos
    np.testing.assert_array_equal(near[..., place], usual[..., place])


def test_every_other_hand_has_the_object_in_a_grip(box_scene):
    """The box between four fingers and the thumb; it stays there without gravity."""
    usual = settle_objects(box_scene, COUNT)
    near = near_grasps(box_scene, usual, *grip(box_scene), seed=3)
    place = box_scene.object_qpos
    lifted = (near - usual)[0, :, place][:, 2]
    held = np.arange(COUNT) % 2 == 1
    np.testing.assert_array_equal(lifted[~held], 0)
    assert (lifted[held] > 1e-3).mean() > 0.8
    assert lifted.max() > 0.7 * LIFT
    grip_depth = [depth(box_scene, qpos) for qpos in near[0, held]]
    assert max(grip_depth) < 2e-3
    gravity = box_scene.model.opt.gravity
    np.testing.assert_array_equal(gravity, [0, 0, -9.81])


def test_a_hand_goes_back_until_it_is_in_nothing(mug_scene, usual):
    """The grasp has its palm in the mug."""
    near = near_grasps(mug_scene, usual, *grasps(mug_scene, 0.03), seed=3)
    depths = [depth(mug_scene, qpos) for qpos in near[0]]
    assert 0 < max(depths) <= DEPTH + 1e-6
    # Too far from the grasp to hold anything.
    place = mug_scene.object_qpos
    np.testing.assert_array_equal(near[..., place], usual[..., place])
    position, _ = in_object_frame(mug_scene, near)
    moved = np.abs(near - usual)[0].max(axis=1) > 1e-3
    assert moved.any()
    palm = turns(mug_scene.hand.start_quat).apply(mug_scene.hand.palm_center)
    assert (position + palm)[moved, 2].min() > 0.04


def near_task(scene, share):
    translation, rotation, joints = (
        part[:, :1].astype(np.float32) for part in grip(scene)
    )
    objects = scene.objects.replace(
        grasp_translation=translation,
        grasp_rotation=rotation,
        grasp_joints=joints,
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
    chosen = jax.jit(task.reset)(keys[0], Episode(0, 3))
    assert bool(chosen.memory.counts)
    last = worlds.replace(step=jnp.full(512, task.spec.episode_steps - 1))
    ended = jax.jit(jax.vmap(task.step))(last, jnp.zeros((512, task.spec.actions)))
    assert np.asarray(ended.truncated).all()
    np.testing.assert_array_equal(ended.metrics["episodes"], counts)


def test_without_proposals_every_start_is_usual(box_scene):
    engine = make_engine(box_scene, "native")
    task = GraspTask(engine, GraspConfig(starts=16, near_share=1.0))
    keys = jax.random.split(jax.random.key(0), 64)
    assert np.asarray(jax.jit(jax.vmap(task.reset))(keys).memory.counts).all()
