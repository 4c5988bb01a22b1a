"""The page in headless Chromium: it loads without an error, and every control works.

Each control is looked at twice: what it does to the world, and that the picture or the
panel shows it.
"""

import time

import jax
import numpy as np
import pytest
from browser import (
    CANVAS,
    changed,
    chromium,
    opened,
    picture,
    press,
    running,
    wait,
)

import dexjax
from dexjax.policies.policy import Policy
from dexjax.runs.measure import Where
from dexjax.viewer.controls import LARGEST_SEED
from dexjax.viewer.page import Page
from dexjax.viewer.server import free_port, serve
from dexjax.viewer.worlds import live_world, loader

WHERE = Where("mug,can", engine="native")
SEEN = 0.002  # of the pixels


class Shown:
    """A page, a tab of it, and what the test may give the training it follows."""

    def __init__(self, browser):
        stored = dexjax.load("resdex/mug")
        self.coming: list[Policy] = []
        self.policy = stored.policy
        self.page = Page(
            serve("127.0.0.1", free_port("127.0.0.1"), "resdex/mug"),
            live_world(stored, WHERE, 0),
            loader(stored, WHERE),
            lambda: self.coming.pop() if self.coming else None,
        )
        self.browser = browser

    @property
    def world(self):
        return self.page.world

    def button(self, name):
        press(self.tab, name)

    def pause(self):
        if self.tab.get_by_role("button", name="pause", exact=True).count():
            self.button("pause")
        self.tab.get_by_role("button", name="play", exact=True).wait_for()
        self.tab.wait_for_timeout(300)

    def play(self):
        self.button("play")
        self.tab.get_by_role("button", name="pause", exact=True).wait_for()

    def begin(self):
        """The episode again, standing still, and drawn."""
        self.pause()
        self.button("reset")
        wait(lambda: int(self.world.state.step) == 0)
        self.tab.wait_for_timeout(500)

    def height(self):
        """Of the object, m."""
        place = self.world.scene.qpos_of("object").start
        return float(self.world.state.physics.qpos[place + 2])


@pytest.fixture(scope="module")
def shown():
    with chromium() as browser:
        shown = Shown(browser)
        with running(shown.page):
            shown.tab, shown.wrong = opened(browser, shown.page.address)
            shown.tab.get_by_role("button", name="pause", exact=True).wait_for()
            yield shown
    assert not shown.wrong


def test_it_loads_without_an_error_and_moves(shown):
    one = picture(shown.tab)
    assert one.std() > 5
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)
    assert not shown.wrong


def test_it_stands_still_when_paused_and_goes_on(shown):
    shown.pause()
    step, one = int(shown.world.state.step), picture(shown.tab)
    shown.tab.wait_for_timeout(500)
    assert int(shown.world.state.step) == step
    assert changed(one, picture(shown.tab)) < SEEN
    shown.play()
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)


def test_it_does_single_steps(shown):
    shown.begin()
    one = picture(shown.tab)
    for count in range(1, 11):
        shown.button("step")
        wait(lambda c=count: int(shown.world.state.step) == c)
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)
    shown.tab.get_by_text("step 10 of 200").wait_for()


def test_the_button_resets(shown):
    shown.begin()
    one = picture(shown.tab)
    shown.play()
    wait(lambda: int(shown.world.state.step) > 60)
    shown.pause()
    assert changed(one, picture(shown.tab)) > SEEN
    shown.button("reset")
    wait(lambda: int(shown.world.state.step) == 0)
    # As another world begins that episode.
    other = live_world(dexjax.load("resdex/mug"), WHERE, shown.world.seed)
    found = np.array(shown.world.state.physics.qpos)
    np.testing.assert_array_equal(found, other.state.physics.qpos)
    wait(lambda: changed(one, picture(shown.tab)) < 2 * SEEN)


def test_time_goes_slower(shown):
    shown.pause()
    speed = shown.tab.get_by_role("textbox").first
    speed.fill("0.1")
    speed.press("Enter")
    wait(lambda: shown.page.speed == 0.1)
    shown.button("reset")
    wait(lambda: int(shown.world.state.step) == 0)
    shown.play()
    began, before = time.monotonic(), int(shown.world.state.step)
    time.sleep(3)
    steps = int(shown.world.state.step) - before
    rate = steps / (time.monotonic() - began)
    speed.fill("1")
    speed.press("Enter")
    wait(lambda: shown.page.speed == 1.0)
    # A tenth of 50 a second; a machine that is busy may do fewer.
    assert 1 < rate < 7


