"""Grasps found by energy, and tried out in simulation."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from dexjax import rotations
from dexjax.grasps.energy import WEIGHTS, Pose, all_joints, grasp_energy, rest_table
from dexjax.grasps.opposition import Surface, opposed_start
from dexjax.grasps.pads import pad_table, thumb_links
from dexjax.grasps.synthesis import make_synthesis
from dexjax.grasps.validation import (
    GRAVITY,
    _rotation_error,
    _turn_to_down,
    closing_targets,
    make_trial,
)
from dexjax.hands import forward_kinematics, load_hand
from dexjax.hands.contact_geometry import contact_points, hand_spheres
from dexjax.objects import load_object
from dexjax.objects.solid import make_solid, signed_distance
from dexjax.physics.native import NativeEngine
from dexjax.scene import make_scene

COUNT = 16


@pytest.fixture(scope="module")
def hand():
    return load_hand()


@pytest.fixture(scope="module")
def box():
    return load_object("box@0.06")


@pytest.fixture(scope="module")
def place(box):
    return make_solid(box, 0), rest_table(box.rest_quat[0], box.rest_height[0])


@pytest.fixture(scope="module")
def surface(box):
    return Surface(jnp.asarray(box.points[0]), jnp.asarray(box.normals[0]))


@pytest.fixture(scope="module")
def starts(hand, surface, place):
    start = jax.vmap(opposed_start(hand, pad_table(hand)), (0, None, None))
    return jax.jit(start)(jax.random.split(jax.random.key(1), 64), surface, place[1])


@pytest.fixture(scope="module")
def found(hand, surface, place):
    find = make_synthesis(hand)
    keys = jax.random.split(jax.random.key(0), COUNT)
    return jax.jit(jax.vmap(find, (0, None, None, None)))(
        keys, place[0], surface, place[1]
    )


def test_the_thumb_is_the_finger_opposite_the_others(hand):
    links = np.array(hand.links)[thumb_links(hand)]
    assert set(links) == {"thbase", "thproximal", "thhub", "thmiddle", "thdistal"}


def test_pads_face_each_other_where_mujoco_says(hand):
    pads = pad_table(hand)
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    data = mujoco.MjData(model)
    points = contact_points(hand)
    thumb = thumb_links(hand)

    def placed(point):
        name = hand.links[points.link[point]]
        body = data.body(name)
        turn = body.xmat.reshape(3, 3)
        return body.xpos + turn @ points.position[point], turn @ points.normal[point]

    for row in (0, 7, 100, 600, 900):
        data.qpos[:7] = [0, 0, 0, 1, 0, 0, 0]
        data.qpos[7:] = all_joints(hand)(pads.actuated[row])
        mujoco.mj_kinematics(model, data)
        contacts = np.asarray(pads.contacts[row])
        assert thumb[points.link[contacts]].tolist() == [True, False, False, False]
        (on_thumb, out), *others = [placed(point) for point in contacts[:3]]
        middle = np.mean([at for at, _ in others], axis=0)
        np.testing.assert_allclose(pads.thumb[row], on_thumb, atol=1e-5)
        np.testing.assert_allclose(pads.fingers[row], middle, atol=1e-5)
        axis = (middle - on_thumb) / np.linalg.norm(middle - on_thumb)
        other = sum(normal for _, normal in others)
        if pads.price[row] > 0:
            assert out @ axis > 0.6 and -other @ axis > 0.6 * np.linalg.norm(other)


def test_pinches_are_of_all_widths_and_some_at_the_very_tips(hand):
    pads = pad_table(hand)
    natural = np.asarray(pads.price) == 0
    assert 0.4 < natural.mean() < 0.6
    gap = np.linalg.norm(pads.fingers - pads.thumb, axis=1)[~natural]
    assert (np.histogram(gap, bins=4, range=(0, 0.11))[0] > 0.15 * len(gap)).all()
    # Less of the hand is beyond the pads: half of the pinches are the lowest ones.
    below = np.asarray(pads.below)
    assert np.percentile(below[~natural], 25) < 0.025
    assert np.median(below[~natural]) < np.median(below[natural])


def test_hands_start_about_the_object_and_above_the_table(hand, surface, place, starts):
    solid, table = place
    kinematics, expand = forward_kinematics(hand), all_joints(hand)
    spheres = hand_spheres(hand, 0.02)
    thumb = thumb_links(hand)

    def look(pose):
        links = kinematics(pose.translation, pose.rotation, expand(pose.actuated))
        centres = jnp.stack(
            [links.position[hand.links.index(n)] for n in ("thdistal", "mfdistal")]
        )
        balls = rotations.rotate(links.quaternion[spheres.link], spheres.centre)
        balls += links.position[spheres.link]
        return centres, (balls @ table.up + table.height - spheres.radius).min()

    poses, _ = starts
    (tips, low) = jax.vmap(look)(poses)
    assert thumb.any() and (low > -1e-5).all()
    # Thumb and middle finger are on two sides of the box: it lies between them.
    middles = np.asarray(tips).mean(axis=1)
    gap, _ = signed_distance(solid, jnp.asarray(middles, jnp.float32))
    assert np.median(gap) < 0.02
    np.testing.assert_allclose(np.linalg.norm(poses.rotation, axis=1), 1.0, rtol=1e-5)


def test_the_energy_falls(hand, place, found, starts):
    solid, table = place
    terms = jax.vmap(grasp_energy(hand), (0, 0, None, None))
    before = terms(*starts, solid, table)
    energy = sum(weight * before[name] for name, weight in WEIGHTS.items())
    assert np.median(found.energy) < 0.5 * np.median(energy)
    # From contact points that were not chosen to face each other it falls far.
    contacts = jnp.array([160, 30, 70, 100])
    terms = jax.vmap(grasp_energy(hand), (0, None, None, None))
    unchosen = terms(starts[0], contacts, solid, table)
    assert np.median(found.terms["distance"]) < 0.3 * np.median(unchosen["distance"])
    assert np.median(found.terms["distance"]) < np.median(before["distance"])
    assert np.median(found.terms["penetration"]) < 0.005
    assert np.median(found.terms["table"]) < 0.003
    assert (np.asarray(found.energy) > 0).all()
    np.testing.assert_allclose(
        np.linalg.norm(found.pose.rotation, axis=1), 1.0, rtol=1e-5
    )
    assert found.joints.shape == (COUNT, len(hand.joints))


@pytest.mark.parametrize("direction", GRAVITY.tolist())
def test_gravity_pulls_along_each_direction(direction):
    turn = _turn_to_down(jnp.asarray(direction))
    np.testing.assert_allclose(np.linalg.norm(turn), 1.0, rtol=1e-6)
    down = rotations.rotate(turn, jnp.asarray(direction))
    np.testing.assert_allclose(down, [0, 0, -1], atol=1e-6)


def test_rotation_error_is_the_turn_still_to_make():
    start = rotations.from_axis_angle(jnp.array([0.6, 0.0, 0.8]), 0.7)
    turn = rotations.from_axis_angle(jnp.array([0.0, 1.0, 0.0]), 0.05)
    error = _rotation_error(rotations.multiply(turn, start), -start)
    np.testing.assert_allclose(error, [0.0, 0.05, 0.0], atol=1e-4)


def test_a_grasp_holds_and_an_absent_one_does_not(hand, box, place, found):
    engine = NativeEngine(make_scene(hand, box))
    targets = jax.jit(jax.vmap(closing_targets(hand, 1.0), (0, None, None)))
    pressing = targets(found.pose, place[0], 10.0)
    open_hand = found.pose.actuated
    # Pressing closes: towards smaller distances, so not all joints alike.
    assert (np.abs(pressing - open_hand).max(axis=1) > 0.02).all()
    trial = jax.jit(jax.vmap(make_trial(engine)))
    ids = jnp.zeros(COUNT, jnp.int32)
    pose, joints = found.pose, found.joints
    held = trial(pose.translation, pose.rotation, joints, pressing, ids)
    assert held.held.shape == (COUNT, 6)
    away = Pose(pose.translation + 0.5, pose.rotation, pose.actuated)
    dropped = trial(away.translation, away.rotation, joints, pressing, ids)
    assert not dropped.held.any() and (dropped.slip > 1.0).all()
    assert held.held.all(axis=1).mean() > 0.2
    np.testing.assert_array_equal(held.held, held.slip <= 0.03)
