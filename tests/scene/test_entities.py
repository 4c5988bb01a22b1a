"""How a hand is carried, several objects, furniture, cameras: against MuJoCo itself."""

import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_object, load_objects
from dexjax.scene import Arm, FixedPalm, Fixture, Floating, make_scene
from dexjax.scene.cameras import CAMERAS, camera

HANDS = ("shadow", "allegro")


def posed(scene):
    """Data with an arm at home, open fingers and all objects far from the hand."""
    data = mujoco.MjData(scene.model)
    if "arm" in scene.joints:
        data.qpos[scene.qpos_of("arm")] = Arm().home
    data.qpos[scene.finger_qpos] = scene.hand.poses["open"]
    data.qpos[scene.object_qpos][:3] = [0.1, -0.6, 0.3]
    mujoco.mj_forward(scene.model, data)
    return data


def hold(scene, data):
    """Controls of the servos of all joints that stand as they are."""
    return np.array([data.joint(name).qpos[0] for name in scene.actions])


def step(model, data, seconds):
    mujoco.mj_step(model, data, round(seconds / model.opt.timestep))


@pytest.mark.parametrize("name", HANDS)
def test_a_fixed_palm_stands_where_it_was_put_and_has_finger_actions_alone(name):
    hand = load_hand(name)
    carrier = FixedPalm(position=(0.1, 0.0, 0.4))
    scene = make_scene(hand, load_object("box"), carrier=carrier)
    assert scene.actions == hand.actuated
    assert "root" not in scene.joints
    with pytest.raises(DexjaxError, match="'root' moves in this scene: .*hand.*object"):
        _ = scene.root_qpos
    data = posed(scene)
    np.testing.assert_allclose(data.sensor("palm_pos").data, [0.1, 0, 0.4], atol=1e-6)
    data.qpos[scene.finger_qpos] = hand.poses["grasp"]
    mujoco.mj_forward(scene.model, data)
    tips = np.array([data.sensor(f"{tip}_pos").data for tip in hand.fingertips])
    # It faces up, with the fingers along x.
    assert (tips[:, 2] > data.body("palm").xpos[2]).all()
    assert tips[:, 0].max() > 0.13


@pytest.mark.parametrize("name", HANDS)
@pytest.mark.parametrize("carrier", [FixedPalm(), Arm()])
def test_a_carried_hand_rests_without_touching_itself(name, carrier):
    scene = make_scene(load_hand(name), load_object("box"), carrier=carrier)
    data = posed(scene)
    assert data.ncon == 0
    start = data.qpos.copy()
    data.ctrl[:] = hold(scene, data)
    step(scene.model, data, 1.0)
    moved = np.abs(data.qpos - start)
    moved[scene.object_qpos] = 0.0
    assert moved.max() < 0.02


@pytest.mark.parametrize("name", HANDS)
def test_an_arm_at_home_holds_the_palm_down_over_the_table(name):
    hand = load_hand(name)
    scene = make_scene(hand, load_object("box"), carrier=Arm())
    assert scene.actions == (*(f"arm_{i}" for i in range(1, 8)), *hand.actuated)
    data = posed(scene)
    centre = data.sensor("palm_pos").data
    np.testing.assert_allclose(centre, [0.0, 0.0, 0.22], atol=0.03)
    alike = abs(data.body("palm").xquat @ hand.start_quat)
    np.testing.assert_allclose(alike, 1.0, atol=1e-4)


def test_an_arm_goes_where_it_is_sent():
    """Tells a working servo from a falling arm: quickly, and nearly there."""
    scene = make_scene(load_hand(), load_object("box"), carrier=Arm())
    data = posed(scene)
    data.ctrl[:] = hold(scene, data)
    target = np.array(Arm().home) + [0.4, -0.3, 0.3, -0.3, 0.3, 0.3, 0.5]
    data.ctrl[:7] = target
    step(scene.model, data, 2.0)
    np.testing.assert_allclose(data.qpos[scene.qpos_of("arm")], target, atol=0.01)
    np.testing.assert_allclose(data.sensor("arm_4_pos").data, data.joint("arm_4").qpos)


def test_an_arm_cannot_push_through_the_table():
    scene = make_scene(load_hand(), load_object("box"), carrier=Arm())
    data = posed(scene)
    data.ctrl[:] = hold(scene, data)
    data.ctrl[1] += 0.6
    step(scene.model, data, 2.0)
    assert data.contact.dist.min() > -0.01
    assert data.ncon > 0 and data.site("flange").xpos[2] > 0.01


