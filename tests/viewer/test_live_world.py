"""A world that is watched: it does what the task does, and what a person wishes."""

import numpy as np
import pytest
from puppet import Puppet

import dexjax
from dexjax.errors import DexjaxError
from dexjax.policies.policy import Command
from dexjax.runs.measure import Where
from dexjax.spec import PolicySpec
from dexjax.viewer.live_world import LiveWorld
from dexjax.viewer.worlds import live_world, loader, newer

WHERE = Where("mug,can", engine="native")


@pytest.fixture(scope="module")
def stored():
    return dexjax.load("resdex/mug")


@pytest.fixture(scope="module")
def world(stored):
    return live_world(stored, WHERE, seed=0)


def test_a_policy_grasps_and_is_counted(world):
    world.choose(0, seed=0)
    for _ in range(2 * world.task.spec.episode_steps + 2):
        world.step()
    assert world.tally.episodes == 2 and world.tally.broken == 0
    assert world.tally.outcomes["reached"] == 2
    assert world.seed == 2 and int(world.state.step) == 0


def test_a_seed_is_an_episode(world):
    """The same by the task itself, without the page's world."""
    world.choose(1, seed=3)
    first = [np.array(world.state.physics.qpos)]
    for _ in range(20):
        world.step()
        first.append(np.array(world.state.physics.qpos))
    world.reset(4)
    assert np.abs(np.array(world.state.physics.qpos) - first[0]).max() > 1e-3
    world.reset(3)
    for qpos in first[1:]:
        world.step()
        np.testing.assert_array_equal(world.state.physics.qpos, qpos)
    assert int(world.state.physics.object_id) == 1


def test_a_push_is_felt_at_once(world):
    """In the air, where nothing else but gravity acts."""
    world.choose(0, seed=0)
    step = world.model.opt.timestep
    place = world.scene.qpos_of("object").start
    physics = world.state.physics
    lifted = physics._replace(qpos=physics.qpos.at[place + 2].add(1.0))
    world.state = world.state.replace(physics=lifted)
    push = np.array([0.2, -0.1, 0.3])
    world.push(push)
    world.step()
    steps = world.task.engine.substeps
    speeds = world.scene.qvel_of("object")
    found = np.array(world.state.physics.qvel[speeds][:3])
    fallen = [0, 0, -9.81 * step * steps]
    np.testing.assert_allclose(found, push + fallen, atol=2e-4)
    before = found
    world.step()
    found = np.array(world.state.physics.qvel[speeds][:3])
    np.testing.assert_allclose(found, before + fallen, atol=2e-4)


def test_without_its_policy_the_hand_keeps_its_command(world):
    world.choose(0, seed=0)
    world.step()
    last = np.array(world.state.memory.previous_action)
    world.acts = False
    world.step()
    np.testing.assert_array_equal(world.state.memory.previous_action, last)
    world.acts = True
    world.step()
    assert np.abs(np.array(world.state.memory.previous_action) - last).max() > 1e-3


def test_fingertips_feel_what_they_touch(world):
    """A held mug weighs on them; in the air they carry but their own links."""
    world.choose(0, seed=0)
    places, resting = world.fingertips()
    for _ in range(150):
        world.step()
    _, holding = world.fingertips()
    assert np.linalg.norm(resting, axis=1).max() < 1.5
    assert np.linalg.norm(holding, axis=1).max() > 2.0
    assert places.shape == (5, 3) and (places[:, 2] > 0).all()


def test_a_command_reaches_the_policy(world):
    spec = PolicySpec.of(world.task.spec, ())
    puppet = Puppet(spec, (Command("bend", start=0.25),))
    live = LiveWorld(world.task, puppet)
    live.step()
    assert float(live.state.memory.previous_action[6]) == 0.25
    live.tell({"bend": -0.5})
    live.step()
    assert float(live.state.memory.previous_action[6]) == -0.5
    live.reset(1)  # What was said holds in the next episode.
    live.step()
    assert float(live.state.memory.previous_action[6]) == -0.5


OTHERS = ("/etc/passwd", "mug,x.stl", "", "mugg", "core-a@0.06")


@pytest.mark.parametrize("names", OTHERS)
def test_a_page_makes_nothing_but_what_is_built_in(stored, names):
    with pytest.raises(DexjaxError, match="built in"):
        loader(stored, WHERE)(names)


def test_too_many_objects_are_refused_before_they_are_made(stored):
    """3,200 would take minutes."""
    with pytest.raises(DexjaxError, match="3202 objects: a page lists at most 64"):
        loader(stored, WHERE)("mug,everyday/train,can:2")


def test_a_finished_run_has_nothing_newer(stored):
    assert newer(stored) is None
