"""What tasks and policies say of themselves, and what keeps them apart."""

import dataclasses

import pytest

from dexjax.errors import DexjaxError
from dexjax.policies.policy import check_fits
from dexjax.spec import CAMERA, PRIVILEGED, Observation, PolicySpec, TaskSpec

TASK = TaskSpec(
    (
        Observation("felt", (5,)),
        Observation("code", (64,), source="encoder 0123"),
        Observation("known", (3,), seen_by=PRIVILEGED),
        Observation("picture", (8, 8, 1), "uint8", CAMERA),
    ),
    actions=24,
    body="shadow hand, servo wrist",
    episode_steps=200,
    outcomes=("held", "reached"),
    success="held",
)
OWN = PolicySpec.of(TASK, ("felt", "code", "picture"))


def changed(which, /, **changes):
    """The policy with one of its observations changed."""
    seen = tuple(
        dataclasses.replace(own, **changes) if own.name == which else own
        for own in OWN.observations
    )
    return dataclasses.replace(OWN, observations=seen)


def test_a_spec_lists_who_sees_what():
    assert TASK.sees("policy") == ("felt", "code")
    assert TASK.sees("policy", PRIVILEGED) == ("felt", "code", "known")
    assert TASK.sees(CAMERA) == ("picture",)
    assert TASK.observation("picture").size == 64
    assert TASK.observation("colour") is None


def test_a_policys_spec_is_in_the_tasks_order():
    own = PolicySpec.of(TASK, ("picture", "felt"))
    assert [each.name for each in own.observations] == ["felt", "picture"]
    assert (own.actions, own.body) == (24, "shadow hand, servo wrist")
    assert own.misfits(TASK) == []


def test_who_may_see_it_is_no_difference():
    """A teacher acts on what is privileged in the task of its student."""
    assert changed("felt", seen_by=PRIVILEGED).misfits(TASK) == []


@pytest.mark.parametrize(
    ("own", "phrase"),
    [
        (
            dataclasses.replace(OWN, body="allegro hand, servo wrist", actions=22),
            "it moves the allegro hand, servo wrist, "
            "the task has the shadow hand, servo wrist",
        ),
        (
            dataclasses.replace(OWN, actions=30),
            "it gives 30 actions, the task takes 24",
        ),
        (
            changed("felt", name="colour"),
            "it sees 'colour', which the task does not observe",
        ),
        (
            changed("felt", shape=(6,)),
            "its 'felt' is float32[6], the task's float32[5]",
        ),
        (
            changed("picture", shape=(64, 1)),
            "its 'picture' is uint8[64, 1], the task's uint8[8, 8, 1]",
        ),
        (
            changed("picture", dtype="float32"),
            "its 'picture' is float32[8, 8, 1], the task's uint8[8, 8, 1]",
        ),
        (
            changed("code", source="encoder 4567"),
            "its 'code' is of encoder 4567, the task's of encoder 0123",
        ),
        (
            changed("code", source=""),
            "its 'code' is of no encoder, the task's of encoder 0123",
        ),
        (
            changed("felt", source="encoder 0123"),
            "its 'felt' is of encoder 0123, the task's of no encoder",
        ),
    ],
)
def test_every_difference_is_named(own, phrase):
    assert own.misfits(TASK) == [phrase]


def test_all_differences_are_named_together():
    own = dataclasses.replace(
        OWN,
        actions=2,
        observations=(
            Observation("felt", (9,)),
            Observation("code", (64,), source="encoder x"),
            Observation("scent", (1,)),
        ),
    )
    found = own.misfits(TASK)
    assert len(found) == 4
    for word in ("2 actions", "'felt'", "encoder x", "'scent'"):
        assert sum(word in phrase for phrase in found) == 1

    class Policy:
        spec = own

    with pytest.raises(DexjaxError) as error:
        check_fits(Policy(), TASK, "base policy 'mug'")
    assert str(error.value) == (
        f"base policy 'mug' does not fit the task: {'; '.join(found)}"
    )
