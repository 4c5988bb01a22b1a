"""What comes with dexjax: found, small, and as good as its summary says."""

import json

import pytest
from scipy.stats import binom

import dexjax
from dexjax.errors import DexjaxError
from dexjax.objects.loading import members_named
from dexjax.shipped import find, names, shipped

EPISODES = 64
# A policy as good as recorded fails its test once in so many.
ONCE_IN = 1000


def drawn():
    """What a policy of thousands of objects is tried on, one episode each.

    By their names: one by one they are made much sooner than the whole set.
    """
    return ",".join(
        member.name for member in members_named(f"everyday/train:{EPISODES}")
    )


def summary(name):
    return json.loads((shipped(name) / "summary.json").read_text())


def fewest(recorded):
    """Successes that chance leaves to a policy of the recorded share, or nearly so."""
    return int(binom.ppf(1 / ONCE_IN, EPISODES, recorded["ci95"][0]))


@pytest.mark.parametrize("name", names())
def test_it_can_be_read_and_says_what_it_acts_on(name):
    policy = dexjax.load(name)
    assert policy.spec.body == "shadow hand, servo wrist" and policy.spec.actions == 24
    assert "proprioception" in {own.name for own in policy.spec.observations}
    assert policy.run.scene.object == summary(name)["object"]


@pytest.mark.parametrize("name", names())
def test_it_holds_what_it_held(name):
    policy, recorded = dexjax.load(name), summary(name)
    many = recorded.get("objects", 1) > EPISODES
    objects = drawn() if many else recorded["object"]
    task = dexjax.make("grasp", objects=objects, sees=policy, engine="native", starts=1)
    result = dexjax.evaluate(task, policy, EPISODES)
    assert result.episodes == EPISODES
    held = round(result.success * EPISODES)
    assert held >= fewest(recorded), f"{held} of {EPISODES}: {recorded['success_held']}"


def test_the_bound_would_notice_a_policy_that_has_lost_a_quarter():
    for name in names():
        recorded = summary(name)
        lost = 0.75 * recorded["success_held"]
        assert binom.cdf(fewest(recorded) - 1, EPISODES, lost) > 0.5


def test_a_folder_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find("resdex/mug") == shipped("resdex/mug")
    (tmp_path / "resdex" / "mug").mkdir(parents=True)
    assert find("resdex/mug").resolve() == tmp_path / "resdex" / "mug"
    # The encoder is no policy.
    with pytest.raises(DexjaxError, match="no policy 'encoder': give .*resdex/hyper"):
        find("encoder")
