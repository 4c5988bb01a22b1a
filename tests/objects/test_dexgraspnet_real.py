"""Real objects of DexGraspNet, against NumPy's own reading of their files."""

import numpy as np
import pytest

from dexjax.objects import load_object
from dexjax.objects.dexgraspnet import (
    JOINT_NAMES,
    find_objects,
    read_grasps,
    read_pieces,
)


def test_real_objects_agree_with_numpy(real_data):
    found = [own for own in find_objects(real_data).values() if own.grasps]
    assert len(found) >= 6
    for source in found:
        grasps = read_grasps(source)
        if source.grasps.is_dir():
            first = np.load(source.grasps / "00000.npz", allow_pickle=True)
            qpos, scale = first["qpos"].item(), 1 / float(first["scale"])
        else:
            first = np.load(source.grasps, allow_pickle=True)[0]
            qpos, scale = first["qpos"], float(first["scale"])
        assert grasps[0].scale == pytest.approx(scale)
        assert np.allclose(grasps[0].joints, [qpos[f"robot0:{j}"] for j in JOINT_NAMES])
        assert len(grasps) > 150


def test_real_objects_load(real_data):
    found = find_objects(real_data)
    with_grasps = [name for name, own in found.items() if own.grasps]
    without = [name for name in found if name not in with_grasps][:3]
    for name in with_grasps + without:
        objects = load_object(f"{name}@0.08", dexgraspnet=real_data)
        assert (objects.grasp_count[0] > 5) == (name in with_grasps)
        assert 0.03 <= objects.mass[0] <= 1.0
        pieces = np.concatenate(read_pieces(found[name], 0.08))
        solid = objects.hulls[0][objects.hull_mask[0]].reshape(-1, 3)
        assert np.allclose(np.ptp(solid, 0), np.ptp(pieces, 0), rtol=0.03, atol=0.002)
