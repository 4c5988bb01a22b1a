"""The world with a hand in it: the hand alone is its file's, all else the table's."""

from xml.sax.saxutils import quoteattr

import mujoco
import numpy as np
import pytest
import trimesh
from claw import write_claw

from dexjax.errors import DexjaxError
from dexjax.hands import check_hand, load_hand, mjcf_path, world_spec
from dexjax.hands.description import read_hand

HEAD = '<mujoco model="claw">'
OPTIONS = {
    "timestep": "0.002",
    "impratio": "1",
    "tolerance": "1e-05",
    "ls_tolerance": "0.1",
    "noslip_tolerance": "0.1",
    "ccd_tolerance": "0.1",
    "sleep_tolerance": "0.1",
    "gravity": "0 0 0",
    "wind": "1 0 0",
    "magnetic": "0 0 1",
    "density": "1.2",
    "viscosity": "0.5",
    "o_margin": "0.1",
    "o_solref": "0.03 1",
    "o_solimp": "0.5 0.95 0.001 0.5 2",
    "o_friction": "2 2 0.005 0.0001 0.0001",
    "integrator": "implicit",
    "cone": "elliptic",
    "jacobian": "dense",
    "solver": "CG",
    "iterations": "100",
    "ls_iterations": "50",
    "noslip_iterations": "3",
    "ccd_iterations": "3",
    "sdf_iterations": "3",
    "sdf_initpoints": "3",
}


def _buffer(model):
    saved = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, saved)
    return saved


@pytest.mark.parametrize("name", ["shadow", "allegro"])
def test_the_world_is_that_of_included_files_byte_by_byte(name):
    files = (mjcf_path("tabletop.xml"), load_hand(name).xml)
    includes = "".join(f"<include file={quoteattr(str(file))}/>" for file in files)
    included = mujoco.MjModel.from_xml_string(f"<mujoco>{includes}</mujoco>")
    ours = world_spec(load_hand(name).xml)
    np.testing.assert_array_equal(_buffer(ours.compile()), _buffer(included))
    np.testing.assert_array_equal(_buffer(ours.copy().compile()), _buffer(included))


def test_all_options_of_mujoco_are_tried_here():
    fields = {name for name in dir(mujoco.MjOption) if not name.startswith("_")}
    flags = {"disableflags", "enableflags", "disableactuator"}
    assert fields - flags == set(OPTIONS)


def _refusal(folder, *changes):
    with pytest.raises(DexjaxError) as error:
        read_hand(write_claw(folder, *changes))
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize("name", OPTIONS)
def test_no_option_is_the_hands(name, tmp_path):
    option = f'<option {name}="{OPTIONS[name]}"/>'
    said = _refusal(tmp_path, (HEAD, HEAD + option))
    assert f"claw.xml sets the option {name} to {OPTIONS[name].lower()} for" in said


def _flags():
    table = mujoco.MjModel.from_xml_path(str(mjcf_path("tabletop.xml"))).opt
    for kind, set_, words in (
        (mujoco.mjtDisableBit, table.disableflags, ("enable", "disable")),
        (mujoco.mjtEnableBit, table.enableflags, ("disable", "enable")),
    ):
        for name, bit in kind.__members__.items():
            # MuJoCo itself refuses ipc without its own integrator.
            if not name.startswith("mjN") and not name.endswith("IPC"):
                yield name.split("_")[1].lower(), words[not set_ & bit.value]


@pytest.mark.parametrize(("flag", "value"), list(_flags()))
def test_no_flag_is_the_hands(flag, value, tmp_path):
    option = f'<option><flag {flag}="{value}"/></option>'
    said = _refusal(tmp_path, (HEAD, HEAD + option))
    assert f"claw.xml sets the flag {flag} to {value} for the whole world" in said


