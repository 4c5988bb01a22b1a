"""A policy of depth cameras from its training to its use."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

import dexjax
from dexjax.errors import DexjaxError
from dexjax.networks.vision import CameraActor
from dexjax.runs.measure import Where
from dexjax.runs.run import Budget
from dexjax.runs.stored import load_stored
from dexjax.systems.depth.controls import Misled, measure_controls
from dexjax.systems.depth.policy import train_depth
from dexjax.systems.depth.presets import depth_preset


def smoke(folder, **changes):
    run = depth_preset("smoke")
    scene = dataclasses.replace(run.scene, object="box")
    task = dataclasses.replace(run.task, starts=4, episode_steps=40)
    budget = Budget(env_steps=64 * 16 * 2, eval_episodes=8)
    return dataclasses.replace(
        run, scene=scene, task=task, budget=budget, out=folder, **changes
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("depth") / "box"
    return folder, train_depth(smoke(folder))


def test_a_training_ends_with_a_summary(trained):
    _, summary = trained
    assert summary["env_steps"] == 64 * 16 * 2
    assert summary["episodes"] == 8
    assert 0 <= summary["success_held"] <= 1


def test_its_policy_acts_on_images_as_it_did(trained):
    folder, _ = trained
    stored = load_stored(folder)
    network = stored.policy.network
    assert isinstance(network, CameraActor) and network.concurrent
    assert network.sees == ("proprioception", "previous_action", "depth")
    (image,) = [own for own in stored.spec.observations if own.is_image]
    assert image.shape == (2, 16, 16)
    rng = np.random.default_rng(0)
    obs = {
        own.name: rng.integers(0, 255, (3, *own.shape)).astype(own.dtype)
        for own in stored.spec.observations
    }
    one, _ = stored.act(obs, stored.init(3), jax.random.key(0))
    other, _ = stored.act(obs | {"depth": 255 - obs["depth"]}, stored.init(3))
    assert one.shape == (3, 24)
    assert np.abs(np.asarray(one - other)).max() > 1e-6
    # As the library gives it, in the task as it was trained for.
    policy = dexjax.load(folder)
    again, _ = policy.act(obs, stored.init(3))
    np.testing.assert_array_equal(one, again)
    task = dexjax.make("grasp", objects="box", sees=policy, starts=2)
    assert task.spec.observation("depth").shape == (2, 16, 16)


def test_controls_say_what_images_are_good_for(trained):
    stored = load_stored(trained[0])
    rows = measure_controls(stored, Where(episodes=4))
    images = [row["images"] for row in rows]
    assert images == ["its own", "another world's", "none of front", "none of palm"]
    assert all(row["episodes"] == 4 for row in rows)
    assert {row["resolution"] for row in rows} == {"16x16"}


def test_a_misled_policy_gets_what_it_is_said_to_get():
    class Echo(struct.PyTreeNode):
        spec: None = None

        def init(self, batch):
            return ()

        def act(self, obs, carry, key=None):
            return obs["depth"], carry

    images = np.arange(3 * 2 * 4 * 4, dtype=np.uint8).reshape(3, 2, 4, 4)
    blank = jnp.full((2, 4, 4), 200, jnp.uint8)
    seen, _ = Misled(Echo(), blank, others=True).act({"depth": images}, ())
    np.testing.assert_array_equal(seen, images[[2, 0, 1]])
    seen, _ = Misled(Echo(), blank, covered=1).act({"depth": images}, ())
    np.testing.assert_array_equal(seen[:, 0], images[:, 0])
    assert (np.asarray(seen[:, 1]) == 200).all()


def test_a_policy_that_is_told_of_the_object_is_refused(tmp_path):
    run = smoke(tmp_path / "leak")
    task = dataclasses.replace(run.task, relative=True)
    with pytest.raises(DexjaxError, match="'relative' is for critics"):
        train_depth(dataclasses.replace(run, task=task))
    task = dataclasses.replace(run.task, observation="full")
    with pytest.raises(DexjaxError, match="one kind of image"):
        train_depth(dataclasses.replace(run, task=task))
