"""The energy of a grasp against trimesh, MuJoCo C and finite differences."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
import trimesh

from dexjax.grasps.energy import CONTACTS, Pose, all_joints, grasp_energy, rest_table
from dexjax.hands import load_hand
from dexjax.hands.contact_geometry import contact_points, hand_spheres
from dexjax.objects import load_object
from dexjax.objects.solid import make_solid, signed_distance, smooth_normals


@pytest.fixture(scope="module")
def hand():
    return load_hand()


@pytest.fixture(scope="module")
def mug():
    return load_object("mug")


def test_signed_distance_of_a_union_of_hulls(mug):
    solid = make_solid(mug, 0, hulls=16)
    rng = np.random.default_rng(0)
    near = mug.points[0][:200] + rng.normal(0, 0.002, (200, 3))
    far = rng.uniform(-0.09, 0.09, (200, 3))
    points = np.concatenate([near, far]).astype(np.float32)
    distance, normal = signed_distance(solid, points)
    hulls = [trimesh.convex.convex_hull(h) for h in mug.hulls[0][mug.hull_mask[0]]]
    true = -np.max([trimesh.proximity.signed_distance(h, points) for h in hulls], 0)
    inside = true < 0
    assert inside.sum() > 20
    np.testing.assert_array_equal(np.asarray(distance) < 0, inside)
    np.testing.assert_allclose(distance[inside], true[inside], atol=1e-5)
    # Outside it is a lower bound, exact in front of the faces.
    assert (np.asarray(distance) <= true + 1e-5).all()
    ahead, _ = signed_distance(solid, points + 1e-4 * np.asarray(normal))
    # But for points between two faces.
    assert np.mean(np.abs(ahead - distance - 1e-4) < 1e-6) > 0.9


def test_smooth_normals_turn_from_face_to_face():
    solid = make_solid(load_object("box"), 0)
    corners = load_object("box").hulls[0, 0]
    half = corners.max(axis=0)
    middle = np.array([half[0], 0.0, 0.0])
    edge = np.array([half[0], half[1], 0.0])
    normals = smooth_normals(solid, jnp.stack([middle, edge]))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=1e-4)
    np.testing.assert_allclose(normals[0], [1, 0, 0], atol=0.05)
    np.testing.assert_allclose(normals[1, :2], [0.7, 0.7], atol=0.1)


def test_spheres_lie_in_the_hand(hand):
    spheres = hand_spheres(hand, 0.008)
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    assert len(spheres.link) > model.ngeom
    for link, centre, radius in zip(*spheres, strict=True):
        own = [g for g in range(model.ngeom) if model.geom_bodyid[g] == link + 1]
        gaps = []
        for geom in own:
            axis = np.zeros(9)
            mujoco.mju_quat2Mat(axis, model.geom_quat[geom])
            along = axis.reshape(3, 3)[:, 2]
            offset = centre - model.geom_pos[geom]
            height = np.clip(
                offset @ along, *(model.geom_size[geom, 1] * np.array([-1, 1]))
            )
            gap = np.linalg.norm(offset - height * along) + radius
            gaps.append(gap - model.geom_size[geom, 0])
        assert min(gaps) < 1e-6


def test_contact_points_look_at_the_grasp(hand):
    points = contact_points(hand)
    links = {hand.links[i] for i in points.link}
    assert {"palm", "ffdistal", "mfmiddle", "rfproximal", "lfdistal"} <= links
    assert {"thproximal", "thmiddle", "thdistal"} <= links
    np.testing.assert_allclose(np.linalg.norm(points.normal, axis=1), 1.0, rtol=1e-5)
    # The palm faces -y, and straight fingers do.
    for link in ("palm", "ffproximal", "mfdistal"):
        normals = points.normal[points.link == hand.links.index(link)]
        assert (normals[:, 1] < 0.1).all() and normals[:, 1].mean() < -0.6


def test_coupled_joints_follow(hand):
    q = np.zeros(len(hand.actuated), np.float32)
    q[hand.actuated.index("FFJ1")] = 0.5
    joints = all_joints(hand)(jnp.asarray(q))
    assert joints[hand.joints.index("FFJ0")] == pytest.approx(0.5 * 8.05 / 7.05)
    assert joints[hand.joints.index("MFJ0")] == 0.0
    q[hand.actuated.index("FFJ1")] = 1.57
    joints = all_joints(hand)(jnp.asarray(q))
    assert joints[hand.joints.index("FFJ0")] == pytest.approx(1.571, abs=1e-3)


@pytest.fixture(scope="module")
def energy(hand, mug):
    terms = jax.jit(grasp_energy(hand))
    solid, table = make_solid(mug, 0), rest_table(mug.rest_quat[0], mug.rest_height[0])
    contacts = jnp.array([3, 60, 110, 150])

    def evaluate(translation, q=None, rotation=(1.0, 0.0, 0.0, 0.0)):
        q = hand.poses["open"][hand.actuated_index] if q is None else q
        pose = Pose(jnp.asarray(translation), jnp.asarray(rotation), jnp.asarray(q))
        return terms(pose, contacts, solid, table)

    return evaluate


def test_far_away_nothing_penetrates(energy):
    terms = energy([0.0, 0.0, 0.5])
    for name in ("penetration", "self_penetration", "table", "joints"):
        assert terms[name] == 0.0
    assert terms["distance"] > CONTACTS * 0.3


def test_penetrations_are_noticed(energy, hand):
    assert energy([0.0, 0.0, -0.1])["penetration"] > 0.05
    assert energy([0.0, 0.0, -0.5])["table"] > 0.1
    q = np.array(hand.poses["open"][hand.actuated_index])
    q[hand.actuated.index("FFJ3")], q[hand.actuated.index("MFJ3")] = -0.34, 0.34
    assert energy([0.0, 0.0, 0.5], q)["self_penetration"] > 0.0
    q[hand.actuated.index("FFJ2")] = -0.25
    q[hand.actuated.index("FFJ1")] = 1.7
    expected = 0.25 + 1.7 - hand.joint_range[hand.joints.index("FFJ1"), 1]
    assert energy([0.0, 0.0, 0.5], q)["joints"] == pytest.approx(expected, abs=1e-3)


def test_gradients_are_finite_differences(hand, mug):
    terms = grasp_energy(hand)
    solid, table = make_solid(mug, 0), rest_table(mug.rest_quat[0], mug.rest_height[0])
    contacts = jnp.array([3, 60, 110, 150])
    rng = np.random.default_rng(2)
    start = np.concatenate(
        [[0.02, 0.09, -0.05], [1.0, 0.2, 0.1, 0.0]]
        + [hand.poses["grasp"][hand.actuated_index]]
    )

    @jax.jit
    def smooth(x):
        found = terms(Pose(x[:3], x[3:7], x[7:]), contacts, solid, table)
        names = ("distance", "penetration", "self_penetration", "table")
        return sum(found[name] for name in names)

    gradient = jax.jit(jax.grad(smooth))
    errors = []
    for _ in range(12):
        x = start + 0.02 * rng.normal(size=len(start))
        along = rng.normal(size=len(start))
        along /= np.linalg.norm(along)
        step = 1e-4
        ahead, behind = (smooth(jnp.asarray(x + s * along)) for s in (step, -step))
        slope = float(ahead - behind) / (2 * step)
        errors.append(abs(slope - float(gradient(jnp.asarray(x)) @ along)))
    # The terms have kinks; away from them both agree.
    assert np.median(errors) < 5e-3 and np.abs(gradient(jnp.asarray(start))).max() > 0.1