ELSEWHERE = [
    ('<option actuatorgroupdisable="3"/>', "the option disableactuator to 8"),
    ('<size nuserdata="5"/>', "the size nuserdata to 5"),
    ('<size memory="5M"/>', "the size memory to 5242880"),
    ('<statistic meaninertia="2"/>', "the statistic meaninertia to 2"),
    ('<custom><numeric name="max_contact_points" data="3"/></custom>', "max_contact_p"),
    ('<custom><numeric name="mine" data="3"/></custom>', "custom numeric 'mine'"),
    (
        '<extension><plugin plugin="mujoco.sensor.touch_grid"/></extension><sensor>'
        '<plugin plugin="mujoco.sensor.touch_grid" objtype="site" objname="lefttip">'
        '<config key="size" value="2 2"/><config key="fov" value="9 9"/></plugin>'
        "</sensor>",
        "uses a plugin",
    ),
    ('<worldbody><geom name="floor" size="1"/></worldbody>', "geom 'floor' of claw"),
    ("<worldbody><site/></worldbody>", "a site without a name of claw.xml lies in"),
    ('<worldbody><camera name="eye"/></worldbody>', "cam 'eye' of claw.xml lies in"),
    ("<worldbody><light/></worldbody>", "a light without a name of claw.xml lies in"),
    ('<worldbody><camera name="main"/></worldbody>', "repeated name 'main' in camera"),
    (
        '<contact><exclude body1="world" body2="left"/></contact>',
        "excludes contacts of 'left' with the world",
    ),
    (
        '<equality><weld name="mount" body1="palm"/></equality>',
        "equality 'mount' of claw.xml ties the hand to the world",
    ),
    (
        '<equality><connect body1="world" body2="left" anchor="0 0 0"/></equality>',
        "an equality without a name of claw.xml ties the hand to the world",
    ),
    ('<asset><material name="table"/></asset>', "repeated name 'table' in material"),
    (
        '<asset><mesh name="hull0" vertex="0 0 0 1 0 0 0 1 0 0 0 1"/></asset>',
        "no mesh may be called 'hull0'",
    ),
    ('<compiler settotalmass="3"/>', "over the table than alone"),
]


@pytest.mark.parametrize(("added", "message"), ELSEWHERE)
def test_nothing_else_of_the_world_is_the_hands(added, message, tmp_path):
    assert message in _refusal(tmp_path, (HEAD, HEAD + added))


ITS_OWN = [
    '<contact><pair geom1="left" geom2="right" condim="4"/></contact>',
    '<contact><exclude body1="left" body2="right"/></contact>',
    '<custom><text name="source" data="measured"/></custom>',
    '<default><default class="table"><geom friction="3"/></default></default>',
    '<tendon><fixed name="cord"><joint joint="left" coef="1"/></fixed></tendon>',
    '<asset><material name="fur" rgba="1 0 0 1"/></asset>',
]


@pytest.mark.parametrize("added", ITS_OWN)
def test_what_a_hand_may_have(added, tmp_path):
    check_hand(read_hand(write_claw(tmp_path, (HEAD, HEAD + added))))


def test_a_hand_may_carry_a_camera_and_a_light(tmp_path):
    carried = '<camera name="wrist"/><light name="lamp"/><site name="palm_center"'
    hand = read_hand(write_claw(tmp_path, ('<site name="palm_center"', carried)))
    world = world_spec(hand.xml).compile()
    assert world.camera("wrist").bodyid == world.body("palm").id


def test_limits_follow_from_ranges(tmp_path):
    explicit = (
        '<default><general ctrllimited="true"/><position ctrllimited="true"/></default>'
    )
    ranges = [('range="-0.3 1.2"', 'limited="true" range="-0.30 1.2"')] * 2
    off = ('autolimits="true"', 'autolimits="false"')
    said = _refusal(tmp_path, off, *ranges, (HEAD, HEAD + explicit))
    assert 'claw.xml sets autolimits="false" in <compiler>: leave it out' in said


@pytest.mark.parametrize(
    "text", ["", "\0\1", "<robot name='a'/>", "<mujoco>", "solid a"]
)
def test_files_that_are_no_mjcf(text, tmp_path):
    path = write_claw(tmp_path)
    (tmp_path / "claw.xml").write_text(text)
    with pytest.raises(DexjaxError, match="claw.xml") as error:
        read_hand(path)
    assert len(str(error.value).splitlines()) == 1


