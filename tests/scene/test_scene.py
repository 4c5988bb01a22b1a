"""A scene: its sizes, what its sensors are, how the wrist is driven, what collides."""

import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand, mjcf_path
from dexjax.objects.loading import load_object, load_objects
from dexjax.scene import WRIST_DRIVES, make_scene


@pytest.fixture(scope="module")
def pair():
    return make_scene(load_hand(), load_objects(["mug", "box"]), "wrench")


def test_sizes(box_scene):
    model = box_scene.model
    # Free hand and object 7 + 7, fingers 22; wrist 6 and actuated joints 18.
    assert (model.nq, model.nv, model.nu, model.na) == (36, 34, 24, 0)
    assert model.opt.timestep == 0.005
    names = [
        mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_ACTUATOR, i) for i in range(7)
    ]
    assert names[0] == "wrist_fx" and names[5] == "wrist_tz"
    assert names[6] == box_scene.hand.actuated[0]


def test_where_things_stand_in_qpos(box_scene):
    model, data = box_scene.model, mujoco.MjData(box_scene.model)
    data.qpos[box_scene.root_qpos] = [0.1, 0.2, 0.5, 0, 1, 0, 0]
    data.qpos[box_scene.object_qpos] = [0.3, 0.4, 0.6, 0, 0, 1, 0]
    data.qpos[box_scene.finger_qpos] = box_scene.hand.poses["grasp"]
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(data.body("palm").xpos, [0.1, 0.2, 0.5])
    np.testing.assert_allclose(data.body("palm").xquat, [0, 1, 0, 0])
    np.testing.assert_allclose(data.body("object").xpos, [0.3, 0.4, 0.6])
    for joint, angle in zip(
        box_scene.hand.joints, box_scene.hand.poses["grasp"], strict=True
    ):
        assert data.joint(joint).qpos[0] == angle


def test_sensor_slices_are_the_sensors(box_scene):
    data = mujoco.MjData(box_scene.model)
    rng = np.random.default_rng(0)
    data.qvel[:] = rng.normal(size=box_scene.model.nv)
    mujoco.mj_forward(box_scene.model, data)
    covered = np.zeros(box_scene.model.nsensordata, int)
    for name, where in box_scene.sensors.items():
        covered[where] += 1
        np.testing.assert_array_equal(data.sensordata[where], data.sensor(name).data)
    assert (covered == 1).all()
    np.testing.assert_allclose(
        data.sensor("object_linvel").data, data.joint("object").qvel[:3]
    )


def steady(scene, ctrl, steps=300):
    """Root velocity (6,) after `steps`, high above the table, and the first force."""
    model, data = scene.model, mujoco.MjData(scene.model)
    data.qpos[scene.root_qpos] = [0, 0, 2, 1, 0, 0, 0]
    data.qpos[scene.object_qpos][:3] = [5, 5, 0.1]
    data.ctrl[:6] = ctrl
    mujoco.mj_forward(model, data)
    first = data.qfrc_actuator[:6].copy()
    for _ in range(steps):
        mujoco.mj_step(model, data)
    return data.joint("root").qvel, first


