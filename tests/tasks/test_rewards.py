"""The rewards against plain formulas, on situations around their gates."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.tasks.grasp.observations import Sensed, sense
from dexjax.tasks.grasp.rewards import (
    SCALES,
    Proposal,
    RewardInputs,
    hand_distances,
    reward_terms,
)

COUNT = 400
GOAL = np.array([0.0, 0.0, 0.2])
PALM_OFFSET = np.array([0.005, -0.025, 0.085])


def quat(rotation):
    return rotation.as_quat(scalar_first=True)


@pytest.fixture(scope="module")
def drawn():
    """Random situations as plain numbers; root poses are what the proposals compare."""
    rng = np.random.default_rng(0)
    # Distances and errors of both sides of every gate.
    near = np.where(rng.random(COUNT) < 0.7, 0.05, 0.15)[:, None]
    goal_near = np.where(rng.random(COUNT) < 0.3, 0.03, 0.15)[:, None]
    object_pos = GOAL + goal_near * rng.normal(size=(COUNT, 3))
    object_turn = Rotation.random(COUNT, rng=rng)
    palm_pos = object_pos + near * rng.normal(size=(COUNT, 3))
    turn = Rotation.random(COUNT, rng=rng)
    joints = rng.uniform(-0.3, 1.2, (COUNT, 22))
    proposed = object_turn.inv() * turn
    proposed = proposed * Rotation.from_rotvec(0.5 * rng.normal(size=(COUNT, 3)))
    root = palm_pos - turn.apply(PALM_OFFSET)
    error = rng.uniform(0.02, 0.3, (COUNT, 1)) * rng.normal(size=(COUNT, 3))
    spread = rng.uniform(0.1, 0.5, (COUNT, 1))
    return {
        "object_pos": object_pos,
        "object_turn": object_turn,
        "palm_pos": palm_pos,
        "root": root,
        "turn": turn,
        "tip_pos": palm_pos[:, None] + near[:, None] * rng.normal(size=(COUNT, 5, 3)),
        "joints": joints,
        "action": rng.uniform(-1, 1, (COUNT, 24)),
        "rest_height": object_pos[:, 2] + rng.uniform(-0.1, 0.05, COUNT),
        "p_translation": object_turn.inv().apply(root - object_pos) + error,
        "p_turn": proposed,
        "p_joints": joints + spread * rng.normal(size=(COUNT, 22)),
        "compare": rng.random(COUNT) < 0.7,
    }


@pytest.fixture(scope="module")
def situations(drawn):
    none = jnp.zeros((COUNT, 5, 3))
    sensed = Sensed(
        joint_pos=drawn["joints"],
        joint_vel=jnp.zeros((COUNT, 22)),
        palm_pos=drawn["palm_pos"],
        palm_quat=quat(drawn["turn"]),
        palm_linvel=none[:, 0],
        palm_angvel=none[:, 0],
        tip_pos=drawn["tip_pos"],
        tip_quat=jnp.zeros((COUNT, 5, 4)),
        tip_linvel=none,
        tip_angvel=none,
        tip_force=none,
        tip_torque=none,
        object_pos=drawn["object_pos"],
        object_quat=quat(drawn["object_turn"]),
        object_linvel=none[:, 0],
        object_angvel=none[:, 0],
    )
    proposal = Proposal(
        drawn["p_translation"], quat(drawn["p_turn"]), drawn["p_joints"]
    )
    situation = RewardInputs(
        sensed=sensed,
        action=drawn["action"],
        goal=np.tile(GOAL, (COUNT, 1)),
        targets=np.repeat(drawn["object_pos"][:, None], 6, axis=1),
        rest_height=drawn["rest_height"],
        proposal=proposal,
        compare=drawn["compare"],
        palm_offset=np.tile(PALM_OFFSET, (COUNT, 1)),
    )
    return jax.tree.map(jnp.asarray, situation)


def plain(i, d):
    """Distances, errors and gates of situation i, step by step."""
    here = d["object_pos"][i]
    d_h = np.linalg.norm(here - d["palm_pos"][i])
    d_f = sum(np.linalg.norm(here - tip) for tip in d["tip_pos"][i])
    d_g = np.linalg.norm(here - GOAL)
    to_object = d["object_turn"][i].inv()
    root = to_object.apply(d["root"][i] - here)
    turned = to_object * d["turn"][i]
    return {
        "d_h": d_h,
        "d_f": d_f,
        "d_g": d_g,
        "a_z": d["action"][i, 2],
        "near": d_f <= 0.6 and d_h <= 0.12,
        "bonus": 1 / (1 + 10 * d_g) if d_g <= 0.05 else 0.0,
        "dp": np.abs(root - d["p_translation"][i]).sum(),
        "dr": (turned.inv() * d["p_turn"][i]).magnitude(),
        "dq": np.abs(d["p_joints"][i] - d["joints"][i]).sum(),
        "lifted": here[2] > d["rest_height"][i] + 0.01,
        "compare": d["compare"][i],
    }


def base(p):
    pose = -0.05 * p["dq"] if p["compare"] else 0.0
    pose_near = not p["compare"] or p["dq"] <= 6
    return {
        "pose": pose,
        "reach": -1.0 * p["d_h"] - 0.5 * p["d_f"],
        "lift": 0.1 + 0.1 * p["a_z"] if p["near"] else 0.0,
        "move": 0.9 - 2 * p["d_g"] if p["near"] and pose_near else 0.0,
        "bonus": p["bonus"],
    }


def stage1(p):
    like = p["dp"] <= 0.4 and p["dr"] <= 1.0 and p["dq"] <= 6
    return {
        "reach": -0.5 * p["d_f"] - 1.0 * p["d_h"],
        "move": 0.9 - 2 * p["d_g"] if p["near"] and like else 0.0,
        "up": 0.1 + 0.1 * p["a_z"] if p["near"] and p["lifted"] else 0.0,
        "bonus": p["bonus"],
        "proposal": -0.5 * (0.6 * p["dp"] + 0.04 * p["dr"] + 0.1 * p["dq"]),
    }


def full_pose(p):
    like_stage_1 = stage1(p)
    return {
        "proposal": like_stage_1["proposal"],
        "reach": like_stage_1["reach"],
        "lift": 0.1 + 0.1 * p["a_z"] if p["near"] else 0.0,
        "move": like_stage_1["move"],
        "bonus": p["bonus"],
    }


def stage2(p):
    return {
        "lift": 0.1 + 0.1 * p["a_z"] if p["near"] else 0.0,
        "move": 0.9 - 2 * p["d_g"] if p["near"] else 0.0,
        "bonus": p["bonus"],
    }


@pytest.mark.parametrize("formula", [base, full_pose, stage1, stage2])
def test_every_term_equals_its_formula(situations, drawn, formula):
    name = formula.__name__.replace("_", "-")
    terms = jax.vmap(lambda s: reward_terms(s, name))(situations)
    expected = [formula(plain(i, drawn)) for i in range(COUNT)]
    assert set(terms) == set(SCALES[name]) == set(expected[0])
    for term, values in terms.items():
        want = np.array([e[term] for e in expected])
        scaled = SCALES[name][term] * np.asarray(values)
        np.testing.assert_allclose(scaled, want, atol=2e-5, err_msg=term)
        if term not in ("reach", "proposal"):
            # The draw covers both sides of every gate.
            assert 20 < (want == 0).sum() < COUNT - 20, term


def test_a_hand_on_a_proposal_has_no_wrist_error(box_scene):
    """Root is compared with root: the proposal is the pose of the palm frame."""
    rng = np.random.default_rng(1)
    data = mujoco.MjData(box_scene.model)
    object_turn, grasp_turn = Rotation.random(2, rng=rng)
    here, translation = np.array([0.1, -0.2, 0.3]), np.array([0.02, -0.08, -0.1])
    joints = box_scene.hand.poses["grasp"]
    data.qpos[box_scene.object_qpos] = [*here, *quat(object_turn)]
    root = here + object_turn.apply(translation)
    data.qpos[box_scene.root_qpos] = [*root, *quat(object_turn * grasp_turn)]
    data.qpos[box_scene.finger_qpos] = joints
    mujoco.mj_forward(box_scene.model, data)
    sensordata = jnp.asarray(data.sensordata, jnp.float32)
    situation = RewardInputs(
        sensed=sense(box_scene.hand, box_scene.sensors, sensordata),
        action=jnp.zeros(24),
        goal=jnp.asarray(here),
        targets=jnp.tile(jnp.asarray(here), (6, 1)),
        rest_height=jnp.asarray(0.0),
        proposal=Proposal(
            jnp.asarray(translation), jnp.asarray(quat(grasp_turn)), jnp.asarray(joints)
        ),
        compare=jnp.asarray(True),
        palm_offset=jnp.asarray(box_scene.hand.palm_center),
    )
    assert abs(reward_terms(situation, "stage1")["proposal"]) < 1e-5
    assert abs(reward_terms(situation, "base")["pose"]) < 1e-5
    # And 1 cm beside it has 1 cm.
    beside = situation.proposal._replace(
        translation=situation.proposal.translation + jnp.array([0.0, 0.01, 0.0])
    )
    moved = reward_terms(situation._replace(proposal=beside), "stage1")["proposal"]
    np.testing.assert_allclose(moved, -0.6 * 0.01, rtol=1e-3)


def test_a_palm_at_the_rim_of_a_wide_object_is_near_its_surface(situations):
    """A plate of 30 cm, held by its rim: 17 cm from its centre, 2 cm from itself."""
    one = jax.tree.map(lambda x: x[0], situations)
    centre = one.sensed.object_pos
    palm = centre + jnp.array([0.17, 0.0, 0.0])
    rim = centre + jnp.array([0.15, 0.0, 0.0])
    sensed = one.sensed._replace(palm_pos=palm, tip_pos=jnp.tile(rim, (5, 1)))
    to_centre = one._replace(sensed=sensed, targets=jnp.tile(centre, (6, 1)))
    to_surface = to_centre._replace(targets=jnp.tile(rim, (6, 1)))
    d_h, d_f = hand_distances(to_surface)
    np.testing.assert_allclose((d_h, d_f), (0.02, 0.0), atol=1e-6)
    np.testing.assert_allclose(hand_distances(to_centre), (0.17, 0.75), rtol=1e-5)
    assert reward_terms(to_centre, "stage2")["move"] == 0.0
    d_g = np.linalg.norm(np.asarray(centre) - GOAL)
    move = reward_terms(to_surface, "stage2")["move"]
    np.testing.assert_allclose(move, 0.9 - 2 * d_g, rtol=1e-5)
