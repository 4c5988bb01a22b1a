"""The page of a hand in headless Chromium: tips are dragged, the palm is turned."""

import mujoco
import numpy as np
import pytest
from browser import changed, chromium, opened, picture, press, running, wait

from dexjax.render.upright import upright
from dexjax.runs.measure import Where
from dexjax.runs.stored import load_stored
from dexjax.viewer.palm.keys import STEP_M
from dexjax.viewer.palm.page import PalmPage, make_page
from dexjax.viewer.palm.recording import read_recording
from dexjax.viewer.palm.replay import replayed
from dexjax.viewer.server import free_port, serve
from dexjax.viewer.worlds import live_world

WHERE = Where(engine="native")
THUMB = 3
SEEN = 0.002  # of the pixels
DOWN = 20  # pixels


class Shown:
    """A page of a stored policy and a tab of it."""

    def __init__(self, folder):
        self.server = serve("127.0.0.1", free_port("127.0.0.1"), "hand")
        self.page = make_page(
            self.server, live_world(load_stored(folder), WHERE, 0), None, None
        )

    @property
    def world(self):
        return self.page.world

    def begin(self):
        """The first episode, standing still, with nothing told."""
        if self.tab.get_by_role("button", name="pause", exact=True).count():
            press(self.tab, "pause")
        self.tab.get_by_role("button", name="play", exact=True).wait_for()
        press(self.tab, "reset")
        wait(lambda: int(self.world.state.step) == 0)

    def step(self):
        before = int(self.world.state.step)
        press(self.tab, "step")
        wait(lambda: int(self.world.state.step) == before + 1)

    def pixel(self, tab, finger):
        """Where a tab shows the ball of a fingertip."""
        newest = max(self.server.get_clients().items())[1].camera
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, newest.wxyz)
        away = (self.page.ball(finger) - newest.position) @ turn.reshape(3, 3)
        box = tab.locator("canvas").first.bounding_box()
        scale = box["height"] / 2 / np.tan(newest.fov / 2) / away[2]
        return (
            box["x"] + box["width"] / 2 + scale * away[0],
            box["y"] + box["height"] / 2 + scale * away[1],
        )

    def drag(self, tab, finger):
        """Drags a ball down; the button stays pressed."""
        x, y = self.pixel(tab, finger)
        tab.mouse.move(x, y)
        tab.mouse.down()
        for share in (0.3, 0.6, 1.0, 1.0):
            tab.mouse.move(x, y + share * DOWN)
            tab.wait_for_timeout(200)
        wait(lambda: finger in self.world.reached)


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page(browser, controller_folder):
    shown = Shown(controller_folder)
    assert isinstance(shown.page, PalmPage)
    with running(shown.page):
        shown.tab, wrong = opened(browser, shown.page.address)
        shown.tab.get_by_role("button", name="pause", exact=True).wait_for()
        wait(lambda: int(shown.world.state.step) > 0)
        yield shown
    assert not wrong, wrong


@pytest.fixture
def shown(page):
    page.begin()
    return page


def test_a_tip_is_dragged_and_let_go(shown):
    shown.tab.get_by_label("controller", exact=True).uncheck()
    wait(lambda: shown.world.wanted["on"] == 0.0)
    before, _ = shown.world.fingertips()
    one = picture(shown.tab)
    shown.drag(shown.tab, THUMB)
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)
    goal = np.array(shown.world.reached[THUMB])
    way = goal - before[THUMB]
    assert 0.005 < np.linalg.norm(way) < 0.05 and way[2] < -0.8 * np.linalg.norm(way)
    np.testing.assert_allclose(shown.page.ball(THUMB), goal, atol=1e-4)
    for _ in range(3):
        shown.step()
    now, _ = shown.world.fingertips()
    assert (now - before)[THUMB] @ way > 0
    shown.tab.mouse.up()
    wait(lambda: not shown.world.reached)
    wait(lambda: np.linalg.norm(shown.page.ball(THUMB) - now[THUMB]) < 1e-3)
    assert not shown.world.offsets().any()
    shown.tab.get_by_label("controller", exact=True).check()
    wait(lambda: shown.world.wanted["on"] == 1.0)


def test_keys_move_a_tip_and_let_it_go(shown):
    tips, _ = shown.world.fingertips()
    # A field or switch that was used last would get the keys.
    shown.tab.mouse.click(60, 60)
    shown.tab.keyboard.press(str(THUMB + 1))
    wait(lambda: shown.page._chosen == THUMB)
    shown.tab.keyboard.press("i")
    wait(lambda: THUMB in shown.world.reached)
    shown.tab.keyboard.press("u")
    wait(lambda: np.linalg.norm(shown.world.reached[THUMB] - tips[THUMB]) > 0.006)
    # Forward and out of a palm that faces up.
    way = shown.world.reached[THUMB] - tips[THUMB]
    np.testing.assert_allclose(way, [STEP_M, 0.0, STEP_M], atol=1e-6)
    np.testing.assert_allclose(shown.world.offsets()[THUMB], way, atol=1e-6)
    shown.tab.keyboard.press("x")
    wait(lambda: not shown.world.reached)