def test_the_wrench_drive_is_the_papers():
    scene = make_scene(load_hand(), load_object("box"), "wrench")
    mass = scene.model.body("palm").subtreemass[0]
    # The released code: 833.3 N on 4.41 kg, linear damping 100 1/s.
    velocity, force = steady(scene, [1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(velocity[0], 833.3 / 4.41 / 100, rtol=0.02)
    np.testing.assert_allclose(force[0] / mass, 833.3 / 4.41, rtol=0.03)


@pytest.mark.parametrize("wrist", WRIST_DRIVES)
def test_the_drive_reaches_its_speed_within_its_limits(wrist):
    scene, drive = (
        make_scene(load_hand(), load_object("box"), wrist),
        WRIST_DRIVES[wrist],
    )
    velocity, force = steady(scene, [0, 0.5, 0, 0, 0, 0])
    np.testing.assert_allclose(velocity[1], 0.5 * drive.speed[0], rtol=0.05)
    assert abs(force[1]) <= drive.limit[0] + 1e-9
    velocity, force = steady(scene, [0, 0, 0, 0, 0, -0.5])
    np.testing.assert_allclose(velocity[5], -0.5 * drive.speed[1], rtol=0.05)
    assert abs(force[5]) <= drive.limit[1] + 1e-9
    # Gravity does not pull the hand down.
    velocity, _ = steady(scene, np.zeros(6))
    np.testing.assert_allclose(velocity, 0, atol=1e-3)


def test_objects_weigh_what_their_set_says(pair):
    for i, model in enumerate(pair.models):
        body = model.body("object")
        np.testing.assert_allclose(body.mass, pair.objects.mass[i], rtol=1e-6)
        np.testing.assert_allclose(body.ipos, pair.objects.com[i], atol=2e-6)
        moments = np.linalg.eigvalsh(pair.objects.inertia[i].astype(float))
        np.testing.assert_allclose(np.sort(body.inertia), moments, rtol=1e-4)


def may_collide(model, a, b):
    bits = model.geom_contype, model.geom_conaffinity
    return bool(bits[0][a] & bits[1][b] or bits[0][b] & bits[1][a])


def test_padding_hulls_collide_with_nothing_and_real_ones_with_hand_and_table(pair):
    for i, model in enumerate(pair.models):
        hulls = [model.geom(f"hull{k}").id for k in range(len(pair.objects.hulls[i]))]
        others = [g for g in range(model.ngeom) if g not in hulls]
        for geom, real in zip(hulls, pair.objects.hull_mask[i], strict=True):
            met = [may_collide(model, geom, other) for other in others]
            assert all(met) if real else not any(met)
        assert not pair.objects.hull_mask[1].all()


def test_the_hand_meets_itself_and_the_table(box_scene):
    model = box_scene.model
    finger, thumb, table = (
        model.geom(name).id for name in ("ffdistal", "thdistal", "table")
    )
    assert may_collide(model, finger, thumb) and may_collide(model, finger, table)


def test_an_unknown_wrist_is_refused():
    with pytest.raises(DexjaxError, match="wrist drive 'rope'.*servo.*wrench"):
        make_scene(load_hand(), load_object("box"), "rope")


def test_an_empty_set_is_refused():
    with pytest.raises(DexjaxError, match="object set is empty"):
        make_scene(load_hand(), load_object("box").subset([]))


def test_friction_is_that_of_the_object():
    objects = load_objects(["box"]).replace(friction=np.array([0.4], np.float32))
    scene = make_scene(load_hand(), objects)
    data = mujoco.MjData(scene.model)
    data.qpos[scene.root_qpos] = [0, 0, 1, 1, 0, 0, 0]
    height = objects.rest_height[0] - 0.0005
    data.qpos[scene.object_qpos] = [0, 0, height, *objects.rest_quat[0]]
    mujoco.mj_forward(scene.model, data)
    assert data.ncon >= 3
    assert data.contact.friction[:, :2] == pytest.approx(0.4)


SQUEEZED = """
  <worldbody>
    <body pos="-0.05 0 0.5">
      <joint name="left" type="slide" axis="1 0 0"/>
      <geom type="capsule" size="0.01 0.02" euler="1.57 0 0" mass="0.1"/>
    </body>
    <body pos="0.05 0 0.5">
      <joint name="right" type="slide" axis="-1 0 0"/>
      <geom type="capsule" size="0.01 0.02" euler="1.57 0 0" mass="0.1"/>
    </body>
    <body name="box" pos="0 0 0.5">
      <freejoint/>
      <geom type="box" size="0.039 0.03 0.05" mass="0.8" condim="4" priority="1"
            friction="0.5 0.005 0.0001" solref="0.01 1"/>
    </body>
  </worldbody>
  <actuator><motor joint="left"/><motor joint="right"/></actuator>
"""


def creep(impratio):
    """m/s at which a box of 0.8 kg sinks that two fingertips squeeze."""
    include = f'<include file="{mjcf_path("tabletop.xml")}"/>'
    model = mujoco.MjModel.from_xml_string(f"<mujoco>{include}{SQUEEZED}</mujoco>")
    model.opt.impratio = impratio or model.opt.impratio
    data = mujoco.MjData(model)
    data.ctrl[:] = 2 * 0.8 * 9.81 / (2 * 0.5)  # twice what Coulomb's law asks for
    heights = []
    for _ in range(600):
        mujoco.mj_step(model, data)
        heights.append(data.body("box").xpos[2])
    return (heights[199] - heights[-1]) / 2.0


def test_what_is_squeezed_hard_enough_does_not_creep_away():
    # 9 mm/s by MuJoCo's default: 2.7 cm in an episode after a second to lift.
    assert creep(None) < 0.001 < 0.005 < creep(1)
