"""A hand's actuators and couplings are those that its description promises."""

import re
import sys

import mujoco
import numpy as np
import pytest
from claw import write_claw

from dexjax.cli.main import main
from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.hands.couplings import ties
from dexjax.hands.description import read_hand
from dexjax.runs.run import PpoRun, SceneConfig

SERVO = '<position name="left" joint="left" kp="3" inheritrange="1"/>'
GENERAL = '<general name="left" joint="left" ctrlrange="-0.3 1.2" gainprm="3" '
NO_SERVOS = [
    '<motor name="left" joint="left" ctrlrange="-1 1"/>',
    '<velocity name="left" joint="left" kv="1" ctrlrange="-1 1"/>',
    '<damper name="left" joint="left" kv="1" ctrlrange="0 1"/>',
    '<intvelocity name="left" joint="left" kp="3" ctrlrange="-1 1" actrange="-1 1"/>',
    '<muscle name="left" joint="left" ctrlrange="0 1"/>',
    '<position name="left" joint="left" kp="0" ctrlrange="-0.3 1.2"/>',
    '<position name="left" joint="left" kp="3" gear="2" ctrlrange="-0.3 1.2"/>',
    '<position name="left" joint="left" kp="3" timeconst="1" ctrlrange="-0.3 1.2"/>',
    GENERAL + 'biastype="affine" biasprm="0 -2 0"/>',
    GENERAL + 'biastype="affine" biasprm="1 -3 0"/>',
    GENERAL + 'biastype="none" biasprm="0 -3 0"/>',
]


@pytest.mark.parametrize("actuator", NO_SERVOS)
def test_a_training_refuses_what_is_no_position_servo(actuator, tmp_path):
    path = write_claw(tmp_path, (SERVO, actuator))
    with pytest.raises(DexjaxError, match="actuator 'left' (is no|has a)") as error:
        PpoRun(scene=SceneConfig(hand=str(path))).check()
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "actuator",
    [
        GENERAL + 'biastype="affine" biasprm="0 -3 -0.1"/>',
        '<position name="left" joint="left" kp="3" dampratio="1" inheritrange="1"/>',
    ],
)
def test_a_position_servo_may_be_written_otherwise(actuator, tmp_path):
    assert read_hand(write_claw(tmp_path, (SERVO, actuator))).actuated[0] == "left"


def _coupled(folder, tie, couplings, drop="right"):
    """The claw's description, one finger following the other."""
    actuator = f'<position name="{drop}" joint="{drop}" kp="3" inheritrange="1"/>'
    path = write_claw(folder, (actuator, ""), ("</mujoco>", f"{tie}</mujoco>"))
    text = path.read_text().replace("couplings: []", f"couplings: {couplings}")
    path.write_text(text)
    return path


def _joint(law, more="", first="right", second="left"):
    return (
        f'<equality><joint name="tie" joint1="{first}" joint2="{second}" '
        f'polycoef="{law}" {more}/></equality>'
    )


def _fixed(left, right, attributes=""):
    return (
        f'<tendon><fixed name="cord" {attributes}><joint joint="left" coef="{left}"/>'
        f'<joint joint="right" coef="{right}"/></fixed></tendon>'
    )


FITTING = [
    (_joint("0 0.5 0 0 0"), 0.5),
    (_joint("0 2 0 0 0", first="left", second="right"), 0.5),
    (_fixed(0.004, -0.008, 'range="-0.0005 0.0005"'), 0.5),
    (_fixed(1, 2) + '<equality><tendon tendon1="cord"/></equality>', -0.5),
]


@pytest.mark.parametrize(("tie", "ratio"), FITTING)
def test_couplings_that_fit(tie, ratio, tmp_path):
    hand = read_hand(_coupled(tmp_path, tie, f"[[left, right, {ratio}]]"))
    assert hand.couplings == (("left", "right", ratio),)
    # MuJoCo's own solver is the reference for the ratio that is read from the file.
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    (found,) = ties(model)
    data = mujoco.MjData(model)
    data.ctrl[6] = 0.4
    for _ in range(4000):
        mujoco.mj_step(model, data)
    left, right = (data.joint(name).qpos[0] for name in ("left", "right"))
    assert abs(left) > 0.2
    play = 0.0005 / 0.008 if "range" in tie else 0.0
    assert right == pytest.approx(left * found.ratio_of("right"), abs=play + 0.02)


MISFITS = [
    (_joint("0 1 0 0 0"), "[[left, right, 2.0]]", "by equality 'tie' with the ratio 1"),
    ("", "[[left, right, 1]]", r"\[left, right, 1\] is not in claw.xml: give it there"),
    (_joint("0 1 0 0 0", 'active="false"'), "[[left, right, 1]]", "is not in claw.xml"),
    (_joint("0.1 1 0 0 0"), "[[left, right, 1]]", "offset of 0.1 rad"),
    (_joint("0 1 0.5 0 0"), "[[left, right, 1]]", "another law than a ratio"),
    (_fixed(1, -2, 'range="-0.01 0.01"'), "[[left, right, 1]]", "ratio 0.5"),
    (_fixed(1, -1, 'range="-1 1"'), "[[left, right, 1]]", "is not in claw.xml"),
    (_fixed(1, -1), "[[left, right, 1]]", "is not in claw.xml"),
    (
        '<equality><joint joint1="right" polycoef="0.1 0 0 0 0"/></equality>',
        "[[left, right, 1]]",
        "holds joint 'right' still",
    ),
]


@pytest.mark.parametrize(("tie", "couplings", "message"), MISFITS)
def test_couplings_that_the_file_has_otherwise(tie, couplings, message, tmp_path):
    with pytest.raises(DexjaxError, match=message) as error:
        load_hand(str(_coupled(tmp_path, tie, couplings)))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "tie", [_joint("0 0.5 0 0 0"), _fixed(1, -2, 'range="-0.01 0.01"')]
)
def test_couplings_that_the_description_lacks(tie, tmp_path):
    path = write_claw(tmp_path, ("</mujoco>", f"{tie}</mujoco>"))
    with pytest.raises(DexjaxError, match=r"add \[\w+, \w+, (0\.5|2)\] to couplings"):
        load_hand(str(path))


def test_the_shadow_hand_is_coupled_by_the_radii_of_its_pulleys():
    model = mujoco.MjModel.from_xml_path(str(load_hand().xml))
    ratios = [tie.ratio_of(tie.first) for tie in ties(model)]
    assert len(ratios) == 4
    np.testing.assert_allclose(
        [max(ratio, 1 / ratio) for ratio in ratios], 8.05 / 7.05, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hnd", "shadow"], "--hnd"),
        (["shadow", "allegro"], "allegro"),
        (["shadwo"], "unknown hand 'shadwo'.*shadow"),
        (["claw.xml"], "unknown hand 'claw.xml'.*give the .yaml file of your own"),
        (["no.yaml"], "no.yaml: no such file"),
        (["a\0b.yaml"], "is no name of a file"),
        (["a" * 300 + ".yaml"], "File name too long"),
        (["/dev/zero/x.yaml"], "Not a directory"),
    ],
)
def test_typing_errors_give_one_line(arguments, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dexjax", "hands", "check", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert end.value.code == 2 and said.out == ""
    assert said.err.startswith("error: ") and len(said.err.splitlines()) == 1
    assert re.search(message, said.err)
