"""The library in a few names: what the issue's ten lines do, and what they refuse."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dexjax
from dexjax.errors import DexjaxError
from dexjax.evaluation.episodes import _run
from dexjax.grasps.sets.grasp_set import write_sets
from dexjax.shipped import shipped
from dexjax.systems.dexgen.trials import simple

WORLDS = 4


@pytest.fixture(scope="module")
def policy():
    return dexjax.load("resdex/hyper")


@pytest.fixture(scope="module")
def task(policy):
    return dexjax.make("grasp", hand="shadow", objects="mug", sees=policy, starts=8)


@pytest.fixture(scope="module")
def mug():
    return dexjax.load("resdex/mug")


def test_importing_it_takes_no_time():
    """Neither JAX nor MuJoCo are imported before they are used."""
    script = (
        "import sys, time; began = time.perf_counter(); import dexjax; "
        "passed = time.perf_counter() - began; "
        "print([m for m in ('jax', 'mujoco', 'matplotlib') if m in sys.modules]); "
        "assert passed < 1.0, passed; assert dexjax.__version__"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_it_is_made_of_few_names():
    assert set(dir(dexjax)) == set(dexjax.__all__)
    for name in dexjax.__all__:
        assert getattr(dexjax, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        dexjax.evalute  # noqa: B018


def test_it_lists_what_there_is():
    assert "resdex/hyper" in dexjax.policies() and "grasp" in dexjax.tasks()
    for name in dexjax.policies():
        assert (shipped(name) / "config.yaml").exists()


def test_worlds_are_stepped_by_a_policy(task, policy):
    """The issue's lines, on fewer worlds; the hand moves and the step is counted."""
    worlds = jax.vmap(task.reset)(jax.random.split(jax.random.key(0), WORLDS))
    carry = policy.init(WORLDS)
    step = jax.jit(jax.vmap(task.step))
    before = worlds
    for i in range(3):
        action, carry = policy.act(worlds.obs, carry, jax.random.key(i))
        worlds = step(worlds, action)
    assert action.shape == (WORLDS, task.spec.actions)
    np.testing.assert_array_equal(worlds.step, 3)
    moved = np.abs(worlds.physics.qpos - before.physics.qpos).max(axis=1)
    assert (moved > 1e-3).all()
    # What a hyper-policy sees of its object is not nothing.
    assert np.abs(worlds.obs["object_code"]).max() > 0


def test_the_same_episodes_are_compiled_once(task, policy):
    dexjax.evaluate(task, policy, episodes=WORLDS, seed=0)
    compiled = _run._cache_size()
    other = policy.replace(policy=jax.tree.map(lambda x: 0.9 * x, policy.policy))
    dexjax.evaluate(task, other, episodes=WORLDS, seed=0)
    assert _run._cache_size() == compiled


def test_an_evaluation_says_how_sure_it_is(task, policy, tmp_path):
    result = dexjax.evaluate(task, policy, episodes=WORLDS, seed=0)
    assert result.episodes == WORLDS
    low, high = result.interval
    assert 0 <= low <= result.success <= high <= 1 and high - low > 0.2
    assert result.outcomes["held"] == result.success <= result.outcomes["reached"]
    # By hand: whole episodes, and the same ones again.
    again = dexjax.evaluate(task, policy, episodes=WORLDS, seed=0)
    np.testing.assert_array_equal(
        again.evaluation.succeeded, result.evaluation.succeeded
    )
    assert f"{result.success:.1%}" in str(result) and "4 episodes" in str(result)
    result.film(tmp_path / "films" / "rollout.mp4")
    assert (tmp_path / "films" / "rollout.mp4").stat().st_size > 1000


