"""Episodes of an evaluation: counted once each, of any task and any policy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import DONE, SOLVED, Toy

from dexjax.errors import DexjaxError
from dexjax.evaluation import episodes
from dexjax.evaluation.episodes import RECORDED, SNAPSHOT, drawn, evaluate
from dexjax.evaluation.interval import wilson
from dexjax.spec import Observation, PolicySpec

STEPS = 30


class Count(Toy):
    """Its world is (number of the episode, steps done); an action above 1 ends it.

    It pays what it is given: 1 in every step is a success.
    """

    def __init__(self, steps=STEPS):
        super().__init__((Observation("number", (1,)),), steps=steps)

    def draw(self, key):
        return jnp.array([-1.0, 0.0])

    def see(self, hidden, step):
        return {"number": hidden[:1]}

    def pay(self, hidden, action, step):
        return action[0]

    def change(self, hidden, action, key):
        return hidden + jnp.array([0.0, 1.0])

    def breaks(self, hidden, action):
        return action[0] > 1.5


class Says:
    """A policy: what is done in the steps of an episode, given its number.

    It remembers how many steps of the episode there were.
    """

    spec = PolicySpec.of(Count().spec, ("number",))

    def __init__(self, says):
        self.says = says

    def init(self, batch):
        return jnp.zeros(batch)

    def act(self, obs, carry, key=None):
        said = jax.vmap(self.says)(obs["number"][:, 0], carry)
        return said[:, None], carry + 1


jax.tree_util.register_static(Says)


def numbered(count):
    """Episodes 0, 1, …: floats, as a goal might be."""
    return np.stack([np.arange(count) + 0.25, np.zeros(count)], axis=1)


@pytest.mark.parametrize(("successes", "count"), [(0, 9), (3, 7), (251, 256)])
def test_wilson_equals_its_closed_form(successes, count):
    z, p, n = 1.959963984540054, successes / count, count
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = [max(centre - half, 0.0), min(centre + half, 1.0)]
    np.testing.assert_allclose(wilson(successes, count), expected, atol=1e-9)


def test_what_the_episodes_report_is_counted():
    # Success in episodes 0, 2 and 4.
    policy = Says(lambda number, step: (number % 2 < 1).astype(float))
    found = evaluate(Count(), policy, numbered(6), seed=0)
    assert found.success_name == SOLVED and set(found.outcomes) == {DONE, SOLVED}
    np.testing.assert_array_equal(found.succeeded, [1, 0, 1, 0, 1, 0])
    np.testing.assert_array_equal(found.outcomes[DONE], np.ones(6))
    # An episode is what was asked for, to the last digit.
    np.testing.assert_array_equal(found.holding[:, 0], np.arange(6) + 0.25)
    assert (found.holding[:, 1] == STEPS - SNAPSHOT).all()
    np.testing.assert_array_equal(found.recorded[..., 1].T, [np.arange(STEPS)] * 3)
    np.testing.assert_array_equal(found.recorded[0, :, 0], [0.25, 2.25, 5.25])
    summary = found.summary()
    assert summary["success_solved"] == 0.5 and summary["success_done"] == 1.0
    assert summary["episodes"] == 6 and summary["pose_distance"] is None
    assert summary["ci95"] == wilson(3, 6)
    some = found.summary(np.array([True, False, True, True, False, False]))
    assert some["episodes"] == 3 and some["ci95"] == wilson(2, 3)


def test_an_episode_that_breaks_off_is_none_of_the_next_ones():
    """Its world goes on with an episode of another number, which would succeed."""
    early = 3

    def says(number, step):
        breaks = (number == 1.25) & (step == early)
        return jnp.where(breaks, 2.0, jnp.where(number < 0, 99.0 * (step > 20), 0.0))

    found = evaluate(Count(), Says(says), numbered(3), seed=0)
    np.testing.assert_array_equal(found.outcomes[DONE], [1, 0, 1])
    assert not found.succeeded.any()


def test_a_second_success_in_the_time_of_one_is_not_the_firsts():
    """Episodes end after the first step, again and again: the first one counts."""

    class Short(Count):
        def advance(self, state, action):
            over = super().advance(state, action)
            number = state.memory.hidden[0]
            solved = (number < 0).astype(jnp.float32)
            metrics = over.metrics | {SOLVED: solved, DONE: jnp.ones(())}
            return over.replace(truncated=jnp.ones((), bool), metrics=metrics)

    found = evaluate(Short(), Says(lambda n, s: 0.0 * s), numbered(4), seed=0)
    np.testing.assert_array_equal(found.outcomes[DONE], np.ones(4))
    assert not found.succeeded.any()


def test_a_memory_begins_with_each_episode():
    """The policy says how far it is; what it says then is what it remembers."""
    policy = Says(lambda number, step: (step < STEPS).astype(float))
    found = evaluate(Count(), policy, numbered(2), seed=0)
    assert found.succeeded.all()

    def says(number, step):
        # After an end by its own doing, a policy that remembered would not know.
        return jnp.where((number > 0) & (step == 2), 2.0, step)

    worlds = evaluate(Count(), Says(says), numbered(2), seed=0)
    assert not worlds.outcomes[DONE].any()


@pytest.mark.parametrize("steps", [1, SNAPSHOT - 1, SNAPSHOT, SNAPSHOT + 1])
def test_episodes_may_be_short(steps):
    policy = Says(lambda number, step: jnp.ones(()))
    found = evaluate(Count(steps), policy, numbered(2), seed=0)
    assert found.succeeded.all() and found.recorded.shape == (steps, 2, 2)
    assert (found.holding[:, 1] == max(steps - SNAPSHOT, 0)).all()


def test_another_seed_is_another_draw():
    class Noisy(Count):
        def see(self, hidden, step):
            return {"number": hidden[:1]}

        def change(self, hidden, action, key):
            return hidden.at[1].set(jax.random.uniform(key))

    policy = Says(lambda number, step: 0.0 * step)
    first, again, other = (
        evaluate(Noisy(), policy, numbered(4), seed).holding[:, 1] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert len({*first.tolist(), *other.tolist()}) == 8


def test_other_episodes_need_no_compilation():
    task, policy = Count(), Says(lambda number, step: 0.0 * step)
    evaluate(task, policy, numbered(4), seed=0)
    compiled = episodes._run._cache_size()
    evaluate(task, policy, numbered(4) + 7, seed=1)
    assert episodes._run._cache_size() == compiled


def test_a_policy_of_another_task_is_refused():
    policy = Says(lambda number, step: 0.0 * step)
    policy.spec = PolicySpec((Observation("colour", (1,)),), 1, "toy")
    with pytest.raises(DexjaxError, match="sees 'colour', which the task does not"):
        evaluate(Count(), policy, numbered(2), seed=0)


def test_drawn_episodes_differ_and_are_all_there_is():
    every = {"goal": numbered(8), "start": np.arange(8)}
    some = drawn(every, 5, seed=0)
    assert len(set(some["start"].tolist())) == 5
    np.testing.assert_array_equal(some["goal"], every["goal"][some["start"]])
    assert drawn(every, 99, seed=0)["start"].tolist() == list(range(8))
    other = drawn(every, 5, seed=1)
    assert set(some["start"].tolist()) != set(other["start"].tolist())


def test_more_is_recorded_than_of_one_episode():
    found = evaluate(Count(), Says(lambda n, s: 0.0 * s), numbered(50), seed=0)
    assert found.recorded.shape == (STEPS, RECORDED, 2)
    assert found.recorded[0, :, 0].tolist() == [0.25, 24.25, 49.25]
