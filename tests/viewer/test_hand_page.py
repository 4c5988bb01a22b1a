"""A hand with sliders, in headless Chromium; where its tips are, by MuJoCo C."""

import mujoco
import numpy as np
import pytest
from browser import changed, chromium, opened, picture, press, running, wait

from dexjax.hands import load_hand
from dexjax.viewer.hand_page import HandPage
from dexjax.viewer.server import free_port, serve

HAND = "shadow"  # with joints that follow others


@pytest.fixture(scope="module")
def shown():
    hand = load_hand(HAND)
    page = HandPage(serve("127.0.0.1", free_port("127.0.0.1"), HAND), hand)
    with chromium() as browser, running(page):
        tab, wrong = opened(browser, page.address)
        yield page, tab
        assert not wrong


def test_poses_and_sliders_move_the_hand(shown):
    page, tab = shown
    hand = load_hand(HAND)
    np.testing.assert_allclose(page.angles, hand.poses["open"], atol=1e-3)
    one = picture(tab)
    press(tab, "grasp")
    wait(lambda: np.allclose(page.angles, hand.poses["grasp"], atol=1e-3))
    wait(lambda: changed(one, picture(tab)) > 0.002)
    joint = hand.actuated[0]
    field = tab.get_by_role("textbox").first
    field.fill("0.1")
    field.press("Enter")
    index = hand.joints.index(joint)
    wait(lambda: abs(page.angles[index] - 0.1) < 1e-6)


def test_joints_follow_those_that_drive_them(shown):
    page, _ = shown
    hand = load_hand(HAND)
    assert hand.couplings
    for driving, following, ratio in hand.couplings:
        angles = page.angles
        index = hand.joints.index
        assert angles[index(following)] == pytest.approx(ratio * angles[index(driving)])


def test_bodies_are_where_mujoco_has_them(shown):
    """The hand's own file, its palm turned as on the page."""
    page, _ = shown
    hand = load_hand(HAND)
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    data = mujoco.MjData(model)
    for joint, angle in zip(hand.joints, page.angles, strict=True):
        data.qpos[model.joint(joint).qposadr[0]] = angle
    mujoco.mj_kinematics(model, data)
    palm, tips = hand.links[0], hand.finger_links
    placed = {name: page.position(name) for name in (palm, *tips)}
    for name in tips:
        own = np.linalg.norm(data.body(name).xpos - data.body(palm).xpos)
        shown_there = np.linalg.norm(placed[name] - placed[palm])
        assert shown_there == pytest.approx(own, abs=1e-5)
