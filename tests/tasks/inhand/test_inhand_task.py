"""The in-hand task against MuJoCo C and against what its parts say."""

import dataclasses

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from dexjax.grasps.sets.grasp_set import to_simulation
from dexjax.grasps.sets.palm import SUBSTEPS, drawn_physics, palm_pose, palm_scene
from dexjax.hands import load_hand
from dexjax.hands.finger_state import finger_keypoints, hand_state
from dexjax.physics.choice import make_engine
from dexjax.systems.dexgen.trials import simple
from dexjax.tasks.inhand import Episode, InhandConfig, InhandTask
from dexjax.tasks.inhand.goals import Grasp, errors
from dexjax.tasks.inhand.noise import Noise
from dexjax.tasks.inhand.observations import Sight, gravities, shapes

STILL = InhandConfig(turn_every=0, episode_steps=40, goal_steps=30)
WORLDS = 16


def worlds_of(task, seed=0):
    keys = jax.random.split(jax.random.key(seed), WORLDS)
    return jax.jit(jax.vmap(task.reset))(keys)


@pytest.fixture(scope="module")
def task(palm_engine, grasp_sets):
    return InhandTask(palm_engine, STILL, grasp_sets)


@pytest.fixture(scope="module")
def begun(task):
    return worlds_of(task)


@pytest.fixture(scope="module")
def advance(task):
    return jax.jit(jax.vmap(task.advance))


def held(task, state):
    seen = jax.vmap(task.sight.see)(state.physics)
    targets = state.memory.targets
    return Grasp(seen.position, seen.quaternion, seen.joints, targets)


def test_an_episode_starts_as_the_set_has_the_grasp(task, grasp_sets, palm_engine):
    simulated = to_simulation(palm_engine.scene, grasp_sets)
    episode = task.episodes(6)
    keys = jax.random.split(jax.random.key(0), 12)
    state = jax.jit(jax.vmap(task.reset))(keys, jax.tree.map(jnp.asarray, episode))
    for model, qpos in zip(state.physics.object_id, state.physics.qpos, strict=True):
        own = simulated.subset(simulated.model == int(model))
        # A quaternion and its negative are one turn.
        both = np.stack([own.qpos, own.qpos * np.where(np.arange(23) > 18, -1, 1)])
        assert np.abs(both - np.asarray(qpos)).max(axis=-1).min() < 1e-5


def test_what_is_seen_is_what_mujoco_says(task, palm_engine):
    scene = palm_engine.scene
    model, data = scene.models[1], mujoco.MjData(scene.models[1])
    rng = np.random.default_rng(0)
    low, high = scene.hand.joint_range.T
    data.qpos[scene.finger_qpos] = rng.uniform(low, high)
    quat = rng.normal(size=4)
    place = [0.02, -0.01, 0.35, *(quat / np.linalg.norm(quat))]
    data.qpos[scene.object_qpos] = place
    data.qvel[:] = rng.normal(size=model.nv)
    mujoco.mj_forward(model, data)
    state = palm_engine.reset(
        jnp.asarray(data.qpos), jnp.asarray(data.qvel), jnp.array(1)
    )
    seen = Sight(scene).see(state)
    centre, turn = palm_pose(scene)
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, turn)
    axes = axes.reshape(3, 3)
    body = data.body("object")
    near = dict(atol=2e-5)
    np.testing.assert_allclose(seen.position, axes.T @ (body.xpos - centre), **near)
    for tip, found in zip(scene.hand.fingertips, seen.tips, strict=True):
        expected = axes.T @ (data.site(tip).xpos - centre)
        np.testing.assert_allclose(found, expected, **near)
    velocity = data.sensor("object_linvel").data
    np.testing.assert_allclose(seen.velocity, axes.T @ velocity, **near)
    turning = data.sensor("object_angvel").data
    np.testing.assert_allclose(seen.turning, axes.T @ turning, atol=1e-4)
    np.testing.assert_allclose(
        gravities(scene)[1], axes.T @ model.opt.gravity / 9.81, atol=1e-6
    )


def test_a_shape_is_how_far_it_extends(two_objects):
    found = shapes(two_objects)
    assert found.shape == (2, 26)
    # Half of a cube's edge along its axes, half of its diagonal along that; a hull's
    # vertices are drawn apart by a fraction of a millimetre.
    assert found[0].max() == pytest.approx(0.028 * 3**0.5 / 0.05, rel=0.01)
    assert found[0].min() == pytest.approx(0.028 / 0.05, rel=0.01)


