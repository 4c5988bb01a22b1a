"""Episodes of the grasping task: what success is, how they end, worlds that break."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scripted_grasp import CONFIG, GOAL, STEPS, ScriptedEngine, player, script

from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspTask


@pytest.fixture(scope="module")
def scripted(box_scene):
    return GraspTask(ScriptedEngine(box_scene), CONFIG)


@pytest.fixture(scope="module")
def played(scripted):
    return player(scripted)


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
