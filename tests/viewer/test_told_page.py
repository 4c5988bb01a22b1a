"""A page of a policy that can be told something, in a world with points."""

import pytest
from browser import changed, chromium, opened, picture, press, running, wait
from puppet import Puppet

import dexjax
from dexjax.policies.policy import Command
from dexjax.runs.measure import Where
from dexjax.spec import PolicySpec
from dexjax.viewer.live_world import LiveWorld
from dexjax.viewer.page import Page
from dexjax.viewer.server import free_port, serve
from dexjax.viewer.worlds import live_world


@pytest.fixture(scope="module")
def page():
    stored = dexjax.load("resdex/student")
    task = live_world(stored, Where("mug", engine="native"), 0).task
    puppet = Puppet(PolicySpec.of(task.spec, ()), (Command("bend", start=0.25),))
    return Page(
        serve("127.0.0.1", free_port("127.0.0.1"), "puppet"), LiveWorld(task, puppet)
    )


@pytest.fixture(scope="module")
def tab(page):
    with chromium() as browser, running(page):
        tab, wrong = opened(browser, page.address)
        tab.get_by_role("button", name="pause", exact=True).wait_for()
        yield tab
        assert not wrong


def told(page):
    return float(page.world.state.memory.previous_action[6])


def test_what_is_typed_beside_a_slider_reaches_the_policy(page, tab):
    wait(lambda: told(page) == pytest.approx(0.25))
    one = picture(tab)
    number = tab.get_by_role("textbox").last
    number.fill("-1")
    number.press("Enter")
    wait(lambda: told(page) == pytest.approx(-1.0))
    # The finger is seen to move.
    wait(lambda: changed(one, picture(tab)) > 0.002)


def test_points_are_shown_and_hidden(page, tab):
    press(tab, "pause")
    tab.get_by_role("button", name="play", exact=True).wait_for()
    tab.wait_for_timeout(500)
    one = picture(tab)
    blue = (one[..., 2] - one[..., 0] > 60).mean()
    assert blue > 0.0005
    tab.get_by_role("checkbox", name="points").uncheck()
    wait(lambda: changed(one, picture(tab)) > 0.001)
    other = picture(tab)
    assert (other[..., 2] - other[..., 0] > 60).mean() < 0.2 * blue
