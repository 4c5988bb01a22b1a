"""A hand that is turned and whose fingertips are dragged, without a page."""

import dataclasses
import json

import mujoco
import numpy as np
import pytest

from dexjax.cli.view import run
from dexjax.errors import DexjaxError
from dexjax.policies.prompt import FARTHEST_M
from dexjax.runs.measure import Where
from dexjax.runs.stored import load_stored
from dexjax.viewer.palm.recording import read_recording
from dexjax.viewer.palm.replay import held, replayed
from dexjax.viewer.worlds import live_world

WHERE = Where(engine="native")
STEPS = 12


@pytest.fixture(scope="module")
def world(controller_folder):
    return live_world(load_stored(controller_folder), WHERE, 0)


@pytest.fixture(scope="module")
def expert(expert_folder):
    return live_world(load_stored(expert_folder), WHERE, 0)


@pytest.fixture(autouse=True)
def afresh(world):
    world.reached.clear()
    world.wanted = {own.name: own.start for own in world.commands}
    world.choose(0, 0)


def object_speed(world):
    place = world.scene.qvel_of("object").start
    return np.array(world.state.physics.qvel[place : place + 3])


def lift(world):
    """Puts the object where nothing but gravity acts."""
    place = world.scene.qpos_of("object").start
    physics = world.state.physics
    qpos = physics.qpos.at[place : place + 3].add(1.0)
    world.state = world.state.replace(physics=physics._replace(qpos=qpos))


def test_it_goes_on_until_the_object_drops(world):
    config = world.task.config
    assert config.turn_every == 0 and config.episode_steps == 100_000
    assert world.names == ("cube", "bar") and world.turns == ("palm up", "thumb up")
    assert world.step_s == pytest.approx(0.1)
    world.step()
    lift(world)
    world.step()
    assert "dropped after **0.2 s**" in world.report()
    world.step()
    assert "held **0.0 s**; drops before: **1**" in world.report()


def test_a_dragged_tip_goes_where_it_is_dragged(world):
    """Without an object; in some directions the joints' limits are in the way."""
    thumb, missed = 3, []
    for way in 0.01 * np.vstack([np.eye(3), -np.eye(3)]):
        world.choose(0, 0)
        lift(world)
        world.wanted["on"] = 0.0
        start, _ = world.fingertips()
        world.reached[thumb] = start[thumb] + way
        for _ in range(STEPS):
            no = world.state.terminated & False
            world.state = world.state.replace(terminated=no)
            world.step()
        now, _ = world.fingertips()
        missed.append(np.linalg.norm(now[thumb] - start[thumb] - way))
    assert np.median(missed) < 0.002 and np.sum(np.array(missed) < 0.004) >= 4


def test_an_offset_is_the_way_there_in_the_palms_frame(world):
    model, data = world.model, mujoco.MjData(world.model)
    mujoco.mj_kinematics(model, data)
    out = data.site("palm_center").xmat.reshape(3, 3)
    tips, _ = world.fingertips()
    way = np.array([0.01, -0.005, 0.002])
    world.reached.update({1: tips[1] + way, 2: tips[2] + 30 * way})
    found = world.offsets()
    np.testing.assert_allclose(out @ found[1], way, atol=1e-6)
    assert np.linalg.norm(found[2]) == pytest.approx(FARTHEST_M)
    assert not found[[0, 3]].any()


def test_a_turn_of_the_palm_turns_gravity_and_nothing_else(world):
    world.step()
    step, before = int(world.state.step), np.array(world.state.physics.qpos)
    assert world.turn == "palm up"
    world.take_turn("thumb up")
    np.testing.assert_array_equal(world.state.physics.qpos, before)
    assert int(world.state.step) == step and world.index == 0
    np.testing.assert_allclose(world.gravity, [0, 1, 0], atol=1e-6)
    lift(world)
    speed = object_speed(world)
    world.step()
    fallen = object_speed(world) - speed
    np.testing.assert_allclose(fallen, [0, 0.981, 0], atol=1e-3)
    with pytest.raises(DexjaxError, match="'palm down': choose from palm up, thumb up"):
        world.take_turn("palm down")