def test_a_policy_is_trained_and_gone_on_with(tmp_path):
    task = dexjax.make("grasp", objects="box", starts=4)
    trained = dexjax.train(
        task, preset="smoke", out=tmp_path / "mine", env_steps=1024, eval_episodes=4
    )
    assert trained.folder == tmp_path / "mine" and trained.step == 1
    assert (tmp_path / "mine" / "summary.json").exists()
    obs = {own.name: jnp.ones((2, *own.shape)) for own in task.spec.observations}
    action, _ = trained.act(obs, trained.init(2))
    assert action.shape == (2, 24) and np.isfinite(action).all()
    again = dexjax.train(
        task, preset="smoke", out=tmp_path / "mine", env_steps=1024, eval_episodes=4
    )
    np.testing.assert_array_equal(again.act(obs, again.init(2))[0], action)


def test_a_policy_that_does_not_fit_says_what_differs(task, mug, policy):
    other = dexjax.make("grasp", hand="allegro", objects="box", starts=2)
    with pytest.raises(DexjaxError, match="shadow hand, servo wrist, the task"):
        dexjax.evaluate(other, mug, episodes=1)
    blind = dexjax.make("grasp", objects="box", starts=2)
    with pytest.raises(
        DexjaxError, match="sees 'object_code', which the task does not"
    ):
        dexjax.evaluate(blind, policy, episodes=1)
    wrench = dexjax.make("grasp", objects="box", sees=mug, wrist="wrench", starts=2)
    with pytest.raises(DexjaxError, match="the task has the shadow hand, wrench wrist"):
        dexjax.evaluate(wrench, mug, episodes=1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dexjax.load("resdex/hypr"), "no policy 'resdex/hypr': .*resdex/hyper"),
        (lambda: dexjax.make("grsp"), "task 'grsp': choose from grasp, inhand"),
        (lambda: dexjax.make("grasp", objects="mugg"), "unknown object 'mugg'"),
        (lambda: dexjax.make("grasp", hand="foot"), "unknown hand 'foot'"),
        (lambda: dexjax.make("grasp", engine="bullet"), "engine 'bullet': choose"),
        (lambda: dexjax.make("grasp", sees="all"), "observation 'all': choose from"),
        (lambda: dexjax.make("grasp", heigth=1.0), "no choice 'heigth'"),
        (lambda: dexjax.make("grasp", goal_heigth=1.0), "there are goal_height"),
        (lambda: dexjax.make("grasp", starts=0), "starts is 0, must be between"),
        (lambda: dexjax.make("grasp", encoder="no", sees="full"), "no encoder no"),
        (lambda: dexjax.make("grasp", grasps="no.npz"), "no.npz"),
    ],
)
def test_what_does_not_exist_is_one_line(call, said):
    with pytest.raises(DexjaxError, match=said) as error:
        call()
    assert "\n" not in str(error.value)


def test_what_cannot_be_evaluated_or_trained_is_one_line(task, policy, tmp_path):
    with pytest.raises(DexjaxError, match="0 episodes: give at least 1"):
        dexjax.evaluate(task, policy, episodes=0)
    with pytest.raises(DexjaxError, match="preset 'huge': choose from"):
        dexjax.train(task, preset="huge", out=tmp_path / "x")
    with pytest.raises(DexjaxError, match="no choice 'steps': there are"):
        dexjax.train(task, preset="smoke", out=tmp_path / "x", steps=3)
    assert not (tmp_path / "x").exists()


def test_a_task_in_the_hand_is_made_and_measured(grasp_sets, tmp_path):
    file = tmp_path / "sets.npz"
    write_sets(file, grasp_sets)
    with pytest.raises(DexjaxError, match="needs grasp sets: make them"):
        dexjax.make("inhand")
    cube = {"objects": "geometric/train/cube", "grasps": file, "episode_steps": 20}
    task = dexjax.make("inhand", **cube, turn_every=0)
    assert task.run.scene.hand == "allegro" and task.objects.names == ("cube",)
    result = dexjax.evaluate(task, simple("nothing", task), episodes=4)
    assert result.episodes == 4 and result.outcomes["held"] >= 0.75
    with pytest.raises(DexjaxError, match="no choice 'nearst': there are nearest"):
        dexjax.make("inhand", **cube, nearst=1.0)