@pytest.fixture(scope="module")
def household():
    """Two objects and a drawer."""
    objects = load_objects(["mug", "box"])
    return make_scene(
        load_hand(),
        objects,
        others={"lid": load_object("box")},
        fixtures=[Fixture(), Fixture("low", position=(0.3, 0.45, 0.0))],
    )


def test_every_entity_has_its_place_and_its_sensors(household):
    model, data = household.model, mujoco.MjData(household.model)
    rng = np.random.default_rng(0)
    data.qpos[:] = rng.uniform(0.05, 0.1, model.nq)
    data.qvel[:] = rng.normal(size=model.nv)
    mujoco.mj_forward(model, data)
    places = np.concatenate(
        [np.r_[household.qpos_of(name)] for name in household.joints]
    )
    assert sorted(places) == list(range(model.nq))
    speeds = [np.r_[household.qvel_of(name)] for name in household.joints]
    assert sorted(np.concatenate(speeds)) == list(range(model.nv))

    def sensed(name):
        return data.sensordata[household.sensors[name]]

    for name in ("object", "lid"):
        place, speed = household.qpos_of(name), household.qvel_of(name)
        np.testing.assert_allclose(sensed(f"{name}_pos"), data.qpos[place][:3])
        quat = data.qpos[place][3:]
        np.testing.assert_allclose(sensed(f"{name}_quat"), quat / np.linalg.norm(quat))
        np.testing.assert_allclose(sensed(f"{name}_linvel"), data.qvel[speed][:3])
    for name in ("drawer", "low"):
        place, speed = household.qpos_of(name), household.qvel_of(name)
        np.testing.assert_array_equal(sensed(f"{name}_slide_pos"), data.qpos[place])
        np.testing.assert_array_equal(sensed(f"{name}_slide_vel"), data.qvel[speed])
        handle = data.site(f"{name}_handle").xpos
        np.testing.assert_array_equal(sensed(f"{name}_handle_pos"), handle)


def test_things_that_are_not_there_are_named(household):
    with pytest.raises(DexjaxError, match="'pot' moves in this scene: .*drawer"):
        household.qpos_of("pot")


def test_objects_lie_on_one_another(household):
    """The lid falls on the box and stays there."""
    model = household.models[1]
    data = mujoco.MjData(model)
    data.qpos[household.root_qpos] = [0, 0, 1.0, *household.hand.start_quat]
    objects = household.objects
    below = float(objects.rest_height[1])
    upright = objects.rest_quat[1]
    data.qpos[household.object_qpos] = [0, 0, below, *upright]
    data.qpos[household.qpos_of("lid")] = [0, 0, 3 * below + 0.005, *upright]
    step(model, data, 1.0)
    height = data.qpos[household.qpos_of("lid")][2]
    np.testing.assert_allclose(height, 3 * below, atol=2e-3)
    np.testing.assert_allclose(data.qpos[household.object_qpos][2], below, atol=2e-3)
    assert np.abs(data.qvel[household.qvel_of("lid")]).max() < 0.05


def test_a_drawer_opens_as_far_as_it_goes_and_stays_where_it_is(household):
    model, data = household.model, mujoco.MjData(household.model)
    data.qpos[household.root_qpos] = [0, 0, 1.0, *household.hand.start_quat]
    place = household.qpos_of("drawer")
    mujoco.mj_forward(model, data)
    shut = data.site("drawer_handle").xpos.copy()
    box = data.body("drawer_box").id
    # Friction of the rails is 0.6 N: half of it does nothing, ten times opens.
    data.xfrc_applied[box, 0] = -0.3
    step(model, data, 0.5)
    assert data.qpos[place][0] < 1e-3
    data.xfrc_applied[box, 0] = -6.0
    step(model, data, 2.0)
    data.xfrc_applied[box, 0] = 0.0
    step(model, data, 0.5)
    np.testing.assert_allclose(data.qpos[place], 0.18, atol=5e-3)
    moved = data.site("drawer_handle").xpos - shut
    np.testing.assert_allclose(moved, [-0.18, 0, 0], atol=5e-3)
    assert np.abs(data.qvel[household.qvel_of("drawer")]).max() < 1e-3


