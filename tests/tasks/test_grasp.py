"""The grasping task: its episodes, what success is, and worlds that break."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.scene import make_scene
from dexjax.spec import PRIVILEGED
from dexjax.tasks.grasp import Episode, GraspConfig, GraspTask

CONFIG = GraspConfig(starts=64)
STEPS = CONFIG.episode_steps
GOAL = np.array([0.0, 0.0, 0.2])


class ScriptedEngine:
    """Puts the object where the action says: 20 cm * action[:3] from the goal.

    action[3] = 1 breaks the world, action[4] = 1 lets it fly off too fast, action[5] =
    1 stops its clock.
    """

    name = "scripted"
    substeps = 4

    def __init__(self, scene):
        self.scene = scene
        self.reset = make_engine(scene, "native").reset

    def step(self, state, ctrl):
        place = self.scene.sensors["object_pos"]
        position = jnp.asarray(GOAL) + 0.2 * ctrl[:3]
        sensordata = state.sensordata.at[place].set(position)
        qpos = jnp.where(ctrl[3] > 0.5, jnp.nan, state.qpos)
        qvel = jnp.where(ctrl[4] > 0.5, 1e4, state.qvel)
        time = jnp.where(ctrl[5] > 0.5, state.time, state.time + 0.02)
        return state._replace(qpos=qpos, qvel=qvel, sensordata=sensordata, time=time)


@pytest.fixture(scope="module")
def scripted(box_scene):
    return GraspTask(ScriptedEngine(box_scene), CONFIG)


def player(task):
    """A function from actions (steps, worlds, 24) to the states after each step."""

    @jax.jit
    def play(actions):
        keys = jax.random.split(jax.random.key(0), actions.shape[1])
        worlds = jax.vmap(task.reset)(keys)

        def step(worlds, action):
            worlds = jax.vmap(task.step)(worlds, action)
            return worlds, worlds

        return jax.lax.scan(step, worlds, actions)[1]

    return play


@pytest.fixture(scope="module")
def played(scripted):
    return player(scripted)


@pytest.fixture(scope="module")
def task(box_scene):
    return GraspTask(make_engine(box_scene, "native"), CONFIG)


@pytest.fixture(scope="module")
def starts(task):
    keys = jax.random.split(jax.random.key(1), 256)
    return jax.jit(jax.vmap(task.reset))(keys)


def script(near):
    """Actions (201, 8, 24): the object is near the goal where `near` is true.

    Always eight worlds, the last ones repeated, so that it is compiled once.
    """
    near = np.asarray([*near, *[near[-1]] * (8 - len(near))])
    actions = np.zeros((STEPS + 1, len(near), 24), np.float32)
    # 4 or 6 cm from the goal: on either side of the 5 cm.
    actions[:STEPS, :, 0] = np.where(near.T, 0.2, 0.3)
    actions[STEPS] = actions[STEPS - 1]
    return jnp.asarray(actions)


def test_success_is_held_over_all_of_the_last_steps_and_reached_at_any(played):
    t = np.arange(STEPS)
    cases = {
        "never": (t < 0, 0, 0),
        "always": (t >= 0, 1, 1),
        "exactly the last 20": (t >= STEPS - 20, 1, 1),
        "only the last 19": (t >= STEPS - 19, 0, 1),
        "all but the last step": (t < STEPS - 1, 0, 1),
        "a slip among the last 20": (t != STEPS - 10, 0, 1),
        "a slip before them": (t != STEPS - 21, 1, 1),
        "one step in passing": (t == 50, 0, 1),
    }
    after = played(script([near for near, _, _ in cases.values()]))
    end = jax.tree.map(lambda x: x[STEPS - 1], after.metrics)
    np.testing.assert_array_equal(end["held"], [held for _, held, _ in cases.values()])
    np.testing.assert_array_equal(end["reached"], [r for _, _, r in cases.values()])
    np.testing.assert_array_equal(end["episodes"], np.ones(len(cases)))
    # Success is reported at the end and nowhere else.
    for name in ("held", "reached", "episodes", "return"):
        assert not np.asarray(after.metrics[name][: STEPS - 1]).any()
        assert not np.asarray(after.metrics[name][STEPS]).any()


def test_an_episode_ends_by_the_clock_and_the_next_begins(played, scripted):
    after = played(script([np.ones(STEPS, bool)]))
    truncated = np.asarray(after.truncated)
    assert truncated[STEPS - 1].all() and truncated.sum() == 8
    assert not np.asarray(after.terminated).any()
    np.testing.assert_array_equal(after.step[:, 0], [*range(1, STEPS), 0, 1])
    fresh = after.obs["object_position"][STEPS - 1]
    assert (fresh[:, 2] < 0.1).all() and not np.array_equal(fresh[0], fresh[1])
    assert not np.asarray(after.obs["previous_action"][STEPS - 1]).any()
    # The return is that of the episode.
    np.testing.assert_allclose(
        after.metrics["return"][STEPS - 1],
        np.asarray(after.reward)[:STEPS].sum(axis=0),
        rtol=1e-4,
    )


def test_a_step_is_an_advance_and_a_restart_where_the_episode_ended(played, scripted):
    actions = script([np.ones(STEPS, bool)])
    after = played(actions)
    advance, restart = (
        jax.jit(jax.vmap(own)) for own in (scripted.advance, scripted.restart)
    )
    for t in (STEPS - 3, STEPS - 1):
        before = jax.tree.map(lambda x, t=t: x[t - 1], after)
        stepped = jax.tree.map(lambda x, t=t: x[t], after)
        last = advance(before, actions[t])
        # What a learner asks for the value of: the world as the action left it.
        place = last.obs["object_position"][0]
        np.testing.assert_allclose(place, GOAL + [0.04, 0, 0], atol=1e-6)
        assert last.step.tolist() == [t + 1] * 8
        begun = restart(last) if t == STEPS - 1 else last
        assert bool(last.done.all()) == (t == STEPS - 1)
        for one, two in zip(*map(jax.tree.leaves, (begun, stepped)), strict=True):
            np.testing.assert_array_equal(
                *map(jax.random.key_data, (one, two))
                if jnp.issubdtype(one.dtype, jax.dtypes.prng_key)
                else (one, two)
            )


def test_a_training_episode_may_end_once_the_object_was_held_long_enough(box_scene):
    config = dataclasses.replace(CONFIG, starts=4, enough_steps=30)
    t = np.arange(STEPS)
    after = player(GraspTask(ScriptedEngine(box_scene), config))(
        script([t >= 50, (t >= 50) & (t != 60), t < 0])
    )
    truncated = np.asarray(after.truncated)
    # 30 steps without a break, then again after each reset; in vain to the very end.
    assert np.flatnonzero(truncated[:, 0]).tolist() == [79, 109, 139, 169, 199]
    assert np.flatnonzero(truncated[:, 1]).tolist() == [90, 120, 150, 180]
    assert np.flatnonzero(truncated[:, 2]).tolist() == [199]
    np.testing.assert_array_equal(after.metrics["held"][:, :2], truncated[:, :2])
    assert not np.asarray(after.metrics["held"][:, 2]).any()


def test_a_failed_object_is_tried_again_and_counts_once():
    scene = make_scene(load_hand(), load_objects([f"box:{i}" for i in range(6)]))
    config = dataclasses.replace(CONFIG, starts=1, episode_steps=20, retry_share=1.0)
    near = [np.full(STEPS, world < 4) for world in range(8)]
    after = player(GraspTask(ScriptedEngine(scene), config))(script(near))
    ended = np.flatnonzero(np.asarray(after.truncated)[:, 0])
    assert ended.tolist() == list(range(19, 200, 20))
    objects = np.asarray(after.physics.object_id)[ended]
    counted = np.asarray(after.metrics["episodes"])[ended]
    # Held: another object is drawn. Failed: the same one, again and again.
    assert all(len(set(objects[:, world])) > 1 for world in range(4))
    assert all(len(set(objects[:, world])) == 1 for world in range(4, 8))
    assert (counted[:, :4] == 1).all() and (counted[0] == 1).all()
    assert (counted[1:, 4:] == 0).all()


def test_half_of_the_failed_objects_are_tried_again():
    scene = make_scene(load_hand(), load_objects([f"box:{i}" for i in range(6)]))
    config = dataclasses.replace(CONFIG, starts=1, retry_share=0.5)
    task = GraspTask(ScriptedEngine(scene), config)
    failed = task.reset(jax.random.key(0)).memory
    keys = jax.random.split(jax.random.key(1), 2000)
    after = jax.jit(
        jax.vmap(lambda key: task._starts.next(failed._replace(key=key), 3))
    )
    physics, memory = after(keys)
    again = ~np.asarray(memory.counts)
    assert again.mean() == pytest.approx(0.5, abs=0.05)
    assert (np.asarray(physics.object_id)[again] == 3).all()
    drawn = np.bincount(np.asarray(physics.object_id)[~again], minlength=6)
    assert drawn / drawn.sum() == pytest.approx(1 / 6, abs=0.05)


def test_logged_terms_add_up_to_the_reward(played):
    after = played(script([np.arange(STEPS) > 100]))
    terms = [x for name, x in after.metrics.items() if name.startswith("reward/")]
    assert len(terms) == 5
    np.testing.assert_allclose(sum(terms), after.reward, atol=1e-5)


def test_nearness_is_to_the_objects_centre_or_to_its_surface(task, starts):
    sensed = jax.vmap(task._sense)(starts.physics)
    sites = np.concatenate([sensed.tip_pos, sensed.palm_pos[:, None]], axis=1)
    centres = np.asarray(sensed.object_pos)[:, None]
    targets = jax.vmap(task._targets)(sensed, starts.physics)
    np.testing.assert_array_equal(targets, np.broadcast_to(centres, targets.shape))
    config = dataclasses.replace(CONFIG, starts=4, near="surface")
    other = GraspTask(task.engine, config)
    targets = np.asarray(jax.vmap(other._targets)(sensed, starts.physics))
    turns = Rotation.from_quat(np.asarray(sensed.object_quat), scalar_first=True)
    local = turns.inv().as_matrix()[:, None] @ (targets - centres)[..., None]
    gaps, _ = KDTree(task.objects.points[0]).query(local[..., 0])
    assert gaps.max() < 1e-5  # points of the object, and far nearer than its centre
    reach = np.linalg.norm(sites - targets, axis=-1)
    assert (reach < np.linalg.norm(sites - centres, axis=-1) - 0.01).all()


@pytest.mark.parametrize("fault", [3, 4, 5])
def test_a_broken_world_is_reset_counted_and_alone(played, fault):
    actions = script([np.ones(STEPS, bool)])
    sound, after = played(actions), played(actions.at[30, 1, fault].set(1.0))
    assert after.terminated[30, :3].tolist() == [False, True, False]
    np.testing.assert_array_equal(after.metrics["broken"][30, :3], [0, 1, 0])
    np.testing.assert_array_equal(after.metrics["episodes"][30, :3], [0, 1, 0])
    assert after.metrics["broken"].sum() == 1
    assert after.reward[30, 1] == 0 and after.step[30, 1] == 0
    assert not np.asarray(after.truncated[: STEPS - 1]).any()
    # It is no success, whatever the object did before.
    assert after.metrics["held"][30, 1] == 0 and after.metrics["reached"][30, 1] == 0
    for leaf in jax.tree.leaves((after.obs, after.reward)):
        assert np.isfinite(leaf).all()
    for one, other in zip(
        jax.tree.leaves((sound.obs, sound.reward, sound.physics, sound.metrics)),
        jax.tree.leaves((after.obs, after.reward, after.physics, after.metrics)),
        strict=True,
    ):
        np.testing.assert_array_equal(np.delete(one, 1, 1), np.delete(other, 1, 1))


def test_a_world_that_breaks_in_mujoco_leaves_its_neighbours_bit_identical(task):
    worlds = jax.jit(jax.vmap(task.reset))(jax.random.split(jax.random.key(2), 4))
    step = jax.jit(jax.vmap(task.step))
    action = jnp.zeros((4, 24))
    sound = step(worlds, action)
    poisoned = worlds.physics.qvel.at[2, 0].set(1e12)
    after = step(worlds.replace(physics=worlds.physics._replace(qvel=poisoned)), action)
    assert after.terminated.tolist() == [False, False, True, False]
    assert after.step.tolist() == [1, 1, 0, 1]
    for one, two in zip(
        jax.tree.leaves((after.obs, after.reward)),
        jax.tree.leaves((sound.obs, sound.reward)),
        strict=True,
    ):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(np.delete(one, 2, 0), np.delete(two, 2, 0))


def test_an_action_is_clipped_and_remembered(scripted):
    state = jax.jit(scripted.reset)(jax.random.key(0))
    action = jnp.full(24, 0.25).at[7].set(3.0).at[8].set(-3.0).at[9].set(jnp.nan)
    after = jax.jit(scripted.step)(state, action)
    expected = np.full(24, 0.25)
    expected[7:10] = [1, -1, 0]
    np.testing.assert_allclose(after.obs["previous_action"], expected)


def test_actions_reach_the_limits_of_the_controls(scripted):
    low, high = scripted.engine.scene.model.actuator_ctrlrange.T
    np.testing.assert_allclose(scripted.control(-jnp.ones(24)), low, atol=1e-6)
    np.testing.assert_allclose(scripted.control(jnp.ones(24)), high, atol=1e-6)
    np.testing.assert_allclose(
        scripted.control(jnp.zeros(24)), (low + high) / 2, atol=1e-6
    )


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


@pytest.fixture(scope="module")
def run_agent(task):
    """A function from (largest action, key) to what eight episodes gave."""

    @jax.jit
    def run(largest, key):
        worlds = jax.vmap(task.reset)(jax.random.split(key, 8))

        def step(worlds, key):
            action = largest * jax.random.uniform(key, (8, 24), minval=-1, maxval=1)
            worlds = jax.vmap(task.step)(worlds, action)
            return worlds, (worlds.metrics, worlds.reward, worlds.obs)

        return jax.lax.scan(step, worlds, jax.random.split(key, STEPS))[1]

    return run


@pytest.mark.parametrize("largest", [0.0, 1.0], ids=["zero", "random"])
def test_simple_agents_break_no_world(run_agent, largest):
    metrics, reward, obs = run_agent(largest, jax.random.key(3))
    assert np.asarray(metrics["broken"]).sum() == 0
    assert np.asarray(metrics["episodes"]).sum() == 8
    assert all(np.isfinite(x).all() for x in (reward, *obs.values()))
    # Neither lifts the object: success is not for nothing.
    assert np.asarray(metrics["held"]).sum() == 0


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"observation": "everything"}, "observation 'everything': choose from geom"),
        (
            {"reward": "bas"},
            "reward 'bas': choose from base, full-pose, stage1, stage2",
        ),
        ({"near": "edge"}, "near 'edge': choose from centre, surface"),
        ({"reward": "stage1"}, "'stage1' needs grasp proposals, object 'box'"),
    ],
)
def test_unknown_choices_are_refused(task, change, line):
    with pytest.raises(DexjaxError, match=line):
        GraspTask(task.engine, dataclasses.replace(CONFIG, **change))


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


@pytest.mark.parametrize(
    ("choices", "shapes"),
    [
        ({}, {"proprioception": 123, "previous_action": 24, "object_position": 3}),
        (
            {"observation": "surface", "relative": True},
            {
                "proprioception": 123,
                "previous_action": 24,
                "object_position": 3,
                "object_state": 13,
                "object_code": 64,
                "surface": 44,
                "relative": 18,
            },
        ),
        (
            {"observation": "points", "privileged": ("object_state", "points")},
            {
                "proprioception": 123,
                "previous_action": 24,
                "points": (512, 3),
                "object_state": 13,
            },
        ),
    ],
)
def test_the_spec_says_what_is_observed(task, choices, shapes):
    config = dataclasses.replace(CONFIG, starts=2, **choices)
    own = GraspTask(task.engine, config, encoder="0123")
    state = jax.eval_shape(own.reset, jax.random.key(0))
    found = {each.name: each for each in own.spec.observations}
    assert list(found) == list(shapes) and set(state.obs) == set(shapes)
    for name, shape in shapes.items():
        expected = shape if isinstance(shape, tuple) else (shape,)
        assert found[name].shape == state.obs[name].shape == expected
        assert found[name].dtype == state.obs[name].dtype == "float32"
        assert found[name].source == ("encoder 0123" if name == "object_code" else "")
    hidden = [each.name for each in found.values() if each.seen_by == PRIVILEGED]
    # What a policy sees is hidden from none, however often it is named.
    assert hidden == ["object_state"] * ("privileged" in choices)
    assert (own.spec.actions, own.spec.episode_steps) == (24, 200)
    assert own.spec.success in own.spec.outcomes
    assert set(own.spec.outcomes) < set(state.metrics)


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
