"""The Allegro hand: published figures, and the whole task with it."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.hands import forward_kinematics, load_hand
from dexjax.objects.loading import load_object
from dexjax.physics.native import NativeEngine
from dexjax.scene import make_scene
from dexjax.spec import PolicySpec
from dexjax.tasks.grasp import GraspTask
from dexjax.tasks.grasp.config import GraspConfig, proposals_of
from dexjax.tasks.grasp.observations import sense
from dexjax.tasks.grasp.rewards import (
    Proposal,
    RewardInputs,
    hand_distances,
    reward_terms,
)

HAND = load_hand("allegro")
FINGERS = ("FF", "MF", "RF", "TH")
# The published description of the hand, straight finger by finger: where the first
# joint is in the palm's frame, and how long the links are.
BASES = {
    "FF": (0, 0.0435, -0.001542),
    "MF": (0, 0, 0.0007),
    "RF": (0, -0.0435, -0.001542),
}
LENGTHS = (0.0164, 0.054, 0.0384, 0.0267)
SPLAY = {"FF": -5.0, "MF": 0.0, "RF": 5.0}  # degrees about x


@pytest.fixture(scope="module")
def model():
    return mujoco.MjModel.from_xml_path(str(HAND.xml))


@pytest.fixture(scope="module")
def scene():
    return make_scene(HAND, load_object("box"))


@pytest.fixture(scope="module")
def task(scene):
    config = GraspConfig(relative=True, pose=False, starts=4)
    return GraspTask(NativeEngine(scene), config)


def test_names_and_numbers(model):
    joints = [f"{finger}J{i}" for finger in FINGERS for i in range(4)]
    assert list(HAND.joints) == list(HAND.actuated) == joints
    assert HAND.fingertips == ("fftip", "mftip", "rftip", "thtip")
    assert HAND.couplings == ()
    assert HAND.action_size == model.nu == 22
    frame = ["pos", "quat", "linvel", "angvel"]
    sensors = [f"{j}_{kind}" for kind in ("pos", "vel") for j in joints]
    sensors += [f"palm_{kind}" for kind in frame]
    for tip, kind in itertools.product(HAND.fingertips, [*frame, "force", "torque"]):
        sensors.append(f"{tip}_{kind}")
    assert [model.sensor(i).name for i in range(model.nsensor)] == sensors


def test_published_ranges_masses_and_torques(model):
    finger = [(-0.47, 0.47), (-0.196, 1.61), (-0.174, 1.709), (-0.227, 1.618)]
    thumb = [(0.263, 1.396), (-0.105, 1.163), (-0.189, 1.644), (-0.162, 1.719)]
    np.testing.assert_allclose(HAND.joint_range, [*finger * 3, *thumb], atol=1e-6)
    links = {"base": 0.0119, "proximal": 0.065, "middle": 0.0355}
    for finger_name, (link, mass) in itertools.product(
        ("ff", "mf", "rf"), links.items()
    ):
        assert model.body(finger_name + link).mass[0] == pytest.approx(mass)
    # 0.415 kg of palm and 0.231 kg of mount, three fingers and the thumb.
    total = 0.4154 + 0.231 + 3 * 0.1388 + 0.1231
    assert model.body_subtreemass[1] == pytest.approx(total, abs=1e-3)
    np.testing.assert_allclose(model.actuator_forcerange[6:], [[-0.7, 0.7]] * 16)


def test_straight_fingers_end_where_published_lengths_put_them():
    links = forward_kinematics(HAND)(
        jnp.zeros(3), jnp.array([1.0, 0, 0, 0]), jnp.asarray(HAND.poses["neutral"])
    )
    for finger, base in BASES.items():
        turn = Rotation.from_euler("x", SPLAY[finger], degrees=True)
        index = HAND.links.index(finger.lower() + "distal")
        expected = base + turn.apply([0, 0, sum(LENGTHS[:3])])
        np.testing.assert_allclose(links.position[index], expected, atol=1e-5)


def test_positive_angles_bend_towards_the_palms_face():
    def height(finger, angles):
        q = np.zeros(16, np.float32)
        q[[HAND.joints.index(f"{finger}J{i}") for i in range(4)]] = angles
        kinematics = forward_kinematics(HAND)
        links = kinematics(jnp.zeros(3), jnp.array([1.0, 0, 0, 0]), jnp.asarray(q))
        return float(links.position[HAND.links.index(finger.lower() + "distal")][0])

    for finger in ("FF", "MF", "RF"):
        assert height(finger, (0, 0.5, 0.5, 0)) > height(finger, (0, 0, 0, 0)) + 0.04
    # The thumb's first joint brings it from the side before the palm.
    assert height("TH", (1.396, 0, 0, 0)) > height("TH", (0.263, 0, 0, 0)) + 0.04


def test_few_primitives_that_collide_as_the_shadow_hands_do(model):
    kinds = {mujoco.mjtGeom(kind).name for kind in model.geom_type}
    assert kinds == {"mjGEOM_BOX", "mjGEOM_CAPSULE", "mjGEOM_SPHERE"}
    assert model.ngeom <= 20
    assert (model.geom_contype == 1).all() and (model.geom_conaffinity == 7).all()
    assert (model.geom_condim == 4).all()
    assert model.body_gravcomp[1:] == pytest.approx(1.0)


def test_start_faces_the_table_and_an_8_cm_mug_fits_in(model):
    data = mujoco.MjData(model)
    data.qpos[:] = np.r_[0, 0, 0.5, HAND.start_quat, HAND.poses["open"]]
    mujoco.mj_forward(model, data)
    palm = data.body("palm").xmat.reshape(3, 3)
    np.testing.assert_allclose(palm[:, 0], [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(palm[:, 2], [1, 0, 0], atol=1e-6)
    tips = np.array([data.site(tip).xpos for tip in HAND.fingertips])
    centre = data.site("palm_center").xpos
    # Within the 8 cm that an episode leaves between palm centre and tall objects.
    assert (tips[:, 2] > centre[2] - 0.08 + 0.012).all()
    assert np.linalg.norm(tips[3] - tips[1]) > 0.08 + 2 * 0.012


def test_fingers_meet_one_another(scene):
    data = mujoco.MjData(scene.model)
    data.qpos[scene.root_qpos] = [0, 0, 0.5, *HAND.start_quat]
    data.qpos[scene.object_qpos][:3] = [0.3, 0.3, 0.05]
    pose = HAND.poses["grasp"].copy()
    data.qpos[scene.finger_qpos] = pose
    # Index and ring are turned inwards, through the middle finger if they could.
    pose[HAND.joints.index("FFJ0")], pose[HAND.joints.index("RFJ0")] = -0.47, 0.47
    data.ctrl[6:] = pose
    deepest, touched = 0.0, set()
    for _ in range(400):
        mujoco.mj_step(scene.model, data)
        for contact in data.contact:
            names = {scene.model.geom(geom).name[:2] for geom in contact.geom}
            if names <= {"ff", "mf", "rf", "th"}:
                touched.add(frozenset(names))
                deepest = max(deepest, -float(contact.dist))
    assert {frozenset({"ff", "mf"}), frozenset({"mf", "rf"})} <= touched
    assert deepest < 0.004
    assert max(-float(contact.dist) for contact in data.contact) < 0.001


@pytest.fixture(scope="module")
def begun(task):
    return jax.jit(task.reset)(jax.random.key(0))


def test_the_task_takes_22_actions_and_shows_16_joints_and_4_tips(scene, task, begun):
    assert task.spec.actions == 22
    names = ("proprioception", "previous_action", "object_position", "relative")
    assert task.spec.sees("policy") == names
    sizes = [own.size for own in task.spec.observations]
    assert sizes == [98, 22, 3, 3 + 4 * 3]
    step = jax.jit(task.step)
    action = jax.random.uniform(jax.random.key(1), (22,), minval=-1.0)
    state = begun
    for _ in range(5):
        state = step(state, action)
    obs = np.concatenate([state.obs[name] for name in names])
    data = np.asarray(state.physics.sensordata)

    def read(name):
        return data[scene.sensors[name]]

    low, high = HAND.joint_range.T
    angles = np.array([read(f"{joint}_pos")[0] for joint in HAND.joints])
    np.testing.assert_allclose(
        obs[:16], 2 * (angles - low) / (high - low) - 1, atol=1e-5
    )
    for i, tip in enumerate(HAND.fingertips):
        np.testing.assert_allclose(
            obs[16 + 13 * i :][:3], read(f"{tip}_pos"), atol=1e-6
        )
        wrench = np.r_[read(f"{tip}_force"), read(f"{tip}_torque")]
        np.testing.assert_allclose(obs[68 + 6 * i :][:6], 10 * wrench, rtol=1e-5)
    np.testing.assert_allclose(obs[92:95], read("palm_pos"), atol=1e-6)
    np.testing.assert_allclose(obs[98:120], action, atol=1e-6)
    np.testing.assert_allclose(obs[120:123], read("object_pos"), atol=1e-6)
    tips = np.array([read(f"{tip}_pos") for tip in HAND.fingertips])
    np.testing.assert_allclose(
        obs[126:], (read("object_pos") - tips).ravel(), atol=1e-6
    )


def test_sums_over_fingertips_and_joints_are_scaled_to_the_papers(scene, begun):
    sensed = sense(HAND, scene.sensors, begun.physics.sensordata)
    situation = RewardInputs(
        sensed=sensed,
        action=jnp.zeros(22),
        goal=jnp.zeros(3),
        targets=jnp.tile(sensed.object_pos, (5, 1)),
        rest_height=jnp.zeros(()),
        proposal=Proposal(jnp.zeros(3), jnp.ones(4) / 2, sensed.joint_pos + 0.1),
        compare=jnp.array(True),
        palm_offset=jnp.asarray(HAND.palm_center),
    )
    _, d_f = hand_distances(situation)
    gaps = np.linalg.norm(np.asarray(sensed.object_pos - sensed.tip_pos), axis=1)
    assert float(d_f) == pytest.approx(5 * gaps.mean(), rel=1e-5)
    assert float(reward_terms(situation, "base")["pose"]) == pytest.approx(
        -2.2, rel=1e-4
    )


def _with_proposals(joints):
    rng = np.random.default_rng(0)
    return dataclasses.replace(
        load_object("box"),
        grasp_translation=rng.normal(size=(1, 3, 3)).astype(np.float32),
        grasp_rotation=np.tile(np.float32([1, 0, 0, 0]), (1, 3, 1)),
        grasp_joints=rng.uniform(0, 1, (1, 3, joints)).astype(np.float32),
        grasp_count=np.array([3], np.int32),
    )


def test_proposals_of_another_hand_are_left_out():
    own, count = proposals_of(HAND, _with_proposals(16))
    assert own.joints.shape == (1, 3, 16) and count.tolist() == [3]
    others, count = proposals_of(HAND, _with_proposals(22))
    assert others.joints.shape == (1, 1, 16) and count.tolist() == [0]
    assert [len(x[0]) for x in others] == [1, 1, 1]
    engine = NativeEngine(make_scene(HAND, _with_proposals(22)))
    with pytest.raises(DexjaxError, match="'box' has none for hand 'allegro'"):
        GraspTask(engine, GraspConfig(starts=1, reward="stage1"))


def test_policies_know_their_hand(task):
    sees = task.spec.sees("policy")
    spec = PolicySpec.of(task.spec, sees)
    assert spec.misfits(task.spec) == []
    other = dataclasses.replace(task.spec, body="shadow hand, servo wrist")
    assert spec.misfits(other) == [
        "it moves the allegro hand, servo wrist, "
        "the task has the shadow hand, servo wrist"
    ]