def test_a_huge_mjcf_file_is_refused_unread(tmp_path):
    path = write_claw(tmp_path)
    with (tmp_path / "claw.xml").open("r+") as file:
        file.truncate(100 << 20)
    with pytest.raises(DexjaxError, match="claw.xml is too large: at most 16 MB"):
        read_hand(path)


def test_what_an_included_file_sets_is_found(tmp_path):
    (tmp_path / "parts").mkdir()
    options = '<mujoco><option gravity="1 2 3"/></mujoco>'
    (tmp_path / "parts" / "options.xml").write_text(options)
    said = _refusal(tmp_path, (HEAD, HEAD + '<include file="parts/options.xml"/>'))
    assert "gravity to 1 2 3" in said
    assert "claw.xml" in _refusal(tmp_path, (HEAD, HEAD + '<include file="claw.xml"/>'))


def test_defaults_compiler_pictures_and_keyframes_stay_with_the_hand(tmp_path):
    plain = read_hand(write_claw(tmp_path))
    table = world_spec(plain.xml).compile()
    radian = (' angle="radian"', ' angle="degree"')
    ranges = [('range="-0.3 1.2"', 'range="-17.188734 68.754935"')] * 2
    settings = (
        '<default><geom friction="3 3 3" condim="6"/></default>'
        '<visual><map znear="0.5"/></visual><statistic extent="9"/>'
        '<keyframe><key name="home" qpos="0 0 0 1 0 0 0 0 0"/></keyframe>'
    )
    hand = read_hand(write_claw(tmp_path, radian, *ranges, (HEAD, HEAD + settings)))
    check_hand(hand)
    spec = world_spec(hand.xml)
    # As what is grasped is added.
    spec.worldbody.add_body().add_geom(size=[0.1, 0, 0])
    world = spec.compile()
    np.testing.assert_allclose(hand.joint_range, plain.joint_range, atol=1e-6)
    np.testing.assert_array_equal(world.geom_friction[0], table.geom_friction[0])
    np.testing.assert_array_equal(world.geom("left").friction, [3, 3, 3])
    assert world.geom_condim[0] == table.geom_condim[0] and world.geom_condim[-1] == 3
    assert world.vis.map.znear == table.vis.map.znear
    assert world.stat.extent == table.stat.extent and world.nkey == 0


@pytest.mark.parametrize("folder", ["a hand", "it's", '"quoted" & <odd>', "Größe 手"])
@pytest.mark.parametrize("setting", ["meshdir", "assetdir"])
def test_meshes_lie_where_the_file_says(folder, setting, tmp_path, monkeypatch):
    (tmp_path / folder / "assets").mkdir(parents=True)
    link = trimesh.creation.box([0.08, 0.02, 0.02])
    link.apply_translation([0.06, 0, 0])
    link.export(tmp_path / folder / "assets" / "link.stl")
    asset = '<asset><mesh name="link" file="link.stl"/></asset>'
    path = write_claw(
        tmp_path / folder,
        ("<compiler ", f'<compiler {setting}="assets" '),
        (HEAD, HEAD + asset),
        ('type="capsule" size="0.01" fromto="0.02 0 0 0.1 0 0"', 'mesh="link"'),
        ('<geom name="left"', '<geom name="left" type="mesh"'),
    )
    monkeypatch.chdir(tmp_path)
    hand = load_hand(str(path.relative_to(tmp_path)))
    check_hand(hand)
    monkeypatch.chdir("/")
    world = world_spec(hand.xml).compile()
    np.testing.assert_allclose(
        np.sort(world.geom("left").size), [0.01, 0.01, 0.04], atol=1e-6
    )


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_claw(tmp_path)
    assert load_hand("~/claw.yaml").name == "claw"
    write_claw(tmp_path, ("mjcf: claw", "mjcf: ~/claw"), where="claw.yaml")
    assert read_hand(tmp_path / "claw.yaml").xml == tmp_path / "claw.xml"
    with pytest.raises(DexjaxError, match="'~no.user/a.yaml': there is no such home"):
        load_hand("~no.user/a.yaml")
