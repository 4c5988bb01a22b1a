"""Windows against a search that looks at every step on its own."""

import numpy as np
import pytest

from dexjax.data.windows import Pool, Span, has_window


def slow_windows(begins, safe, span):
    """{(world, t): steps of the window}, one after the other."""
    worlds, length = begins.shape
    found = {}
    for world in range(worlds):
        for t in range(length):
            ahead = range(t, t + span.future + 1)
            if ahead[-1] >= length or not all(safe[world, a] for a in ahead):
                continue
            if any(begins[world, a] for a in ahead[1:]):
                continue
            back = [t]
            while len(back) < span.history:
                if begins[world, back[0]]:
                    back.insert(0, back[0])
                elif back[0] == 0:
                    break
                else:
                    back.insert(0, back[0] - 1)
            if len(back) == span.history:
                found[world, t] = [*back, *ahead[1:]]
    return found


SPANS = [Span(4, 2), Span(1, 0), Span(1, 3), Span(6, 1), Span(3, 70)]


@pytest.mark.parametrize("span", SPANS)
def test_windows_stay_in_their_episode_and_are_safe(make_steps, span):
    pool = Pool(2 * 6 * 60, (5, 4, 6), span)
    wanted = []
    for seed in range(2):
        steps = make_steps(seed=seed)
        pool.add(steps, np.arange(3))
        slow = slow_windows(steps.begins, steps.safe, span)
        mask = has_window(steps.begins, steps.safe, span)
        assert sorted(slow) == [tuple(place) for place in np.argwhere(mask).tolist()]
        wanted += [(seed, steps, world, at) for (world, _), at in slow.items()]
    found = pool.gather(pool.windows)
    assert len(pool.windows) == len(wanted) and (wanted or span.future == 70)
    for i, (seed, steps, world, at) in enumerate(wanted):
        assert found.joints[i, :, 2].tolist() == [seed] * len(at)
        np.testing.assert_array_equal(found.joints[i], steps.joints[world, at])
        np.testing.assert_array_equal(found.targets[i], steps.targets[world, at])
        np.testing.assert_array_equal(found.forces[i], steps.forces[world, at])
        t = at[span.history - 1]
        assert found.object[i] == steps.object[world, t]
        assert found.mode[i] == steps.mode[world, t]


def test_an_episode_from_another_shard_has_no_made_up_history():
    begins, safe = np.zeros((1, 8), bool), np.ones((1, 8), bool)
    found = has_window(begins, safe, Span(4, 2))
    assert np.flatnonzero(found).tolist() == [3, 4, 5]
    begins[0, 0] = True
    found = has_window(begins, safe, Span(4, 2))
    assert np.flatnonzero(found).tolist() == [0, 1, 2, 3, 4, 5]