def test_a_seed_is_chosen(shown):
    shown.pause()
    seed = shown.tab.get_by_label("seed")
    starts = []
    for number in (1005, 1006, 1007, 1006, 1005):
        seed.fill(str(number))
        seed.press("Enter")
        wait(lambda n=number: shown.world.seed == n)
        starts.append(np.array(shown.world.state.physics.qpos))
    # No number that is typed ends the page.
    seed.fill("99999999999999")
    seed.press("Enter")
    wait(lambda: shown.world.seed == LARGEST_SEED)
    np.testing.assert_array_equal(starts[0], starts[4])
    assert np.abs(starts[0] - starts[1]).max() > 1e-3


def test_another_object_is_chosen(shown):
    shown.pause()
    one = picture(shown.tab)
    chosen = shown.tab.get_by_label("object", exact=True)
    chosen.click()
    shown.tab.get_by_role("option", name="can").click()
    wait(lambda: shown.world.index == 1)
    wait(lambda: int(shown.world.state.physics.object_id) == 1)
    assert shown.world.tally.episodes == 0
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)
    assert not shown.wrong


def test_other_objects_are_made(shown):
    shown.pause()
    others = shown.tab.get_by_role("textbox").nth(1)
    others.fill("/etc/passwd")
    shown.button("load others")
    shown.tab.get_by_text("is not built in").wait_for()
    others.fill("box,bottle")
    shown.button("load others")
    wait(lambda: shown.world.names == ("box", "bottle"), 60)
    wait(lambda: shown.tab.get_by_label("object", exact=True).input_value() == "box")
    assert not shown.tab.get_by_text("is not built in").count()


def test_the_policy_lets_go(shown):
    shown.pause()
    shown.button("reset")
    acts = shown.tab.get_by_label("policy acts")
    acts.uncheck()
    wait(lambda: not shown.world.acts)
    shown.button("step")
    wait(lambda: int(shown.world.state.step) == 1)
    # The last command of an episode's start: nothing.
    assert not np.array(shown.world.state.memory.previous_action).any()
    acts.check()
    wait(lambda: shown.world.acts)


def test_a_button_pushes(shown):
    shown.begin()
    low, one = shown.height(), picture(shown.tab)
    shown.button("up")
    for _ in range(3):
        shown.button("step")
    wait(lambda: shown.height() > low + 0.005)
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)


def test_a_click_on_the_object_pushes(shown):
    """Away from who looks: along -x and +y."""
    shown.begin()
    place = shown.world.scene.qpos_of("object").start
    before = np.array(shown.world.state.physics.qpos[place : place + 3])
    x, y = _middle_of_object(shown)
    shown.tab.mouse.click(x, y)
    shown.tab.wait_for_timeout(500)
    for count in range(1, 6):
        shown.button("step")
        wait(lambda c=count: int(shown.world.state.step) == c)
    moved = np.array(shown.world.state.physics.qpos[place : place + 3]) - before
    assert moved[1] > 0.002 and moved[0] < -0.001, moved


def _middle_of_object(shown):
    """Pixel of the object: it alone is orange."""
    shot = picture(shown.tab)
    orange = (shot[..., 0] - shot[..., 2] > 50) & (shot[..., 0] > 120)
    rows, columns = np.nonzero(orange)
    assert len(rows) > 50
    middle = len(rows) // 2
    order = np.lexsort((columns, rows))
    return float(columns[order[middle]]), float(rows[order[middle]] + CANVAS["y"])


def test_cameras_are_shown(shown):
    images = shown.tab.locator('img[src^="blob:"]')
    assert not images.count()
    shown.pause()
    shown.tab.get_by_label("cameras").check()
    wait(lambda: images.count() == 2)
    shown.tab.wait_for_timeout(2000)
    first = images.last.get_attribute("src")
    for _ in range(5):
        shown.button("step")
    wait(lambda: images.last.get_attribute("src") != first)
    shown.tab.get_by_label("cameras").uncheck()
    wait(lambda: not images.count())


def test_a_newer_checkpoint_takes_over(shown):
    newer = jax.tree.map(lambda x: x + 0.0, shown.policy)
    shown.coming.append(newer)
    wait(lambda: shown.world.policy is newer, 20)
    shown.tab.get_by_label("follow the training").uncheck()
    shown.coming.append(shown.policy)
    shown.tab.wait_for_timeout(6000)
    assert shown.world.policy is newer


def test_two_tabs_show_the_same(shown):
    other, wrong = opened(shown.browser, shown.page.address)
    other.get_by_role("button", name="play", exact=True).wait_for()
    press(other, "play")
    shown.tab.get_by_role("button", name="pause", exact=True).wait_for()
    shown.pause()
    other.get_by_role("button", name="play", exact=True).wait_for()
    wait(lambda: changed(picture(other), picture(shown.tab)) < 0.1)
    other.close()
    assert not wrong
    shown.play()


def test_time_is_kept(shown):
    """Policy and physics are quick enough for a world in real time."""
    took = [*shown.page.step_s]
    assert len(took) > 50 and float(np.median(took)) < 0.02
