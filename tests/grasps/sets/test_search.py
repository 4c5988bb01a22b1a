"""In-hand grasps: what is kept holds, and a search goes on as if never interrupted."""

import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.grasp_set import (
    digest,
    from_simulation,
    read_sets,
    to_simulation,
    write_sets,
)
from dexjax.grasps.sets.palm import (
    SUBSTEPS,
    finger_of_actuators,
    finger_of_geoms,
    palm_pose,
    palm_scene,
)
from dexjax.grasps.sets.report import report
from dexjax.grasps.sets.search import Search
from dexjax.grasps.sets.trial import DEPTH_M, apart, make_trial, touches
from dexjax.hands import load_hand
from dexjax.objects.geometric import geometric_objects
from dexjax.physics.native import NativeEngine

TURNS = ("palm up", "palm down")
SIZE = 16


@pytest.fixture(scope="module")
def objects():
    return geometric_objects("train", ["cube", "bar"])


@pytest.fixture(scope="module")
def engine(objects):
    return NativeEngine(palm_scene(load_hand("allegro"), objects, TURNS), SUBSTEPS)


@pytest.fixture(scope="module")
def search(engine):
    return Search(engine, SIZE, seed=3, batch=256)


@pytest.fixture(scope="module")
def found(search):
    found = search.start()
    while search.missing(found).any():
        assert found.rounds < 60
        found = search.step(found)
    return found


@pytest.fixture(scope="module")
def sets(engine, objects, found):
    parts = (found.grasps, found.touching, found.depth)
    return from_simulation(engine.scene, TURNS, objects, *parts)


def test_every_set_is_filled_and_not_overfilled(found):
    assert np.bincount(found.grasps.model).tolist() == [SIZE] * 4
    assert found.linked.all()


def test_what_is_kept_holds_on(engine, found):
    """For three more seconds, with gravity as it is there."""
    tried = make_trial(engine, ramp=0, hold=30)(found.grasps, found.grasps.targets)
    place = engine.scene.object_qpos
    moved, _ = apart(found.grasps.qpos[:, place], tried.grasps.qpos[:, place])
    assert (moved < 0.03).mean() > 0.8
    assert np.median(moved) < 0.004


def test_without_fingers_that_press_nothing_holds_upside_down(engine, found):
    down = found.grasps.subset(engine.scene.variation_of(found.grasps.model) == 1)
    hand = load_hand("allegro")
    straight = np.tile(hand.poses["neutral"], (len(down.model), 1))
    tried = make_trial(engine)(down, straight)
    assert not tried.valid.any()


def test_what_slips_when_the_palm_is_turned_is_not_kept(objects):
    turns = ("palm up", "palm up, thumb up", "palm up, thumb down")
    scene = palm_scene(load_hand("allegro"), objects.subset(["cube"]), turns)
    engine = NativeEngine(scene, SUBSTEPS)
    search = Search(engine, 20, seed=1, batch=256)
    found = search.start()
    while search.missing(found).any():
        found = search.step(found)
    tried = make_trial(engine, ramp=0)(found.grasps, found.grasps.targets)
    assert tried.steady.mean() > 0.9
    # Hands that lie flat hold a cube as long as the palm faces up.
    up = found.grasps.subset(found.grasps.model == 0)
    flat = np.tile(load_hand("allegro").poses["neutral"], (len(up.model), 1))
    dropped = make_trial(engine)(up, flat)
    assert not (dropped.steady & dropped.rests).all() and not dropped.valid.all()


def test_touches_are_those_of_a_whole_step_of_mujoco(engine, found):
    scene, model = engine.scene, engine.scene.model
    touching, depth = touches(
        scene, found.grasps.model, found.grasps.qpos, np.ones(len(found.depth), bool)
    )
    prefixes = ("ff", "mf", "rf", "th")
    for row in range(0, len(depth), 7):
        own = scene.models[found.grasps.model[row]]
        data = mujoco.MjData(own)
        data.qpos[:] = found.grasps.qpos[row]
        mujoco.mj_forward(own, data)
        seen = set()
        for contact in data.contact:
            names = {own.body(own.geom_bodyid[geom]).name for geom in contact.geom}
            if "object" in names:
                (other,) = names - {"object"}
                palm = other in ("palm", "thbase")
                seen.add(4 if palm else prefixes.index(other[:2]))
        assert set(np.flatnonzero(touching[row])) == seen
        assert depth[row] == pytest.approx(
            max(0, -min((c.dist for c in data.contact), default=0))
        )
    assert (touching[:, :4].sum(axis=1) >= 2).all() and (depth <= DEPTH_M).all()
    assert model.ngeom == len(finger_of_geoms(scene))


