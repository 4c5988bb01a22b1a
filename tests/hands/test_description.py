"""A hand of one's own: the page's claw works, and what does not fit is named."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from claw import DESCRIPTION, write_claw

from dexjax.cli.main import main
from dexjax.errors import DexjaxError
from dexjax.hands import check_hand, load_hand
from dexjax.hands.description import read_hand
from dexjax.objects.loading import load_object
from dexjax.physics.native import NativeEngine
from dexjax.runs.run import PpoRun, SceneConfig
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspTask
from dexjax.tasks.grasp.config import GraspConfig


@pytest.fixture
def write(tmp_path):
    """Writes the claw with a change; returns the path of its description."""

    def write(old=None, new="", where="claw.xml"):
        changes = [] if old is None else [(old, new)]
        return write_claw(tmp_path, *changes, where=where)

    return write


def test_the_claw_of_the_page_does_the_task(write):
    path = write()
    hand = load_hand(str(path))
    check_hand(hand)
    PpoRun(scene=SceneConfig(hand=str(path))).check()
    assert (hand.name, hand.joints) == ("claw", ("left", "right"))
    assert hand.finger_links == ("left", "right")
    assert [link for link, _ in hand.keypoints] == [
        "palm",
        *["left"] * 2,
        *["right"] * 2,
    ]
    engine = NativeEngine(make_scene(hand, load_object("box")))
    task = GraspTask(engine, GraspConfig(starts=1, relative=True))
    assert task.spec.actions == hand.action_size == 6 + 2
    sizes = {own.name: own.size for own in task.spec.observations}
    assert sizes["proprioception"] == 2 + 2 * 19 + 6
    assert sizes["previous_action"] == 8 and sizes["relative"] == 3 + 2 * 3
    state = jax.jit(task.reset)(jax.random.key(0))
    state = jax.jit(task.step)(state, jnp.ones(8))
    assert all(np.isfinite(x).all() for x in state.obs.values())
    assert float(state.reward) != 0.0
    # The start faces the table: palm and fingertips above it, the tips below the palm.
    heights = {
        name: float(state.physics.sensordata[engine.scene.sensors[f"{name}_pos"]][2])
        for name in ("palm", "lefttip", "righttip")
    }
    assert 0.0 < heights["lefttip"] < heights["palm"]
    assert heights["lefttip"] == pytest.approx(heights["righttip"], abs=0.01)


BAD_MJCF = [
    ('<mujoco model="claw">', '<mujoco model="claw"><oops/>', "claw.xml: XML Error"),
    ('name="palm" gravcomp', 'name="wrist" gravcomp', "first body must be called"),
    ('name="root" type="free"', 'name="root" type="ball"', "free joint called 'root'"),
    (
        '<site name="palm_center"',
        '<body name="mount"/><site name="palm_center"',
        "body 'mount' needs exactly one hinge",
    ),
    ('range="-0.3 1.2" ', 'limited="false" range="0 1" ', "joint 'left' has no range"),
    ('"palm_center" pos', '"palm_center" euler="0 1 0" pos', "must not be turned"),
    ('name="wrist_fy"', 'name="wrist_y"', "actuator 1 must be 'wrist_fy'.*'wrist_y'"),
    ('gear="0 0 1 0 0 0"', 'gear="0 0 2 0 0 0"', "'wrist_fz' must be a general"),
    ('<position name="left" joint', '<position name="l" joint', "actuator 'l' must"),
    (
        '<position name="left" joint="left" kp="3" inheritrange="1"/>',
        "",
        "joint 'left' needs either an actuator of its name or a coupling",
    ),
    ('<jointvel name="right_vel" joint="right"/>', "", "no sensor 'right_vel'"),
    ('name="lefttip_force" site="lefttip"', 'site="lefttip"', "no sensor 'lefttip_fo"),
    (
        'name="righttip_pos" objtype="site" objname="righttip"',
        'name="righttip_pos" objtype="site" objname="lefttip"',
        "sensor 'righttip_pos' must be a framepos of 'righttip'",
    ),
    ('contype="1" conaffinity="7"', 'contype="1"', "conaffinity 1: give 1 and 7"),
    ('autolimits="true"', 'autolimits="false"', "claw.xml.*limited"),
    ('contype="1" conaffinity="7"', 'priority="2"', "palm has priority 2: leave it"),
    ('name="right_vel"', 'name="right_vel" cutoff="1"', "'right_vel' must have no cut"),
    (' angle="radian"', "", "pose 'open' has left at -0.2 rad, must be within -0.005"),
    ('geom name="palm"', 'geom name="table"', "does not go with tabletop.xml.*table"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_MJCF)
def test_an_mjcf_file_that_does_not_fit(write, old, new, message):
    with pytest.raises(DexjaxError, match=message) as error:
        read_hand(write(old, new))
    assert "\n" not in str(error.value) and "claw" in str(error.value)


BAD_DESCRIPTION = [
    (DESCRIPTION, "- a list", "describes no hand"),
    (DESCRIPTION, "{", "is not YAML"),
    ("name: claw", "nmae: claw", "unknown field 'nmae'"),
    ("name: claw", "", "the field 'name' is missing"),
    ("name: claw", "name: 3", "name: 3 should be a name"),
    ("name: claw", "name: ../claw", "name: .*names the folders of runs"),
    ("{left: 0.3,", "{left: .nan,", "poses: nan should be a number"),
    ("{left: 0.3,", "{no: 0.3,", "poses: False should be a name: in quotes"),
    ("{left: 0.3,", "{left: 0.3, left: 0.2,", "a name comes twice"),
    ("[lefttip, righttip]", "[lefttip, lefttip]", "fingertips: .lefttip. comes twice"),
    ("mjcf: claw.xml", "mjcf: crab.xml", r"crab\.xml"),
    ("[lefttip, righttip]", "[lefttip, thumbtip]", "no site 'thumbtip' in claw.xml"),
    ("[0.7071068, 0, 0.7071068, 0]", "[1, 0, 0]", "start_quat.*four numbers"),
    ("[0.7071068, 0, 0.7071068, 0]", "[1, 0, 1, 0]", "start_quat.*length 1"),
    ("  grasp:", "  pinch:", "no pose 'grasp'"),
    ("{left: 0.3,", "{lefd: 0.3,", "pose 'grasp' has 'lefd', which is no joint"),
    ("{left: 0.3,", "{left: 1.3,", "'grasp' has left at 1.3 rad, must be within -0.3 "),
    ("{left: 0.3,", "{left: x,", "poses: 'x' should be a number"),
    ("[palm]", "[hull]", "no body 'hull'"),
    ("couplings: []", "couplings: [[left, right]]", "couplings.*driving, following"),
    ("couplings: []", "couplings: [[left, wrong, 1]]", "no joint 'wrong'"),
    ("couplings: []", "couplings: [[left, right, 1]]", "joint 'right' needs either"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_DESCRIPTION)
def test_a_description_that_does_not_fit(write, old, new, message):
    with pytest.raises(DexjaxError, match=message) as error:
        read_hand(write(old, new, "claw.yaml"))
    assert "\n" not in str(error.value)


def test_unknown_hands_are_refused(tmp_path):
    with pytest.raises(DexjaxError, match=r"no\.yaml: no such file"):
        load_hand(str(tmp_path / "no.yaml"))
    with pytest.raises(DexjaxError, match=r"unknown hand 'alegro'.*\['allegro'\]"):
        load_hand("alegro")
    with pytest.raises(DexjaxError, match="unknown hand 'foot'.*shadow.*allegro"):
        PpoRun(scene=SceneConfig(hand="foot")).check()


def test_a_trial_notices_links_that_overlap_and_a_hand_that_falls(write):
    crossed = read_hand(
        write("{left: 0.3, right: 0.3}", "{left: 0.9, right: 0.9}", "claw.yaml")
    )
    with pytest.raises(DexjaxError, match="left and right overlap by .* 'grasp'"):
        check_hand(crossed)
    falling = read_hand(write('name="palm" gravcomp="1"', 'name="palm"'))
    with pytest.raises(DexjaxError, match="'claw' does not rest: root moved by"):
        check_hand(falling)


@pytest.mark.parametrize("name", ["shadow", "allegro"])
def test_the_command_approves_of_the_built_in_hands(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dexjax", "hands", "check", name])
    main()
    said = capsys.readouterr().out
    assert f"{load_hand(name).action_size} actions" in said and "rests" in said


def test_a_name_that_is_no_text_is_said(write):
    path = write()
    file = path.with_suffix(".xml")
    content = file.read_bytes()
    assert content.count(b"<actuator>") == 1
    word = content.split(b"<actuator>")[1].split(b'name="')[1].split(b'"')[0]
    file.write_bytes(content.replace(b'name="%s"' % word, b'name="\xd8%s"' % word))
    with pytest.raises(DexjaxError, match="a name is not UTF-8"):
        read_hand(path)
