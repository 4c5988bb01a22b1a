"""Hands: kinematics, rest and servos; real grasps replayed on the ShadowHand."""

import importlib.util
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
import trimesh

from dexjax.errors import DexjaxError
from dexjax.hands import forward_kinematics, load_hand, mjcf_path, world_spec
from dexjax.objects.dexgraspnet import find_objects, read_grasps, read_pieces

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
HAND = load_hand()
PLAY = 0.001 / 0.00705  # rad that J0 may lag or lead its coupling


def _load_replay():
    path = ROOT / "experiments" / "replay_dexgraspnet.py"
    spec = importlib.util.spec_from_file_location("replay_dexgraspnet", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


replay = _load_replay()


@pytest.fixture(scope="module", params=["shadow", "allegro"])
def hand(request):
    return load_hand(request.param)


only_shadow = pytest.mark.parametrize("hand", ["shadow"], indirect=True)


@pytest.fixture(scope="module")
def hand_model(hand):
    return mujoco.MjModel.from_xml_path(str(hand.xml))


@pytest.fixture(scope="module")
def table_model(hand):
    return world_spec(hand.xml).compile()


def _start(hand, model, pose="open", height=0.5):
    data = mujoco.MjData(model)
    data.qpos[:] = np.r_[0, 0, height, hand.start_quat, hand.poses[pose]]
    data.ctrl[6:] = hand.poses[pose][hand.actuated_index]
    mujoco.mj_forward(model, data)
    return data


def _overlap(data):
    return max((-float(c.dist) for c in data.contact), default=0.0)


@only_shadow
def test_names_come_in_the_documented_order(hand_model):
    fingers = {"FF": 3, "MF": 3, "RF": 3, "LF": 4, "TH": 4}
    joints = [f"{f}J{i}" for f, top in fingers.items() for i in range(top, -1, -1)]
    followers = {"FFJ0", "MFJ0", "RFJ0", "LFJ0"}
    actuated = [j for j in joints if j not in followers]
    wrist = [f"wrist_{kind}{axis}" for kind in "ft" for axis in "xyz"]
    assert list(HAND.joints) == joints
    assert list(HAND.actuated) == actuated
    assert HAND.joint_range.shape == (22, 2)
    names = [hand_model.actuator(i).name for i in range(hand_model.nu)]
    assert names == wrist + actuated
    assert {after for _, after, _ in HAND.couplings} == followers


@only_shadow
def test_sensors_come_in_the_documented_order(hand_model):
    frame = ["pos", "quat", "linvel", "angvel"]
    expected = [f"{j}_pos" for j in HAND.joints] + [f"{j}_vel" for j in HAND.joints]
    expected += [f"palm_{kind}" for kind in frame]
    for tip in ("fftip", "mftip", "rftip", "lftip", "thtip"):
        expected += [f"{tip}_{kind}" for kind in [*frame, "force", "torque"]]
    names = [hand_model.sensor(i).name for i in range(hand_model.nsensor)]
    assert names == expected


@only_shadow
def test_hand_is_made_of_few_colliding_primitives(hand_model):
    assert set(hand_model.geom_type) == {int(mujoco.mjtGeom.mjGEOM_CAPSULE)}
    assert hand_model.ngeom <= 20
    assert (hand_model.geom_contype == 1).all()
    assert (hand_model.geom_conaffinity == 7).all()
    assert (hand_model.geom_condim == 4).all()
    assert hand_model.body_subtreemass[1] == pytest.approx(0.84, abs=0.01)
    assert hand_model.body_gravcomp[1:] == pytest.approx(1.0)
    assert len(HAND.finger_links) == 15


def test_forward_kinematics_agrees_with_mujoco(hand, hand_model):
    rng = np.random.default_rng(0)
    data = mujoco.MjData(hand_model)
    kinematics = jax.jit(forward_kinematics(hand))
    for _ in range(20):
        quat = rng.normal(size=4)
        quat /= np.linalg.norm(quat)
        position, joints = rng.normal(size=3), rng.uniform(*hand.joint_range.T)
        data.qpos[:] = np.r_[position, quat, joints]
        mujoco.mj_kinematics(hand_model, data)
        links = kinematics(jnp.array(position), jnp.array(quat), jnp.array(joints))
        np.testing.assert_allclose(links.position, data.xpos[1:], atol=2e-6)
        matrices = [np.zeros(9) for _ in hand.links]
        for matrix, quaternion in zip(matrices, links.quaternion, strict=True):
            mujoco.mju_quat2Mat(matrix, np.asarray(quaternion, float))
        np.testing.assert_allclose(matrices, data.xmat[1:], atol=5e-6)


@pytest.mark.parametrize("pose", ["neutral", "open", "grasp"])
def test_poses_lie_in_range_and_do_not_collide(hand, hand_model, pose):
    angles = hand.poses[pose]
    assert (angles >= hand.joint_range[:, 0]).all()
    assert (angles <= hand.joint_range[:, 1]).all()
    assert _start(hand, hand_model, pose).ncon == 0


@only_shadow
def test_start_orientation_faces_the_table_with_an_open_hand(hand_model):
    data = _start(HAND, hand_model)
    palm = data.body("palm").xmat.reshape(3, 3)
    np.testing.assert_allclose(-palm[:, 1], [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(palm[:, 2], [1, 0, 0], atol=1e-6)
    centre = data.body("palm").xpos + palm @ HAND.palm_center
    np.testing.assert_allclose(centre, data.site("palm_center").xpos, atol=1e-7)
    tips = [data.site(tip).xpos for tip in HAND.fingertips]
    assert all(tip[2] < centre[2] - 0.02 for tip in tips)
    # An 8 cm mug fits between thumb and middle finger.
    assert np.linalg.norm(tips[4] - tips[1]) > 0.08 + 0.02


@only_shadow
def test_keypoints_name_links(hand_model):
    assert {link for link, _ in HAND.keypoints} <= set(HAND.links)
    tips = [point for link, point in HAND.keypoints if link == "thdistal"]
    assert tips[-1] == pytest.approx(hand_model.site("thtip").pos)


def test_disturbed_hand_comes_to_rest_within_10_s(hand, table_model):
    data = _start(hand, table_model)
    data.qvel[6:] = np.random.default_rng(0).normal(0, 1.0, len(hand.joints))
    start = data.qpos.copy()
    for _ in range(2000):
        mujoco.mj_step(table_model, data)
    followers = [hand.joints.index(after) for _, after, _ in hand.couplings]
    driven = np.setdiff1d(np.arange(len(hand.joints)), followers)
    assert np.abs(data.qvel).max() < 1e-4
    assert np.linalg.norm(data.qpos[:3] - start[:3]) < 0.002
    assert np.abs(data.qpos[3:7] - start[3:7]).max() < 0.02
    assert np.abs(data.qpos[7:] - start[7:])[driven].max() < 0.01


@only_shadow
def test_last_joints_follow_their_neighbours(table_model):
    data = _start(HAND, table_model, "neutral")
    drivers = [HAND.actuated.index(before) for before, _, _ in HAND.couplings]
    for target in (0.6, 1.2, 0.3):
        data.ctrl[6 + np.array(drivers)] = target
        for _ in range(200):
            mujoco.mj_step(table_model, data)
        angle = dict(zip(HAND.joints, data.qpos[7:], strict=True))
        for before, after, ratio in HAND.couplings:
            assert abs(angle[before] - target) < 0.1
            assert abs(angle[after] - ratio * angle[before]) < PLAY + 0.02


@pytest.mark.parametrize("axis", range(6))
def test_wrist_servo_reaches_its_speed_about_world_axes(hand, table_model, axis):
    data = _start(hand, table_model)
    data.ctrl[axis] = 1.0
    for _ in range(12):
        mujoco.mj_step(table_model, data)
    matrix = data.body("palm").xmat.reshape(3, 3)
    velocity = np.r_[data.qvel[:3], matrix @ data.qvel[3:6]]
    speed = 0.5 if axis < 3 else 1.5
    assert velocity[axis] == pytest.approx(speed, rel=0.05)


@pytest.mark.parametrize("integrator", ["IMPLICITFAST", "EULER"])
def test_jumping_controls_stay_bounded(hand, table_model, integrator):
    # Euler as well: MJX steps the same model with it.
    model = table_model.__copy__()
    model.opt.integrator = getattr(mujoco.mjtIntegrator, f"mjINT_{integrator}")
    data = _start(hand, model)
    rng = np.random.default_rng(1)
    low, high = model.actuator_ctrlrange[6:].T
    speed, overlap = [], []
    for step in range(500):
        data.ctrl[:6] = rng.choice([-1.0, 1.0], 6)
        if step % 5 == 0:
            data.ctrl[6:] = np.where(rng.random(len(low)) < 0.5, low, high)
        data.qpos[:3] = 0.0, 0.0, 0.5
        for _ in range(4):
            mujoco.mj_step(model, data)
        speed.append(np.abs(data.qvel[:6]).max(initial=0.0))
        overlap.append(_overlap(data))
    assert data.warning.number.sum() == 0
    assert np.max(speed) < 6.0
    assert np.quantile(overlap, 0.75) < 1e-3
    assert np.max(overlap) < 0.01


def test_unknown_names_are_refused():
    with pytest.raises(DexjaxError, match="'shadw'.*shadow"):
        load_hand("shadw")
    with pytest.raises(DexjaxError, match=r"no_hand\.xml"):
        mjcf_path("no_hand.xml")


def test_signed_distance_of_a_union_of_pieces():
    # Two boxes that share a face and overlap in no volume: their common face is inside.
    left = trimesh.creation.box(bounds=[[-1, -1, -1], [0, 1, 1]]).vertices
    right = trimesh.creation.box(bounds=[[0, -1, -1], [1, 1, 1]]).vertices
    surface = replay.make_surface([left, right])
    points = np.array([[0, 0, 0], [0.9, 0, 0], [1.5, 0, 0], [2, 2, 2]], float)
    expected = [-1, -0.1, 0.5, np.sqrt(3)]
    np.testing.assert_allclose(surface.signed_distance(points), expected, atol=0.01)


def _real_objects():
    if not DATA.is_dir():
        pytest.skip("real grasps are absent: no ../shared/data beside the repository")
    return {name: own for name, own in find_objects(DATA).items() if own.grasps}


def test_signed_distance_of_a_real_mesh_agrees_with_trimesh():
    pieces = read_pieces(_real_objects()["sem-Camera-7bff4fd4dc53de7496dece3f86cb5dd5"])
    solid = trimesh.boolean.union([trimesh.convex.convex_hull(p) for p in pieces])
    points = np.random.default_rng(0).uniform(-1, 1, (300, 3))
    exact = -trimesh.proximity.signed_distance(solid, points)
    measured = replay.make_surface(pieces).signed_distance(points)
    assert ((measured < 0) == (exact < 0)).all()
    outside = exact > 0
    np.testing.assert_allclose(measured[outside], exact[outside], atol=5e-3)
    # The exact union keeps hair cracks between the pieces as surface; ours does not.
    assert (measured <= exact + 5e-3).all()
    assert np.median(np.abs(measured - exact)[~outside]) < 5e-3


def _is_good(row):
    return (
        row["share_3_links_within_5mm"] >= 0.98
        and row["penetration_median_mm"] <= 1.5
        and row["penetration_p95_mm"] <= 4.0
    )


def test_real_grasps_touch_and_hardly_penetrate():
    for name, source in _real_objects().items():
        grasps = read_grasps(source)
        result = replay.replay(HAND, grasps, replay.make_surface(read_pieces(source)))
        row = replay.summarise(result)
        assert row["grasps"] == len(grasps) > 150
        assert _is_good(row), (name, row)


def test_replay_notices_wrong_signs_and_frames():
    source = _real_objects()["sem-Bottle-437678d4bc6be981c8724d5673a063a6"]
    surface, grasps = replay.make_surface(read_pieces(source)), read_grasps(source)

    def row(change):
        changed = [g._replace(**change(g)) for g in grasps]
        return replay.summarise(replay.replay(HAND, changed, surface))

    def flipped(joints):
        return np.array([-1.0 if j in joints else 1.0 for j in HAND.joints])

    flexing = flipped([f + j for f in ("FF", "MF", "RF", "LF") for j in ("J2", "J1")])
    thumb = flipped([j for j in HAND.joints if j.startswith("TH")])
    turn = np.diag([-1.0, -1.0, 1.0])
    right = row(lambda g: {})
    assert _is_good(right)
    assert not _is_good(row(lambda g: {"joints": g.joints * flexing}))
    assert not _is_good(row(lambda g: {"rotation": g.rotation.T}))
    assert not _is_good(row(lambda g: {"rotation": g.rotation @ turn}))
    assert not _is_good(row(lambda g: {"scale": 1.2 * g.scale}))
    without_thumb = row(lambda g: {"joints": g.joints * thumb})["near_links_mean"]
    assert without_thumb < right["near_links_mean"] - 1.0


def test_replay_refuses_a_folder_without_grasps(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["replay_dexgraspnet.py", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        replay.main()
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error:") and error.count("\n") == 1
