"""The ray-caster against analytic geometry."""

import time

import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.render.picture import camera_rays, render, render_trajectory

# A red ball of radius 0.1 m at the origin, seen from 1 m above; 90 degrees of view.
BALL = """
<mujoco>
  <worldbody>
    <camera name="main" pos="0 0 1" fovy="90"/>
    <body name="ball">
      <freejoint/>
      <geom type="sphere" size="0.1" rgba="1 0 0 1"/>
      <geom type="sphere" size="0.3" pos="0 0.6 0" rgba="0 1 0 0"/>
    </body>
  </worldbody>
</mujoco>
"""

SHADOW = """
<mujoco>
  <worldbody>
    <camera name="main" pos="0 0 2" fovy="60"/>
    <geom type="plane" size="1 1 0.1" rgba="1 1 1 1"/>
    {block}
  </worldbody>
</mujoco>
"""


def _load(xml):
    model = mujoco.MjModel.from_xml_string(xml)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def test_ball_covers_the_right_pixels():
    model, data = _load(BALL)
    image = render(model, data, size=(200, 100))
    assert image.shape == (100, 200, 3) and image.dtype == np.uint8
    red = (image[..., 0] > 60) & (image[..., 1] < 100) & (image[..., 2] < 100)
    # A ray meets the ball if its tangent to the axis is below r / sqrt(d^2 - r^2).
    y, x = np.mgrid[0:100, 0:200]
    offset = np.hypot((x + 0.5 - 100) / 50, (y + 0.5 - 50) / 50)
    expected = offset < 0.1 / np.sqrt(1 - 0.1**2)
    assert expected.sum() > 50
    np.testing.assert_array_equal(red, expected)


def test_rays_start_top_left_and_are_unit():
    model, data = _load(BALL)
    origin, rays = camera_rays(model, data, "main", (4, 2))
    np.testing.assert_allclose(origin, [0, 0, 1])
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1)
    first = np.array([-1.5, 0.5, -1.0])
    np.testing.assert_allclose(rays[0], first / np.linalg.norm(first), atol=1e-12)


def test_block_casts_a_shadow_away_from_the_light():
    block = '<geom type="box" size="0.05 0.05 0.05" pos="0 0 0.4"/>'
    bare = render(*_load(SHADOW.format(block="")), size=(160, 160)).astype(int)
    with_block = render(*_load(SHADOW.format(block=block)), size=(160, 160))
    darker = (bare - with_block).min(axis=2) > 25
    # The light stands at (0.6, -0.7, 1.4): the block's shadow on z = 0 is centred on
    # block + (block - light) * 0.4 / 1.0 = (-0.24, 0.28).
    scale = 80 / np.tan(np.radians(30)) / 2
    column, row = 80 - 0.24 * scale, 80 - 0.28 * scale
    assert darker[int(row), int(column)]
    assert not darker[int(160 - row), int(160 - column)]


def test_lambert_brightens_towards_the_light():
    model, data = _load(BALL)
    image = render(model, data, size=(200, 200))
    # +x, -y is where the light stands: right and down in the picture.
    assert image[105, 105, 0] > image[95, 95, 0] + 10


def test_supersampling_smooths_edges():
    model, data = _load(BALL)
    sharp = render(model, data, size=(80, 60))
    smooth = render(model, data, size=(80, 60), supersample=2)
    assert smooth.shape == sharp.shape
    assert abs(smooth.astype(int) - sharp).max() > 20
    assert abs(smooth.mean() - sharp.mean()) < 2


def test_trajectory_moves_the_ball():
    model, _ = _load(BALL)
    qpos = np.tile([0.0, 0, 0, 1, 0, 0, 0], (2, 1))
    qpos[1, 0] = 0.5
    left, right = render_trajectory([model] * 2, qpos, size=(100, 100))
    assert left[50, 50, 0] > left[50, 50, 2] + 60
    assert right[50, 75, 0] > right[50, 75, 2] + 60


@pytest.mark.parametrize("gravity", [(0, 0, 9.81), (-9.81, 0, 0), (0, 6, -6)])
def test_gravity_pulls_down_in_a_trajectory(gravity):
    # A ball 0.3 m from the middle, where gravity pulls, looks like one that far below.
    one = "".join(line for line in BALL.splitlines() if "0 1 0 0" not in line)
    model, data = _load(one)
    qpos = np.tile(data.qpos, (2, 1))
    model.stat.center[:] = 0
    qpos[0, :3] = 0, 0, -0.3
    qpos[1, :3] = 0.3 * np.array(gravity) / np.linalg.norm(gravity)
    (below,) = render_trajectory([model], qpos[:1])
    model.opt.gravity[:] = gravity
    (turned,) = render_trajectory([model], qpos[1:])
    assert (below[..., 0].astype(int) - below[..., 2] > 60).sum() > 100
    np.testing.assert_allclose(turned.astype(int), below, atol=1)


def test_unknown_camera_is_named():
    model, data = _load(BALL)
    with pytest.raises(DexjaxError, match=r"'above'.*main"):
        render(model, data, camera="above")


def test_quick_enough():
    model, data = _load(SHADOW.format(block=""))
    render(model, data)
    # Processor time: a busy machine lengthens the wall's.
    seconds = []
    for _ in range(5):
        start = time.process_time()
        render(model, data, size=(320, 240))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.15
