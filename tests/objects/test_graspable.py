"""The argument that an object can be grasped: yes and no where that is known."""

import dataclasses

import jax
import mujoco
import numpy as np
import pytest
import trimesh

from dexjax import rotations
from dexjax.hands import forward_kinematics, load_hand
from dexjax.objects import load_object
from dexjax.objects.everyday.graspable import (
    DEPTH,
    FINGER,
    SPAN,
    find_grip,
    stable_tilt,
    why_not,
)
from dexjax.objects.everyday.materials import FRICTION_RANGE
from dexjax.objects.object_set import MASS_RANGE, build_object

# Length and radius of the last links, and where their pads look (shadow_hand.xml).
THUMB = 0.026, 0.00918, (-1.0, 0.0, 0.0)
FINGERTIP = 0.024, 0.00705, (0.0, -1.0, 0.0)


def block(*sides):
    corners = trimesh.creation.box(sides).vertices
    return build_object("block", "block", [corners])


def pads(poses, link, part):
    """(draws, 2, 3) points along a last link and (draws, 3) where its pad looks."""
    length, _, pad = part
    axis = np.array([[0.0, 0.0, share * length] for share in (0.5, 1.0)])
    place, turn = poses.position[:, link], poses.quaternion[:, link]
    points = place[:, None] + rotations.rotate(turn[:, None], axis)
    return np.asarray(points), np.asarray(rotations.rotate(turn, np.array(pad)))


@pytest.fixture(scope="module")
def grips():
    """Widths, and depths before the palm, of random opposed fingertips; m."""
    hand = load_hand("shadow")
    rng = np.random.default_rng(0)
    angles = rng.uniform(*hand.joint_range.T, (8_000, len(hand.joints)))
    for driver, follower, ratio in hand.couplings:
        limit = hand.joint_range[hand.joints.index(follower), 1]
        driven = ratio * angles[:, hand.joints.index(driver)]
        angles[:, hand.joints.index(follower)] = np.minimum(driven, limit)
    origin, straight = np.zeros(3), np.array([1.0, 0, 0, 0])
    poses = jax.jit(jax.vmap(forward_kinematics(hand), (None, None, 0)))(
        origin, straight, angles
    )
    thumb, thumb_pad = pads(poses, hand.links.index("thdistal"), THUMB)
    widths, depths = [], []
    for finger in ("ff", "mf", "rf", "lf"):
        tip, pad = pads(poses, hand.links.index(f"{finger}distal"), FINGERTIP)
        line = tip[:, None] - thumb[:, :, None]
        length = np.linalg.norm(line, axis=-1)
        faces = np.einsum("nijk,nk->nij", line, thumb_pad) > 0.7071 * length
        faces &= np.einsum("nijk,nk->nij", -line, pad) > 0.7071 * length
        middle = (tip[:, None] + thumb[:, :, None])[faces] / 2
        widths.append(length[faces] - THUMB[1] - FINGERTIP[1])
        # The palm's bones: from its heel to its knuckles, its face at y = -0.011.
        nearest = np.clip(middle, [-0.027, -0.011, 0.004], [0.028, 0.019, 0.075])
        depths.append(np.linalg.norm(middle - nearest, axis=1))
    return np.concatenate(widths), np.concatenate(depths)


def test_span_is_a_usual_width_of_the_hand(grips):
    widths, _ = grips
    assert len(widths) > 2000
    assert 0.8 * np.median(widths) < SPAN < np.median(widths)


def test_usual_depth_at_all_widths(grips):
    widths, depths = grips
    for low in np.arange(0.02, SPAN, 0.02):
        some = depths[(widths >= low) & (widths < low + 0.02)]
        assert 0.8 * np.median(some) < DEPTH < np.median(some)


def test_what_no_hand_can_hold():
    assert "tall" in why_not(block(0.3, 0.3, 0.3))
    assert "no grip" in why_not(block(0.2, 0.2, 0.003))
    assert "no grip" in why_not(block(0.13, 0.13, 0.05))
    assert "no grip" in why_not(block(0.06, 0.12, 0.002))


@pytest.mark.parametrize("name", ["mug", "bottle", "bowl", "pencil", "phone", "basket"])
def test_what_a_hand_can_hold(name):
    assert why_not(load_object(name)) is None


def test_grip_on_a_block():
    objects = block(0.06, 0.16, 0.1)
    grip = find_grip(objects)
    assert 0.059 < grip.width < 0.06 / np.cos(np.radians(30))
    assert np.sort(grip.contacts[:, 0]) == pytest.approx([-0.03, 0.03], abs=1e-3)
    assert (grip.contacts[:, 2] > 0).all()
    assert grip.approach[2] > -1e-6
    assert np.linalg.norm(grip.approach) == pytest.approx(1)


def test_a_low_thing_is_held_by_its_upper_edges():
    grip = find_grip(block(0.14, 0.06, 0.007))
    assert grip.contacts[:, 2] == pytest.approx([0.006, 0.006], abs=0.002)
    assert grip.approach[2] > 0.5
    assert find_grip(block(0.14, 0.06, 0.3 * FINGER)) is None


def test_a_wide_vessel_is_held_by_its_wall():
    bowl = load_object("bowl", size=0.22)
    assert find_grip(bowl).width < 0.03


def test_tilt_of_a_block():
    vertices = trimesh.creation.box([0.04, 0.08, 0.1]).vertices + [0, 0, 0.05]
    assert stable_tilt(vertices, np.array([0, 0, 0.05])) == pytest.approx(
        np.degrees(np.arctan(0.02 / 0.05))
    )
    assert stable_tilt(vertices, np.array([0.03, 0, 0.05])) == 0.0


def test_nothing_stands_on_its_tip():
    cone = trimesh.creation.cone(radius=0.03, height=0.1).vertices * [1, 1, -1]
    assert stable_tilt(cone + [0, 0, 0.1], np.array([0, 0, 0.075])) == 0.0


def test_two_fingers_can_press_enough_for_the_heaviest_and_most_slippery():
    hand = load_hand("shadow")
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    knuckle = model.actuator("FFJ3").forcerange[1]
    reach = 0.045 + 0.025 + FINGERTIP[0]
    friction, weight = FRICTION_RANGE[0], 9.81 * MASS_RANGE[1]
    assert 2 * friction * (2 * knuckle / reach) > weight


def test_the_smoother_the_more_exactly_opposite():
    wedge = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 1)])
    wedge = wedge * [0.02, 0.06, 0.06] + [0, 0, -0.03]
    wedge[:, 0] *= np.where(wedge[:, 2] > 0, 1.0, 2.0)  # Sides 18 degrees off.
    objects = build_object("wedge", "wedge", [wedge])
    assert why_not(objects) is None
    smooth = dataclasses.replace(objects, friction=np.array([0.4], np.float32))
    assert "no grip" in why_not(smooth)
