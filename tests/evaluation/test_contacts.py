"""Contact depths against MuJoCo's own contact list, on constructed penetrations."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from dexjax.evaluation.contacts import contact_depths

# A ball for the object, two capsules for fingers, all within reach of each other.
WORLD = """
<mujoco>
  <worldbody>
    <geom name="table" type="plane" size="1 1 .1"/>
    <body name="object"><freejoint/><geom type="sphere" size=".03"/></body>
    <body name="thumb"><freejoint/><geom type="capsule" size=".01 .02"/></body>
    <body name="finger"><freejoint/><geom type="capsule" size=".01 .02"/></body>
  </worldbody>
</mujoco>
"""
FAR = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def scene():
    return SimpleNamespace(models=(mujoco.MjModel.from_xml_string(WORLD),))


def worlds(*places):
    """Worlds with the object, thumb and finger at these places."""
    upright = [1.0, 0.0, 0.0, 0.0]
    qpos = [[x for place in world for x in (*place, *upright)] for world in places]
    ids = np.zeros(len(places), np.int32)
    return SimpleNamespace(qpos=np.array(qpos).reshape(-1, 21), object_id=ids)


def test_known_overlaps(scene):
    # A capsule's axis 0.04 - d from the ball's centre penetrates it by d, and one
    # 0.02 - d from another's axis likewise; the ball 4 mm in the table counts not.
    penetrating = ((0, 0, 0.026), (0.037, 0, 0.026), FAR)
    merged = ((0, 0, 0.5), FAR, (1.0, 1.019, 1.0))
    clear = ((0, 0, 0.5), FAR, (-1, 0, 1.0))
    report = contact_depths(scene, worlds(penetrating, penetrating, merged))
    assert report["worlds"] == 3
    assert report["penetration_median_mm"] == pytest.approx(3.0, abs=1e-3)
    assert report["finger_overlap_median_mm"] == 0
    report = contact_depths(scene, worlds(merged, merged, clear))
    assert report["finger_overlap_median_mm"] == pytest.approx(1.0, abs=1e-3)
    assert report["penetration_median_mm"] == 0
    # Of 1, 1 and 0 mm: NumPy interpolates linearly between the sorted values.
    assert report["finger_overlap_p95_mm"] == pytest.approx(1.0, abs=1e-3)


def test_no_worlds_have_no_depths(scene):
    assert contact_depths(scene, worlds()) == {"worlds": 0}


def test_a_hand_pressed_into_the_mug(mug_scene):
    model = mug_scene.model
    data = mujoco.MjData(model)
    data.qpos[mug_scene.finger_qpos] = mug_scene.hand.poses["open"]
    data.qpos[mug_scene.root_qpos] = [0, 0, 0.1, 1, 0, 0, 0]
    centre = np.asarray(mug_scene.hand.palm_center)
    data.qpos[mug_scene.object_qpos] = [0, 0, 0.1, 1, 0, 0, 0]
    data.qpos[mug_scene.object_qpos.start : mug_scene.object_qpos.start + 3] += centre
    mujoco.mj_forward(model, data)
    deepest = {"hand": 0.0, "object": 0.0}
    for contact in data.contact:
        names = {model.body(model.geom_bodyid[g]).name for g in contact.geom}
        if "world" not in names:
            kind = "object" if "object" in names else "hand"
            deepest[kind] = max(deepest[kind], -contact.dist * 1000)
    qpos = data.qpos[None].copy()
    report = contact_depths(
        mug_scene, SimpleNamespace(qpos=qpos, object_id=np.zeros(1, int))
    )
    assert deepest["object"] > 1
    assert report["penetration_median_mm"] == pytest.approx(deepest["object"])
    assert report["finger_overlap_median_mm"] == pytest.approx(deepest["hand"])