@pytest.mark.parametrize("name", ["allegro", "shadow"])
def test_actuators_belong_to_fingers(name, objects):
    scene = palm_scene(load_hand(name), objects, ("palm up",))
    finger = dict(zip(scene.actions, finger_of_actuators(scene), strict=True))
    tips = load_hand(name).fingertips
    for actuator, number in finger.items():
        joint = scene.model.actuator(actuator).trnid[0]
        prefix = scene.model.joint(joint).name[:2].lower()
        if prefix != "wr":
            assert tips[number].startswith(prefix)


def test_a_search_that_goes_on_finds_the_same(engine, search):
    once = search.start()
    for _ in range(3):
        once = search.step(once)
    other = Search(engine, SIZE, seed=3, batch=256)
    again = other.step(other.step(search.step(search.start())))
    np.testing.assert_array_equal(again.grasps.qpos, once.grasps.qpos)
    assert again.counts == once.counts


def test_sets_come_back_from_a_file_and_into_the_simulation(
    sets, engine, found, tmp_path
):
    file = tmp_path / "sets.npz"
    write_sets(file, sets)
    again = read_sets(file, load_hand("allegro"))
    assert (again.objects, again.turns, again.digest) == (
        sets.objects,
        TURNS,
        digest(load_hand("allegro"), geometric_objects("train", ["cube", "bar"])),
    )
    back = to_simulation(engine.scene, again)
    np.testing.assert_array_equal(back.model, found.grasps.model)
    place = engine.scene.object_qpos
    moved, turned = apart(back.qpos[:, place], found.grasps.qpos[:, place])
    assert moved.max() < 1e-6 and turned.max() < 2e-3  # float32 of a cosine near 1
    # The palm's centre is before the palm, and what it holds lies there.
    assert np.linalg.norm(again.position, axis=1).max() < 0.07
    assert palm_pose(engine.scene)[0] == pytest.approx([0, 0, 0.3], abs=1e-6)


def test_damaged_sets_and_those_of_other_hands_are_refused(sets, tmp_path):
    file = tmp_path / "sets.npz"
    with pytest.raises(DexjaxError, match="no grasp sets .*dexjax grasp-sets"):
        read_sets(file)
    write_sets(file, sets)
    with pytest.raises(DexjaxError, match="of hand allegro, not shadow"):
        read_sets(file, load_hand("shadow"))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DexjaxError, match="damaged"):
        read_sets(file)


@pytest.mark.parametrize(
    ("field", "value"),
    [("position", np.nan), ("quaternion", 0.0), ("object", 7)],
)
def test_arrays_that_are_no_grasps_are_refused(sets, tmp_path, field, value):
    array = getattr(sets, field).copy()
    array[2] = value
    arrays = {name: getattr(sets, name) for name in vars(sets)} | {field: array}
    np.savez(tmp_path / "sets.npz", **arrays)
    with pytest.raises(DexjaxError, match=f"damaged.*{field}"):
        read_sets(tmp_path / "sets.npz")


def test_sets_fit_no_other_scene(sets, objects):
    scene = palm_scene(load_hand("allegro"), objects, ("palm up",))
    with pytest.raises(DexjaxError, match="do not fit"):
        to_simulation(scene, sets)
    with pytest.raises(DexjaxError, match="'sideways'"):
        palm_scene(load_hand("allegro"), objects, ("sideways",))


def test_a_report_says_how_good_they_are(sets):
    found = report(sets)
    assert found["grasps"] == 4 * SIZE and found["turns_found"] == 4
    assert found["connected_least"] == 1.0
    assert 0 < found["turns_covered_least"] <= found["turns_covered_median"] < 1
    assert 0 <= found["depth_mm_median"] <= found["depth_mm_p95"] <= 1.0
    assert 2 <= found["fingers"] <= 4