def test_what_lies_in_a_drawer_comes_out_with_it(household):
    model = household.models[1]
    data = mujoco.MjData(model)
    data.qpos[household.root_qpos] = [0, 0, 1.0, *household.hand.start_quat]
    data.qpos[household.object_qpos] = [0, -1, 0.1, 1, 0, 0, 0]
    data.qpos[household.qpos_of("lid")] = [0.18, 0, 0.06, 1, 0, 0, 0]
    data.qpos[household.qpos_of("drawer")] = 0.1
    step(model, data, 0.5)
    before = data.qpos[household.qpos_of("lid")][:3].copy()
    data.xfrc_applied[data.body("drawer_box").id, 0] = -4.0
    step(model, data, 1.0)
    after = data.qpos[household.qpos_of("lid")][:3]
    np.testing.assert_allclose(after - before, [-0.08, 0, 0], atol=0.02)


def test_sets_that_go_together():
    pair, one = load_objects(["mug", "box"]), load_object("box:1")
    scene = make_scene(load_hand(), pair, others={"b": pair, "c": one})
    for index, name in enumerate(pair.names):
        model = scene.models[index]
        assert model.body("b").mass == model.body("object").mass, name
        np.testing.assert_allclose(model.body("c").mass, one.mass)
    three = load_objects(["mug", "box", "bottle"])
    with pytest.raises(DexjaxError, match="'b' is a set of 3 objects: give 1, or 2"):
        make_scene(load_hand(), pair, others={"b": three})


@pytest.mark.parametrize(
    "names, said",
    [
        (("object", "drawer"), "name 'object' is taken"),
        (("drawer", "drawer"), "name 'drawer' is taken"),
        (("palm", "drawer"), "name 'palm' is taken"),
        (("a b", "drawer"), "name 'a b': give letters"),
        (("ffdistal", "drawer"), "scene: .*ffdistal"),
    ],
)
def test_names_that_will_not_do(names, said):
    box = load_object("box")
    with pytest.raises(DexjaxError, match=said):
        make_scene(
            load_hand(), box, others={names[0]: box}, fixtures=[Fixture(names[1])]
        )


@pytest.mark.parametrize(
    "kind, content, said",
    [
        ("wardrobe", None, "unknown fixture 'wardrobe': choose from drawer, or"),
        ("none.xml", None, "there is no such file"),
        ("odd.xml", "<mujoco", "odd.xml: "),
        ("odd.xml", "<mujoco/>", "a fixture is one body in the world"),
        ("odd.xml", "<joint/>", "joints and sites need names"),
        ("odd.xml", "<joint name='a' type='ball'/>", "joints are hinges and slides"),
    ],
)
def test_fixtures_that_will_not_do(kind, content, said, tmp_path):
    if kind.endswith(".xml"):
        kind = str(tmp_path / kind)
    if content is not None:
        if content.startswith("<joint"):
            body = f"<body>{content}<geom size='.1'/></body>"
            content = f"<mujoco><worldbody>{body}</worldbody></mujoco>"
        with open(kind, "w") as file:
            file.write(content)
    with pytest.raises(DexjaxError, match=said):
        make_scene(load_hand(), load_object("box"), fixtures=[Fixture(kind=kind)])


def test_turns_that_are_none():
    with pytest.raises(DexjaxError, match="palm turned by .*: give four numbers"):
        FixedPalm(turn=(0.0, 0.0, 0.0, 0.0))
    with pytest.raises(DexjaxError, match="fixture 'low' turned by .*: give four"):
        Fixture("low", quaternion=(2.0, 0.0, 0.0, 0.0))


def test_cameras_are_those_of_the_table(box_scene):
    model, data = box_scene.model, mujoco.MjData(box_scene.model)
    mujoco.mj_forward(model, data)
    listed = {each.name for each in CAMERAS}
    assert {model.camera(i).name for i in range(model.ncam)} < listed
    for index in range(model.ncam):
        ours = camera(model.camera(index).name)
        np.testing.assert_allclose(data.cam_xpos[index], ours.position)
        # tabletop.xml has four digits.
        seen = data.cam_xmat[index].reshape(3, 3)
        np.testing.assert_allclose(seen, ours.rotation, atol=3e-4)
        assert model.cam_fovy[index] == ours.fovy
    with pytest.raises(DexjaxError, match="unknown camera 'top': .*main, side, left"):
        camera("top")


def test_a_floating_hand_is_the_usual_one(box_scene):
    named = make_scene(load_hand(), load_object("box"), carrier=Floating("servo"))
    for field in ("actuator_gainprm", "actuator_biasprm", "qpos0"):
        np.testing.assert_array_equal(
            getattr(named.model, field), getattr(box_scene.model, field)
        )
    assert named.sensors == box_scene.sensors
    assert named.actions[:6] == box_scene.actions[:6]
