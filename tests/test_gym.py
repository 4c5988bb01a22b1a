"""Gymnasium environments: what they give is what the task gives."""

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import (
    DictInfoToList,
    FlattenObservation,
    RecordEpisodeStatistics,
)
from toys import Follow

import dexjax.gym
from dexjax.errors import DexjaxError
from dexjax.gym import TaskVectorEnv

WORLDS = 6


MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


@pytest.fixture
def envs():
    return TaskVectorEnv(Follow(steps=5, limit=0.98), WORLDS)


@pytest.fixture
def at_once():
    return TaskVectorEnv(Follow(steps=5, limit=0.98), WORLDS, "SameStep")


def actions(envs, count):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (count, *envs.action_space.shape)).astype(np.float32)


def test_the_grasping_task_is_made_by_name():
    envs = dexjax.gym.make_vec("grasp", objects="box", num_envs=2, starts=2)
    observations, infos = envs.reset(seed=0)
    assert infos == {} and observations in envs.observation_space
    names = {own.name for own in envs.task.spec.observations}
    assert {*observations} == names
    action = envs.action_space.sample()
    stepped, rewards, terminated, truncated, infos = envs.step(action)
    assert stepped in envs.observation_space
    assert rewards.shape == terminated.shape == truncated.shape == (2,)
    assert rewards.dtype == np.float64 and terminated.dtype == truncated.dtype == bool


def test_spaces_hold_what_comes(envs):
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert envs.observation_space == gymnasium.vector.utils.batch_space(
        envs.single_observation_space, WORLDS
    )
    observations, _ = envs.reset(seed=1)
    assert observations in envs.observation_space
    for action in actions(envs, 12):
        observations, *_ = envs.step(action)
        assert observations in envs.observation_space
    # Observations are the learner's own: to write there changes no world.
    for array in observations.values():
        array[:] = np.nan
    again, *_ = envs.step(actions(envs, 1)[0])
    assert not any(np.isnan(array).any() for array in again.values())


def test_a_step_is_the_task_s(envs):
    """World by world the task's own `advance`, and `restart` in the step after."""
    envs.reset(seed=3)
    task = envs.task
    states = [task.reset(jax.random.key(3 + i)) for i in range(WORLDS)]
    ends = 0
    for action in actions(envs, 9):
        observations, rewards, terminated, truncated, infos = envs.step(action)
        begins = np.array([bool(state.done) for state in states])
        states = [
            task.restart(s).replace(terminated=False, truncated=False)
            if bool(s.done)
            else task.advance(s, a)
            for s, a in zip(states, action, strict=True)
        ]
        done = np.array([bool(state.done) for state in states])
        np.testing.assert_array_equal(terminated | truncated, done)
        for i, state in enumerate(states):
            expected = 0.0 if begins[i] else float(state.reward)
            assert rewards[i] == pytest.approx(expected)
            assert terminated[i] == bool(state.terminated)
            for name, array in observations.items():
                np.testing.assert_allclose(array[i], state.obs[name], rtol=1e-6)
            if done[i]:
                for name in task.spec.outcomes:
                    assert infos[name][i] == float(state.metrics[name])
        if done.any():
            np.testing.assert_array_equal(infos["_return"], done)
        else:
            assert infos == {}
        ends += done.sum()
    assert ends > WORLDS  # Some break off, all reach their limit.


def test_a_next_episode_may_begin_at_once(at_once):
    envs = at_once
    envs.reset(seed=3)
    task = envs.task
    states = [task.reset(jax.random.key(3 + i)) for i in range(WORLDS)]
    for action in actions(envs, 9):
        observations, rewards, terminated, truncated, infos = envs.step(action)
        ended = [task.advance(s, a) for s, a in zip(states, action, strict=True)]
        states = [task.restart(s) if bool(s.done) else s for s in ended]
        for i, (last, state) in enumerate(zip(ended, states, strict=True)):
            assert rewards[i] == pytest.approx(float(last.reward))
            assert terminated[i] == bool(last.terminated)
            assert truncated[i] == bool(last.truncated)
            for name, array in observations.items():
                np.testing.assert_allclose(array[i], state.obs[name], rtol=1e-6)
            if bool(last.done):
                for name, array in infos["final_obs"][i].items():
                    np.testing.assert_allclose(array, last.obs[name], rtol=1e-6)
                for name in task.spec.outcomes:
                    assert infos["final_info"][name][i] == float(last.metrics[name])
        done = np.array([bool(last.done) for last in ended])
        assert ("final_obs" in infos) == done.any()
        if done.any():
            np.testing.assert_array_equal(infos["_final_obs"], done)
            np.testing.assert_array_equal(infos["final_info"]["_return"], done)


@pytest.mark.parametrize("mode", MODES)
def test_seeds_give_the_same_again(mode):
    envs = TaskVectorEnv(Follow(steps=5, limit=0.98), WORLDS, mode)

    def play(seed):
        seen = [envs.reset(seed=seed)]
        return seen + [envs.step(action) for action in actions(envs, 12)]

    one, other = play(7), play(8)
    assert data_equivalence(one, play(7)) and not data_equivalence(one, other)
    assert data_equivalence(one, play([7 + i for i in range(WORLDS)]))
    # Without a seed others are drawn, but the same ones after a seed.
    envs.reset(seed=7)
    first, second = envs.reset()[0], envs.reset()[0]
    assert not data_equivalence(first, second)
    envs.reset(seed=7)
    assert data_equivalence(first, envs.reset()[0])


def test_gymnasium_s_wrappers_take_it(envs):
    wrapped = RecordEpisodeStatistics(FlattenObservation(envs))
    observations, _ = wrapped.reset(seed=0)
    size = sum(np.prod(own.shape) for own in envs.single_observation_space.values())
    assert observations.shape == (WORLDS, size)
    returns = np.zeros(WORLDS)
    for action in actions(envs, 30):
        _, rewards, terminated, truncated, infos = wrapped.step(action)
        returns += rewards
        ended = terminated | truncated
        if ended.any():
            np.testing.assert_allclose(infos["episode"]["r"][ended], returns[ended])
            own = infos["return"][ended]
            np.testing.assert_allclose(own, returns[ended], rtol=1e-5)
            returns[ended] = 0.0


def test_infos_can_be_listed(at_once):
    listed = DictInfoToList(at_once)
    listed.reset(seed=0)
    for action in actions(at_once, 6):
        *_, told = listed.step(action)
        assert len(told) == WORLDS
    assert all("final_obs" not in own or own["final_obs"] for own in told)


def test_what_is_wrong_is_said(envs):
    with pytest.raises(DexjaxError, match="call reset before step"):
        envs.step(actions(envs, 1)[0])
    envs.reset()
    with pytest.raises(DexjaxError, match=r"actions of shape \[2\]: give \[6, "):
        envs.step(np.zeros(2))
    with pytest.raises(DexjaxError, match="3 seeds: give one, or 6"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(DexjaxError, match="no options are known, but wind given"):
        envs.reset(options={"wind": 1})
    with pytest.raises(DexjaxError, match="num_envs 0: give at least 1"):
        TaskVectorEnv(Follow(), 0)
    with pytest.raises(DexjaxError, match="Disabled: choose from NextStep, SameStep"):
        TaskVectorEnv(Follow(), 1, "Disabled")
