"""The shipped policies hold a box on every engine."""

import pytest

import dexjax

EPISODES = 4


@pytest.mark.parametrize("engine", ["mjx", "warp"])
@pytest.mark.parametrize("name", ["resdex/hyper", "resdex/student"])
def test_a_policy_of_native_holds_on_other_engines(name, engine, request):
    """Few episodes of 1.2 s, enough for a box: these engines are slow on a CPU."""
    if engine == "warp":
        request.getfixturevalue("quick_warp")
    policy, choices = dexjax.load(name), {"starts": EPISODES, "episode_steps": 60}
    task = dexjax.make("grasp", objects="box", sees=policy, engine=engine, **choices)
    assert dexjax.evaluate(task, policy, EPISODES).success >= 0.75