def test_goals_are_out_of_tolerance_and_within_reach(task, begun):
    apart = errors(held(task, begun), begun.memory.goal)
    away = np.asarray(apart.of_object)
    assert (away > 0).all()
    inside = (np.asarray(apart.place) <= 0.01) & (np.asarray(apart.turn) <= 0.2)
    assert not inside.any()
    np.testing.assert_allclose(
        begun.memory.potential,
        -(np.minimum(away, 3.0) + 0.5 * np.asarray(apart.joints) / 0.3),
        rtol=1e-4,
    )


def test_doing_nothing_holds_and_earns_nothing(task, begun, advance):
    state, total = begun, np.zeros(WORLDS)
    for _ in range(29):
        state = advance(state, jnp.zeros((WORLDS, 16)))
        total += np.asarray(state.reward)
    assert not np.asarray(state.terminated).any()
    # Some grasps creep, none towards its goal.
    assert np.median(np.abs(total)) < 0.3 and total.max() < 0.6
    # The goal has not changed: progress adds up to the change of the potential.
    moved = state.memory.potential - begun.memory.potential
    np.testing.assert_allclose(total, moved, atol=0.05)
    late = advance(state, jnp.zeros((WORLDS, 16)))
    assert np.asarray(late.metrics["timeouts"]).all()
    assert not np.asarray(late.memory.first).any()
    assert not np.asarray(late.memory.goal_steps).any()


def test_a_goal_that_is_held_is_reached_in_two_steps(task, begun, advance):
    here = held(task, begun)
    zero = jnp.zeros(WORLDS)
    memory = begun.memory._replace(goal=here, potential=zero)
    state = advance(begun.replace(memory=memory), jnp.zeros((WORLDS, 16)))
    assert not np.asarray(state.metrics["goals"]).any()
    state = advance(state, jnp.zeros((WORLDS, 16)))
    assert np.asarray(state.metrics["goals"]).mean() > 0.9
    np.testing.assert_array_equal(state.memory.reached, state.metrics["goals"] > 0)
    assert np.asarray(state.reward)[np.asarray(state.memory.reached)].min() > 4.5


def test_an_open_hand_drops_what_it_held_and_the_episode_ends(task, begun, advance):
    """With the thumb up everything falls out of it."""
    state, dropped = begun, np.zeros(WORLDS, bool)
    worst = np.zeros(WORLDS)
    for _ in range(25):
        state = advance(state, -jnp.ones((WORLDS, 16)))
        now = np.asarray(state.metrics["drops"]) > 0
        assert (np.asarray(state.terminated) == now).all()
        worst = np.where(now & ~dropped, np.asarray(state.reward), worst)
        dropped |= now
    up = np.asarray(begun.physics.object_id) % 2 == 1
    assert up.any() and dropped[up].all()
    assert worst[dropped].max() < -1.0
    again = jax.vmap(task.restart)(state)
    assert (np.linalg.norm(held(task, again).position, axis=-1) < 0.07).all()


def test_targets_keep_near_the_joints_and_in_their_limits(task, begun, advance):
    state = begun
    for _ in range(5):
        before = np.asarray(held(task, state).joints)
        state = advance(state, jnp.ones((WORLDS, 16)))
        targets = np.asarray(state.memory.targets)
        low, high = np.asarray(task.hand.joint_range).T
        assert (targets <= high + 1e-6).all() and (targets >= low - 1e-6).all()
        assert (targets - before <= 0.5 + 1e-5).all()


def test_the_history_holds_the_last_four_states(task, begun, advance):
    state, states = begun, []
    read = hand_state(task.hand)
    rng = np.random.default_rng(0)
    for _ in range(4):
        action = jnp.asarray(rng.uniform(-0.3, 0.3, (WORLDS, 16)))
        state = advance(state, action)
        states.append(read(held(task, state).joints, state.memory.targets))
    expected = np.stack(states, axis=1).reshape(WORLDS, -1)
    np.testing.assert_allclose(state.obs["hand_history"], expected, atol=1e-5)
    # Of it the policy sees joints and leads.
    told = np.asarray(state.obs["hand_history"]).reshape(WORLDS, 4, -1)
    parts = np.concatenate([told[..., 12:28], told[..., 44:]], axis=-1)
    np.testing.assert_array_equal(
        state.obs["proprioception"], parts.reshape(WORLDS, -1)
    )
    forces = np.asarray(state.obs["force_history"])[:, -12:]
    np.testing.assert_array_equal(forces, state.obs["touch"])
    assert forces.any()


