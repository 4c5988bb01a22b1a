"""Start states of the grasping task: where hand and object are, and whose they are."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation
from scripted_grasp import CONFIG, GOAL

from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.scene import make_scene
from dexjax.tasks.grasp import Episode, GraspConfig, GraspTask


def test_the_hand_starts_above_the_table_and_knows_nothing_of_the_object(
    starts, box_scene
):
    def sensed(name):
        return np.asarray(starts.physics.sensordata[:, box_scene.sensors[name]])

    np.testing.assert_allclose(sensed("palm_pos"), [[0, 0, 0.2]] * 256, atol=1e-4)
    np.testing.assert_allclose(
        sensed("palm_quat"), [box_scene.hand.start_quat] * 256, atol=1e-4
    )
    hand = np.r_[box_scene.root_qpos, box_scene.finger_qpos]
    qpos = np.asarray(starts.physics.qpos)[:, hand]
    np.testing.assert_array_equal(qpos, np.tile(qpos[:1], (256, 1)))
    assert np.abs(starts.physics.qvel).max() == 0


def test_the_object_lies_near_the_centre_in_any_direction(starts, box_scene):
    place = np.asarray(starts.physics.qpos)[:, box_scene.object_qpos]
    across, height = place[:, :2], place[:, 2]
    assert np.abs(across).max() < CONFIG.offset + 0.002
    assert (across.min(axis=0) < -0.02).all() and (across.max(axis=0) > 0.02).all()
    np.testing.assert_allclose(height, box_scene.objects.rest_height[0], atol=2e-3)
    turn = Rotation.from_quat(place[:, 3:], scalar_first=True)
    # It stands as it was dropped, turned about the vertical only, by any angle.
    np.testing.assert_allclose(turn.apply([0, 0, 1])[:, 2], 1, atol=1e-3)
    counts, _ = np.histogram(turn.as_euler("xyz")[:, 2], 8, (-np.pi, np.pi))
    assert (counts > 0).all()
    distance = np.linalg.norm(place[:, :3] - GOAL, axis=1)
    assert (distance > 0.05).all()


def with_proposals(objects, seed, count=5):
    rng = np.random.default_rng(seed)
    turns = Rotation.random(count, rng=rng).as_quat(scalar_first=True)
    return objects.replace(
        grasp_translation=rng.normal(size=(1, count, 3)).astype(np.float32),
        grasp_rotation=turns[None].astype(np.float32),
        grasp_joints=rng.uniform(0, 1, (1, count, 22)).astype(np.float32),
        grasp_count=np.array([count], np.int32),
    )


def test_no_grasp_proposal_leaks_into_the_start(box_scene):
    objects = box_scene.objects
    resets = []
    for own in (objects, with_proposals(objects, 0), with_proposals(objects, 1, 9)):
        scene = make_scene(box_scene.hand, own)
        task = GraspTask(make_engine(scene, "native"), GraspConfig(starts=8))
        keys = jax.random.split(jax.random.key(0), 32)
        resets.append(jax.jit(jax.vmap(task.reset))(keys))
    for other in resets[1:]:
        for one, two in zip(
            jax.tree.leaves((resets[0].physics, resets[0].obs)),
            jax.tree.leaves((other.physics, other.obs)),
            strict=True,
        ):
            np.testing.assert_array_equal(one, two)
    # They are there all the same, for the reward: that which the hand is turned most
    # nearly like as the object lies.
    scene = make_scene(box_scene.hand, with_proposals(objects, 0))
    qpos = np.asarray(resets[1].physics.qpos)
    hand, thing = (
        Rotation.from_quat(qpos[:, at][:, 3:], scalar_first=True)
        for at in (scene.root_qpos, scene.object_qpos)
    )
    turns = Rotation.from_quat(scene.objects.grasp_rotation[0], scalar_first=True)
    angles = [(hand.inv() * thing * turn).magnitude() for turn in turns]
    expected = np.argmin(angles, axis=0)
    np.testing.assert_array_equal(resets[1].memory.proposal, expected)
    assert len(set(expected.tolist())) > 1


def test_start_states_do_not_depend_on_the_batches(box_scene, monkeypatch):
    engine, config = make_engine(box_scene, "native"), GraspConfig(starts=8)
    whole = GraspTask(engine, config)._starts._usual
    monkeypatch.setattr("dexjax.tasks.grasp.starts._BATCH", 3)
    for one, two in zip(
        jax.tree.leaves(whole),
        jax.tree.leaves(GraspTask(engine, config)._starts._usual),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


def test_a_fresh_task_has_whole_episodes_and_starts_of_its_own(task):
    config = dataclasses.replace(
        CONFIG, starts=4, enough_steps=30, retry_share=0.5, near_share=0.5
    )
    training = GraspTask(task.engine, config)
    fresh, again, other = (training.fresh(3, seed) for seed in (0, 0, 1))
    assert fresh.config == dataclasses.replace(CONFIG, starts=3)
    places = [
        np.asarray(own._starts._usual.qpos) for own in (training, fresh, again, other)
    ]
    np.testing.assert_array_equal(places[1], places[2])
    for one, two in ((0, 1), (0, 3), (1, 3)):
        assert not np.isin(places[one][0, :, -7], places[two][0, :, -7]).any()


def test_an_episode_is_of_the_object_and_start_that_it_says():
    scene = make_scene(load_hand(), load_objects(["mug", "box"]))
    task = GraspTask(
        make_engine(scene, "native"), dataclasses.replace(CONFIG, starts=3)
    )
    every = task.episodes()
    assert list(zip(*every, strict=True)) == [(i, s) for i in (0, 1) for s in range(3)]
    some = task.episodes(2)
    assert list(zip(*some, strict=True)) == [(i, s) for i in (0, 1) for s in range(2)]
    keys = jax.random.split(jax.random.key(0), 6)
    worlds = jax.jit(jax.vmap(task.reset))(keys, Episode(*map(jnp.asarray, every)))
    np.testing.assert_array_equal(worlds.physics.object_id, every.object_id)
    expected = np.asarray(task._starts._usual.qpos).reshape(6, -1)
    np.testing.assert_array_equal(worlds.physics.qpos, expected)
