"""A copied hand is the same hand, though its origin is gone."""

import shutil

import numpy as np
import pytest
import trimesh
from claw import write_claw

from dexjax.errors import DexjaxError
from dexjax.hands.copying import DESCRIPTION, copy_hand
from dexjax.hands.description import read_hand
from dexjax.hands.files import hand_spec


@pytest.fixture
def spread(tmp_path):
    """A claw whose description, MJCF file, included file and linked mesh lie apart."""
    home = tmp_path / "home"
    for name in ("mjcf", "meshes"):
        (home / name).mkdir(parents=True)
    ball = trimesh.creation.icosphere().apply_scale(0.01)
    ball.export(home / "elsewhere.stl")
    (home / "meshes" / "knob.stl").symlink_to(home / "elsewhere.stl")
    (home / "mjcf" / "knob.xml").write_text(
        '<mujoco><asset><mesh file="knob.stl"/></asset></mujoco>'
    )
    file = '<compiler angle="radian" autolimits="true"/>'
    more = file.replace("/>", ' meshdir="../meshes"/><include file="knob.xml"/>')
    geom = '<geom type="mesh" mesh="knob" mass="0" contype="0" conaffinity="0"/>'
    palm = '<site name="palm_center"'
    description = write_claw(home, (file, more), (palm, geom + palm))
    (home / "claw.xml").rename(home / "mjcf" / "claw.xml")
    text = description.read_text()
    assert "mjcf: claw.xml" in text
    description.write_text(text.replace("mjcf: claw.xml", "mjcf: mjcf/claw.xml"))
    return description


def compiled(hand):
    """All numbers of its MuJoCo model."""
    model = hand_spec(hand.xml).compile()
    found = {name: getattr(model, name) for name in dir(model) if "_" in name}
    return {n: x for n, x in found.items() if isinstance(x, np.ndarray)}


def test_the_copy_is_the_same_hand(spread, tmp_path):
    hand = read_hand(spread)
    before = compiled(hand)
    copy_hand(spread, tmp_path / "copy")
    shutil.rmtree(spread.parent)
    again = read_hand(tmp_path / "copy" / DESCRIPTION)
    assert tmp_path / "copy" in again.xml.parents
    assert (again.name, again.joints, again.fingertips) == (
        hand.name,
        hand.joints,
        hand.fingertips,
    )
    for pose, angles in hand.poses.items():
        np.testing.assert_array_equal(again.poses[pose], angles)
    after = compiled(again)
    # Where files lie.
    for name in before.keys() - {"_sizes", "paths", "mesh_pathadr"}:
        np.testing.assert_array_equal(after[name], before[name], name)
    assert len(before["mesh_vert"]) == 642


def test_a_hand_that_is_not_there(tmp_path):
    with pytest.raises(DexjaxError, match="claw.yaml"):
        copy_hand(tmp_path / "claw.yaml", tmp_path / "copy")
