"""Steps: what is refused, and which are safe."""

import numpy as np
import pytest

from dexjax.data import check_steps, mark_safe, spec_of
from dexjax.errors import DexjaxError
from dexjax.hands import load_hand


def slow_safe(begins, dropped, steps):
    """Looks ahead from every step."""
    worlds, length = begins.shape
    found = np.ones((worlds, length), bool)
    for world in range(worlds):
        for t in range(length):
            for ahead in range(t, t + steps):
                if ahead > t and ahead < length and begins[world, ahead]:
                    break
                if ahead == length or dropped[world, ahead]:
                    found[world, t] = False
                    break
    return found


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_safe_steps_are_those_that_a_look_ahead_finds(steps):
    rng = np.random.default_rng(steps)
    begins = rng.random((40, 70)) < 0.1
    dropped = np.roll(begins, -1, axis=1) & (rng.random(begins.shape) < 0.5)
    # Also drops that end no episode.
    dropped |= rng.random(begins.shape) < 0.01
    found = mark_safe(begins, dropped, steps)
    np.testing.assert_array_equal(found, slow_safe(begins, dropped, steps))
    assert 0 < found.mean() < 1


def test_what_comes_after_the_end_is_not_known():
    none = np.zeros((1, 50), bool)
    assert mark_safe(none, none).sum() == 50 - 19


def test_a_drop_does_not_reach_into_the_episode_before():
    begins, dropped = np.zeros((2, 1, 60), bool)
    begins[0, 20] = dropped[0, 25] = begins[0, 26] = True
    safe = mark_safe(begins, dropped)
    assert safe[0, :20].all() and not safe[0, 20:26].any() and safe[0, 26:40].all()


def test_flags_of_other_shapes_are_refused():
    with pytest.raises(DexjaxError, match=r"begins \[2, 3\] and dropped \[2, 4\]"):
        mark_safe(np.zeros((2, 3), bool), np.zeros((2, 4), bool))
    with pytest.raises(DexjaxError, match="0 steps unsafe: must be 1 or more"):
        mark_safe(np.zeros((2, 3), bool), np.zeros((2, 3), bool), 0)


@pytest.mark.parametrize(
    "name, change, said",
    [
        ("joints", lambda x: x[..., :4], r"joints is float16\[6, 60, 4\], must be"),
        ("joints", lambda x: x.astype(np.float32), "joints is float32"),
        ("forces", lambda x: x * np.float16(np.inf), "forces has a value that is not"),
        ("object", lambda x: x + np.uint16(1), "object 3 has no name: the spec has 3"),
        ("mode", lambda x: x + np.uint8(9), "mode 10 has no name: the spec has 2"),
        ("begins", lambda x: x[0], r"begins is of shape \(60,\), must be"),
        ("safe", lambda x: x[:, :9], r"safe is bool\[6, 9\], must be bool\[6, 60\]"),
    ],
)
def test_steps_that_do_not_fit_are_refused(spec, make_steps, name, change, said):
    steps = make_steps()
    check_steps(steps, spec)
    with pytest.raises(DexjaxError, match=said):
        check_steps(steps._replace(**{name: change(getattr(steps, name))}), spec)


def test_the_spec_of_a_hand_counts_its_parts():
    spec = spec_of(load_hand("allegro"), ("cube",), ("up",), ("one",))
    assert (spec.hand, spec.joints, spec.actuated, spec.fingertips) == (
        *("allegro", 16, 16),
        4,
    )