def test_the_palm_turns_with_the_object_in_it(palm_engine, grasp_sets):
    config = dataclasses.replace(STILL, turn_every=2)
    task = InhandTask(palm_engine, config, grasp_sets)
    state = worlds_of(task)
    step = jax.jit(jax.vmap(task.step))
    turns = 0
    for _ in range(6):
        after = step(state, jnp.zeros((WORLDS, 16)))
        going_on, before_goal = ~np.asarray(after.done), state.memory.goal
        before_id, after_id = (np.asarray(s.physics.object_id) for s in (state, after))
        assert (before_id // 2 == after_id // 2)[going_on].all()
        turned = (before_id != after_id) & going_on
        turns += turned.sum()
        gravity = np.asarray(after.obs["gravity"])
        np.testing.assert_array_equal(gravity, gravities(palm_engine.scene)[after_id])
        # The goal stays when the palm turns.
        stays = turned & (np.asarray(after.metrics["goals"]) == 0)
        for one, other in zip(before_goal, after.memory.goal, strict=True):
            np.testing.assert_array_equal(one[stays], np.asarray(other)[stays])
        state = after
    assert 20 < turns < 80


def test_some_episodes_of_a_training_are_without_turns(palm_engine, grasp_sets):
    config = dataclasses.replace(
        STILL, turn_every=1, still_share=0.5, rotation_share=0.5
    )
    task = InhandTask(palm_engine, config, grasp_sets)
    before = worlds_of(task)
    after = jax.jit(jax.vmap(task.advance))(before, jnp.zeros((WORLDS, 16)))
    still = np.asarray(before.memory.still)
    assert 0 < still.sum() < WORLDS
    turned = np.asarray(before.physics.object_id != after.physics.object_id)
    np.testing.assert_array_equal(turned, ~still)
    assert 0 < np.asarray(before.memory.mode).sum() < WORLDS
    fresh = worlds_of(task.fresh(1, 0)).memory
    assert not np.asarray(fresh.still).any() and not np.asarray(fresh.mode).any()


def test_free_fingers_go_to_the_joints_of_a_grasp(palm_engine, grasp_sets):
    config = dataclasses.replace(STILL, free_share=1.0)
    task = InhandTask(palm_engine, config, grasp_sets)
    replay = simple("straight", task)
    state = worlds_of(task)
    advance = jax.jit(jax.vmap(task.advance))
    goals = 0
    for _ in range(25):
        action, _ = replay.act(state.obs, ())
        state = advance(state, action)
        goals += np.asarray(state.metrics["goals"]).sum()
        # The object is out of reach and stays there.
        np.testing.assert_allclose(held(task, state).position, [[0, 0, 0.3]] * WORLDS)
        assert not np.asarray(state.terminated).any()
    assert goals > 1.5 * WORLDS
    assert not np.asarray(worlds_of(task.fresh(1, 0)).memory.free).any()


def test_readings_of_the_joints_are_noisy(palm_engine, grasp_sets):
    config = dataclasses.replace(STILL, noise=1.0)
    task = InhandTask(palm_engine, config, grasp_sets)
    state = worlds_of(task)
    step = jax.jit(jax.vmap(task.step))
    for _ in range(4):
        state = step(state, jnp.zeros((WORLDS, 16)))
    joints = np.asarray(held(task, state).joints)
    read = np.asarray(state.obs["hand_history"]).reshape(WORLDS, 4, -1)[:, -1, 12:28]
    assert 0.02 < (read - joints).std() < 0.035


def test_pushes_speed_the_object_up_and_joints_start_a_little_off(
    palm_engine, grasp_sets
):
    calm = InhandTask(palm_engine, STILL, grasp_sets)
    rough = InhandTask(palm_engine, dataclasses.replace(STILL, noise=1.0), grasp_sets)
    one, other = worlds_of(calm), worlds_of(rough)
    bent = np.asarray(other.physics.qpos - one.physics.qpos)[:, calm.sight._fingers]
    assert 0.04 < np.abs(bent).max() <= 0.0501
    # A speed is given before each step, as a force gives it within a step of 0.1 s.
    push = jnp.array([1.0, -2.0, 0.5])
    memory = one.memory._replace(push=jnp.tile(push, (WORLDS, 1)))
    hard = jax.jit(jax.vmap(rough.advance))
    after = hard(one.replace(memory=memory), jnp.zeros((WORLDS, 16)))
    assert np.abs(np.asarray(after.memory.push)).max() > 0
    pushed = jax.vmap(lambda own: calm.sight.pushed(own, 0.1 * push))(one.physics)
    moved = np.asarray(pushed.qvel - one.physics.qvel)
    start = palm_engine.scene.qvel_of("object").start
    np.testing.assert_allclose(
        moved[:, start : start + 3], [[0.1, -0.2, 0.05]] * WORLDS, atol=1e-6
    )
    assert not np.delete(moved, range(start, start + 3), axis=1).any()


def test_pushes_come_with_a_chance_and_die_away():
    noise = Noise(1.0)
    keys = jax.random.split(jax.random.key(0), 4000)
    before = jnp.array([3.0, 0.0, 0.0])
    after = np.asarray(jax.vmap(lambda key: noise.push(key, before))(keys))
    kept = np.isclose(after, 0.99 * before).all(axis=1)
    assert kept.mean() == pytest.approx(0.8, abs=0.02)
    # The mean square of U(1, 2) is 7 / 3.
    assert np.square(after[~kept]).mean() == pytest.approx(7 / 3, rel=0.1)
    assert not np.asarray(Noise(0.0).push(keys[0], jnp.zeros(3))).any()


def test_every_object_may_have_several_physics(grasp_sets, two_objects):
    turns = grasp_sets.turns
    physics = drawn_physics(3, float(two_objects.mass.mean()), seed=0)
    scene = palm_scene(load_hand("allegro"), two_objects, turns, physics)
    task = InhandTask(make_engine(scene, "native", SUBSTEPS), STILL, grasp_sets)
    assert len(scene.models) == 2 * 3 * 2 and task.objects.names == ("cube", "bar")
    state = jax.jit(jax.vmap(task.reset))(jax.random.split(jax.random.key(0), 256))
    model = np.asarray(state.physics.object_id)
    assert len(np.unique(model)) == 12
    mass = np.array([m.body("object").mass[0] for m in scene.models]).reshape(2, 3, 2)
    assert (mass[..., 0] == mass[..., 1]).all() and len(np.unique(mass[0])) == 3
    # The palm turns, the object and its physics stay.
    turned = jax.vmap(task.bank.turned)(jax.random.split(jax.random.key(1), 256), model)
    np.testing.assert_array_equal(np.asarray(turned) // 2, model // 2)
    assert (np.asarray(turned) != model).all()
    np.testing.assert_array_equal(task.bank.object_of(model), model // 6)
    np.testing.assert_array_equal(
        state.obs["gravity"], gravities(scene)[model], strict=False
    )
    for each in physics[1:]:
        assert 0.5 <= each.friction <= 1.2 and 0.8 <= each.gain <= 1.1


def test_episodes_of_an_evaluation_take_each_object_and_different_grasps(task):
    episode = task.episodes(5)
    assert isinstance(episode, Episode)
    assert episode.object_id.tolist() == [0] * 5 + [1] * 5
    keys = jax.random.split(jax.random.key(0), 10)
    state = jax.vmap(task.reset)(keys, jax.tree.map(jnp.asarray, episode))
    assert len(np.unique(np.asarray(state.physics.qpos), axis=0)) == 10
    np.testing.assert_array_equal(state.physics.object_id // 2, episode.object_id)


def test_two_keypoints_of_a_finger_are_its_middle_joint_and_its_tip():
    """Against MuJoCo C, for a hand with coupled joints as well."""
    for name in ("allegro", "shadow"):
        hand = load_hand(name)
        model = mujoco.MjModel.from_xml_path(str(hand.xml))
        data = mujoco.MjData(model)
        low, high = hand.joint_range.T
        joints = np.random.default_rng(0).uniform(low, high)
        for joint, angle in zip(hand.joints, joints, strict=True):
            data.joint(joint).qpos = angle
        mujoco.mj_kinematics(model, data)
        palm = data.site("palm_center")
        axes = palm.xmat.reshape(3, 3)
        found = finger_keypoints(hand, 2)(jnp.asarray(joints))
        for i, tip in enumerate(hand.fingertips):
            expected = axes.T @ (data.site(tip).xpos - palm.xpos)
            np.testing.assert_allclose(found[2 * i + 1], expected, atol=1e-6)
            last = model.body_parentid[model.site(tip).bodyid[0]]
            while model.body(last).name not in hand.links:
                last = model.body_parentid[last]
            expected = axes.T @ (data.xpos[last] - palm.xpos)
            np.testing.assert_allclose(found[2 * i], expected, atol=1e-6)
        assert finger_keypoints(hand, 1)(jnp.asarray(joints)).shape == (i + 1, 3)
