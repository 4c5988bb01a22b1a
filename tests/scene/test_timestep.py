"""A longer physics step: things fall as they do, and servos arrive as they do."""

import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_object
from dexjax.scene import make_scene
from dexjax.scene.carriers import FixedPalm

G = 9.81
STEPS = (0.005, 0.01)


@pytest.fixture(scope="module")
def box():
    return load_object("box")


def made(box, timestep):
    return make_scene(load_hand("allegro"), box, carrier=FixedPalm(), timestep=timestep)


def after(scene, seconds, ctrl=None):
    """(qpos, qvel) after some time, the object beside the hand high above the table."""
    model = scene.model
    data = mujoco.MjData(model)
    place = scene.object_qpos.start
    data.qpos[place : place + 3] = [0.5, 0.5, 3.0]
    data.qpos[scene.finger_qpos] = scene.hand.poses["open"]
    open_ = scene.hand.poses["open"][scene.hand.actuated_index]
    data.ctrl[:] = open_ if ctrl is None else ctrl
    for _ in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)
    return data.qpos.copy(), data.qvel.copy()


@pytest.mark.parametrize("timestep", STEPS)
def test_a_thing_falls_as_semi_implicit_steps_have_it(box, timestep):
    scene = made(box, timestep)
    assert scene.model.opt.timestep == timestep
    qpos, qvel = after(scene, 0.4)
    z = qpos[scene.object_qpos.start + 2]
    assert z == pytest.approx(3.0 - 0.5 * G * 0.4 * (0.4 + timestep), abs=1e-6)
    assert qvel[scene.qvel_of("object").start + 2] == pytest.approx(-G * 0.4)


def test_fingers_arrive_where_they_do_with_usual_steps(box):
    hand = load_hand("allegro")
    bent = hand.poses["open"][hand.actuated_index] + 0.2
    usual, longer = (
        after(made(box, timestep), 0.6, bent)[0][made(box, timestep).finger_qpos]
        for timestep in STEPS
    )
    assert np.abs(usual - hand.poses["open"]).max() > 0.15
    np.testing.assert_allclose(longer, usual, atol=0.01)


def test_usual_steps_are_those_of_the_file(box):
    usual = make_scene(load_hand("allegro"), box, carrier=FixedPalm()).model.opt
    assert usual.timestep == 0.005
    assert usual.integrator == mujoco.mjtIntegrator.mjINT_EULER
    longer = made(box, 0.01).model.opt
    assert longer.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST


@pytest.mark.parametrize("timestep", [0.0, -0.01, 0.1, float("nan")])
def test_other_steps_are_refused(box, timestep):
    with pytest.raises(DexjaxError, match=f"timestep {timestep} s: must be above 0"):
        made(box, timestep)
