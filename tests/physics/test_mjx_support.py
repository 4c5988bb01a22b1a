"""What is said to be unsupported is exactly what MJX refuses."""

import itertools

import mujoco
import pytest
from claw import write_claw

from dexjax.errors import DexjaxError
from dexjax.hands import world_spec
from dexjax.hands.description import read_hand
from dexjax.objects.loading import load_object
from dexjax.physics.mjx import MjxEngine
from dexjax.physics.mjx_support import unsupported
from dexjax.physics.native import NativeEngine
from dexjax.physics.quiet import mjx
from dexjax.scene import make_scene

SHAPES = {
    "plane": 'type="plane" size="1 1 1"',
    "sphere": 'type="sphere" size="0.1"',
    "capsule": 'type="capsule" size="0.1 0.1"',
    "ellipsoid": 'type="ellipsoid" size="0.1 0.2 0.1"',
    "cylinder": 'type="cylinder" size="0.1 0.1"',
    "box": 'type="box" size="0.1 0.1 0.1"',
    "mesh": 'type="mesh" mesh="wedge"',
}
WEDGE = '<asset><mesh name="wedge" vertex="0 0 0 1 0 0 0 1 0 0 0 1"/></asset>'


def _two(first, second, more=""):
    return mujoco.MjModel.from_xml_string(
        f"<mujoco>{WEDGE}<worldbody><geom name='still' {first}/><body>"
        f"<joint name='turn'/><geom name='moving' {second}/><site name='eye'/></body>"
        f"</worldbody>{more}</mujoco>"
    )


def _agrees(model):
    """The lines on a model; both say the same of it."""
    lines = list(unsupported(model))
    if lines:
        with pytest.raises(NotImplementedError):
            mjx.put_model(model)
    else:
        mjx.put_model(model)
    return lines


PAIRS = [
    pair
    for pair in itertools.combinations_with_replacement(SHAPES, 2)
    if pair[1] != "plane"
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_pairs_of_shapes(first, second):
    lines = _agrees(_two(SHAPES[first], SHAPES[second]))
    refused = {("cylinder", "box"), ("cylinder", "mesh"), ("ellipsoid", "box")}
    refused |= {("ellipsoid", "mesh")}
    assert bool(lines) == ((first, second) in refused)
    for line in lines:
        # The round one comes first: it is the one to change.
        assert f"of the {first} 'still' with the {second} 'moving'" in line


def test_pairs_that_never_meet_do_not_matter():
    seen = SHAPES["box"] + ' contype="0" conaffinity="0"'
    assert _agrees(_two(SHAPES["cylinder"], seen)) == []


OTHERS = [
    ('<sensor><rangefinder name="far" site="eye"/></sensor>', None),
    ('<actuator><position name="pull" joint="turn"/></actuator>', None),
    (
        '<actuator><general name="pull" joint="turn" dyntype="user" actdim="1"/>'
        "</actuator>",
        "dyntype 'user' of actuator 'pull'",
    ),
    (
        '<actuator><general name="pull" joint="turn" gaintype="user"/></actuator>',
        "gaintype 'user' of actuator 'pull'",
    ),
    (
        '<sensor><distance name="gap" geom1="still" geom2="moving"/></sensor>',
        "type 'geomdist' of sensor 'gap'",
    ),
    ('<sensor><e_kinetic name="energy"/></sensor>', "type 'e_kinetic' of sensor"),
]


@pytest.mark.parametrize(("more", "named"), OTHERS)
def test_other_elements(more, named):
    lines = _agrees(_two(SHAPES["mesh"], SHAPES["sphere"], more))
    assert [named in line for line in lines] == ([True] if named else [])


def test_a_margin_of_a_mesh():
    lines = _agrees(_two(SHAPES["mesh"], SHAPES["sphere"] + ' margin="0.1"'))
    assert "no margin between the mesh 'still' and the sphere 'moving'" in lines[0]


def test_a_hand_of_cylinders_works_natively_and_is_refused_by_mjx(tmp_path):
    capsule = 'type="capsule" size="0.01" fromto="0.02 0 0 0.1 0 0"'
    cylinder = capsule.replace("capsule", "cylinder")
    hand = read_hand(write_claw(tmp_path, (capsule, cylinder)))
    scene = make_scene(hand, load_object("box"))
    NativeEngine(scene)
    with pytest.raises(DexjaxError, match="of the cylinder 'left' with the mesh 'hul"):
        MjxEngine(scene)
    # Without an object they meet only the table, which MJX knows.
    assert list(unsupported(world_spec(hand.xml).compile())) == []