def recorded(world):
    """A recording in which everything changes, and where the world was meanwhile."""
    world.choose(1, 3)
    world.record()
    seen = []
    for step in range(STEPS):
        tips, _ = world.fingertips()
        if step == 2:
            world.reached[0] = tips[0] + (0.0, 0.004, 0.003)
        if step == 5:
            world.wanted |= {"on": 0.0, "guidance": 0.7, "mode": 1.0}
        if step == 7:
            world.reached.clear()
            world.take_turn("thumb up")
        if step == 9:
            world.push(np.array([0.01, 0.0, -0.02]))
        world.step()
        if bool(world.state.terminated):
            break
        seen.append(np.array(world.state.physics.qpos))
    assert len(seen) > 8
    return world.recording(), seen


def test_a_recording_is_done_again_exactly(world, tmp_path):
    recording, seen = recorded(world)
    file = tmp_path / "prompts.json"
    file.write_text(recording.text())
    read = read_recording(file)
    assert read == recording and (read.object, read.seed) == ("bar", 3)
    for _ in range(2):
        np.testing.assert_array_equal([*replayed(world, read)], seen)
    off = [*replayed(world, read, on=False)]
    assert np.abs(np.array(off[2]) - seen[2]).max() > 1e-3


def test_the_command_line_says_how_long_it_is_held(world, controller_folder, tmp_path):
    recording, seen = recorded(world)
    file = tmp_path / "prompts.json"
    file.write_text(recording.text())
    found = run([str(controller_folder), "--replay", str(file)])
    assert found["as_recorded_s"] == pytest.approx(len(seen) * 0.1)
    assert found["recorded_s"] == pytest.approx(len(recording.rows) * 0.1)
    assert found["on_s"] > 0 and found["off_s"] > 0


def test_recordings_of_something_else_are_refused(world, expert):
    recording, _ = recorded(world)
    with pytest.raises(DexjaxError, match="told to controller 0123, this is"):
        held(world, dataclasses.replace(recording, policy="0123"))
    with pytest.raises(DexjaxError, match="with 'mug', the world has cube, bar"):
        held(world, dataclasses.replace(recording, object="mug"))
    with pytest.raises(DexjaxError, match="told to a controller: this policy is none"):
        held(expert, recording)


BAD = {
    "not JSON": lambda told: "prompts",
    "no rows": lambda told: json.dumps(told | {"rows": []}),
    "no seed": lambda told: json.dumps(told | {"seed": 10**30}),
    "another step": lambda told: spoilt(told, step=7),
    "not a number": lambda told: spoilt(told, guidance=float("nan")),
    "too far": lambda told: spoilt(told, command=[[9.0, 0, 0]] * 4),
    "unknown mode": lambda told: spoilt(told, mode=5),
    "more than there is": lambda told: spoilt(told, speed=1.0),
}


def spoilt(told, **changes):
    first, *others = told["rows"]
    return json.dumps(told | {"rows": [first | changes, *others]})


@pytest.mark.parametrize("how", BAD)
def test_damaged_recordings_are_refused(world, tmp_path, how):
    world.record()
    world.step()
    file = tmp_path / "prompts.json"
    file.write_text(BAD[how](json.loads(world.recording().text())))
    with pytest.raises(DexjaxError, match="is no recording of prompts") as caught:
        read_recording(file)
    assert "\n" not in str(caught.value)


def test_nothing_recorded_is_refused(world, controller_folder, tmp_path):
    other = live_world(load_stored(controller_folder), WHERE, 0)
    with pytest.raises(DexjaxError, match="nothing is recorded: press record"):
        other.recording()
    with pytest.raises(DexjaxError, match="cannot read .*No such file"):
        read_recording(tmp_path / "none.json")


def test_an_expert_that_does_not_act_keeps_its_grasp(expert):
    expert.choose(0, 0)
    expert.step()
    targets = np.array(expert.state.memory.targets)
    expert.acts = False
    expert.step()
    np.testing.assert_allclose(expert.state.memory.targets, targets, atol=0.02)
    assert not np.array(expert.state.memory.action).any()
    expert.acts = True


def test_the_goal_of_an_expert_is_where_the_task_would_put_it(expert):
    expert.choose(1, 2)
    position, quaternion = expert.goal_pose()
    placed = expert.task.sight.place(expert.state.memory.goal)
    expected = placed[expert.scene.object_qpos]
    np.testing.assert_allclose(position, expected[:3], atol=1e-6)
    assert abs(quaternion @ expected[3:]) == pytest.approx(1.0, abs=1e-5)