def test_switches_reach_the_controller(shown):
    guidance = shown.tab.get_by_role("textbox").first
    guidance.fill("1.5")
    guidance.press("Enter")
    shown.tab.get_by_label("mode", exact=True).click()
    shown.tab.get_by_role("option", name="precision rotation").click()
    wait(lambda: shown.world.wanted["mode"] == 1.0)
    wait(lambda: shown.world.wanted["guidance"] == 1.5)
    shown.step()
    prompt = shown.world._memory.carry
    assert float(prompt.guidance[0]) == 1.5 and int(prompt.mode[0]) == 1


def test_the_picture_turns_with_the_palm(shown):
    shown.step()
    one, qpos = picture(shown.tab), np.array(shown.world.state.physics.qpos)
    turns = {"palm up": "thumb up", "thumb up": "palm up"}
    other = turns[shown.world.turn]
    shown.tab.get_by_label("palm", exact=True).click()
    shown.tab.get_by_role("option", name=other).click()
    wait(lambda: shown.world.turn == other)
    wait(lambda: changed(one, picture(shown.tab)) > SEEN)
    np.testing.assert_array_equal(shown.world.state.physics.qpos, qpos)
    assert int(shown.world.state.step) == 1
    # As the episode began, and as the panel shows it.
    press(shown.tab, "reset")
    wait(lambda: shown.world.turn != other)
    palm = shown.tab.get_by_label("palm", exact=True)
    wait(lambda: palm.input_value() == turns[other])


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [1, -1])
def test_gravity_pulls_down_in_the_picture(axis, sign):
    gravity = sign * np.eye(3)[axis]
    np.testing.assert_allclose(upright(gravity).apply(gravity), [0, 0, -1], atol=1e-9)


def test_a_drop_is_seen_and_counted(shown):
    state = shown.world.state
    place = shown.world.scene.qpos_of("object").start
    away = state.physics._replace(qpos=state.physics.qpos.at[place].add(0.5))
    shown.world.state = state.replace(physics=away)
    shown.step()
    wait(lambda: shown.tab.get_by_text("dropped after").count() == 1)
    press(shown.tab, "step")
    wait(lambda: shown.world.tally.episodes == 1)
    shown.tab.get_by_text("drops before").wait_for()


def test_what_is_recorded_is_saved_and_done_again(shown, controller_folder, tmp_path):
    press(shown.tab, "record")
    wait(lambda: shown.world.records)
    shown.world.take_turn("thumb up")
    shown.tab.wait_for_timeout(500)
    shown.drag(shown.tab, THUMB)
    tips, _ = shown.world.fingertips()
    way = shown.world.reached[THUMB] - tips[THUMB]
    # Down in the picture is not down in the world.
    assert way @ shown.world.gravity > 0.8 * np.linalg.norm(way) > 0.004
    seen = []
    for _ in range(4):
        shown.step()
        seen.append(np.array(shown.world.state.physics.qpos))
    shown.tab.mouse.up()
    wait(lambda: not shown.world.reached)
    with shown.tab.expect_download() as coming:
        press(shown.tab, "save")
    file = tmp_path / "prompts.json"
    coming.value.save_as(file)
    recording = read_recording(file)
    assert np.any(recording.rows[-1].command[THUMB])
    assert len(recording.rows) == 4
    other = live_world(load_stored(controller_folder), WHERE, 0)
    np.testing.assert_array_equal([*replayed(other, recording)], seen)


def test_a_tab_that_is_gone_tells_nothing(shown, browser):
    other, wrong = opened(browser, shown.page.address)
    other.get_by_role("button", name="play", exact=True).wait_for()
    other.get_by_text("Fingertips by number").click()
    numbers = other.get_by_role("textbox")
    wait(lambda: numbers.count() > 12)
    number = numbers.nth(1)  # after that of guidance
    number.fill("0.01")
    number.press("Enter")
    wait(lambda: shown.world.offsets()[0, 0] > 0)
    shown.drag(other, THUMB)
    assert shown.world.offsets()[THUMB].any()
    other.close()
    wait(lambda: not shown.world.reached)
    wait(lambda: not shown.world.offsets().any())
    assert not wrong, wrong


def test_an_experts_goal_is_shown_and_nothing_to_drag(expert_folder):
    page = Shown(expert_folder).page
    scene = page.world.scene
    with running(page):
        ghost, goal = page.ghost, page.world.state.memory.goal
        placed = np.array(page.world.task.sight.place(goal)[scene.object_qpos])
        np.testing.assert_allclose(ghost.position, placed[:3], atol=1e-6)
        assert abs(np.dot(ghost.wxyz, placed[3:])) == pytest.approx(1.0, abs=1e-5)
