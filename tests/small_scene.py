"""A scene that compiles soon: a table, one finger and objects of one or two hulls.

The hand with its 17 geoms is what MJX and Warp take long to compile; what happens to
objects can be seen with a finger that presses on them.
"""

import jax
import jax.experimental
import mujoco
import numpy as np

from dexjax.hands import load_hand
from dexjax.objects.object_set import ObjectSet, build_object
from dexjax.scene import Scene, Variation
from dexjax.scene.build import sensor_slices
from dexjax.scene.objects import add_object
from dexjax.scene.variation import vary_objects, vary_world

# jax 0.7 has it elsewhere.
enable_x64 = (jax if hasattr(jax, "enable_x64") else jax.experimental).enable_x64
FINGER_HEIGHT = 0.15  # m, where `finger` is 0

XML = f"""
<mujoco>
  <compiler angle="radian" autolimits="true"/>
  <option timestep="0.005" integrator="Euler" cone="pyramidal" solver="Newton"
          iterations="6" ls_iterations="8" impratio="10">
    <flag eulerdamp="disable" autoreset="disable"/>
  </option>
  <custom>
    <numeric name="max_contact_points" data="32"/>
  </custom>
  <worldbody>
    <geom name="table" type="plane" size="0.5 0.5 0.02" contype="4" conaffinity="3"
          condim="4" solref="0.01 1"/>
    <body name="finger" pos="0 0 {FINGER_HEIGHT}" gravcomp="1">
      <joint name="finger" type="slide" axis="0 0 1" damping="4"/>
      <geom type="capsule" size="0.01" fromto="-0.03 0 0 0.03 0 0" mass="0.1"
            contype="1" conaffinity="7" condim="4" solref="0.01 1"/>
      <site name="pad" type="capsule" size="0.015 0.04" zaxis="1 0 0"/>
    </body>
  </worldbody>
  <actuator>
    <motor joint="finger" ctrlrange="-5 5"/>
  </actuator>
  <sensor>
    <jointpos name="finger_pos" joint="finger"/>
    <touch name="finger_touch" site="pad"/>
    <force name="finger_force" site="pad"/>
  </sensor>
</mujoco>
"""


def block(centre, size):
    """Corners (8, 3) of a box."""
    corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
    return np.asarray(centre) + corners * size


SOLIDS = {
    "brick": [block((0, 0, 0), (0.08, 0.05, 0.06))],
    # Its padding would be met if it were not hidden: the middle of the two is empty.
    "bench": [
        block((-0.04, 0, 0), (0.03, 0.06, 0.07)),
        block((0.04, 0, 0), (0.03, 0.06, 0.07)),
    ],
    "plate": [block((0, 0, 0), (0.12, 0.1, 0.02))],
}


USUAL = (Variation(),)


def small_scene(*names, variations=USUAL):
    """A scene of some of the `SOLIDS`, two hulls each, the second often padding."""
    objects = ObjectSet.concatenate(
        [build_object(name, name, SOLIDS[name], hulls=2) for name in names]
    )
    objects = vary_objects(objects, variations)
    models = []
    for i in range(len(objects)):
        spec = mujoco.MjSpec.from_string(XML)
        add_object(spec, objects, i)
        vary_world(spec, variations[i % len(variations)])
        models.append(spec.compile())
    sensors, joints = sensor_slices(models[0]), {"object": ("object",)}
    return Scene(load_hand(), objects, tuple(models), sensors, joints, variations)


def starts(scene, object_id, seed=0):
    """qpos (worlds, 8) of objects a few millimetres above the table, finger above."""
    rng = np.random.default_rng(seed)
    object_id = np.asarray(object_id)
    qpos = np.zeros((len(object_id), 8), np.float32)
    qpos[:, 0] = rng.uniform(-0.03, 0.0, len(object_id))
    qpos[:, 1:3] = rng.uniform(-0.005, 0.005, (len(object_id), 2))
    gap = rng.uniform(0.001, 0.004, len(object_id))
    qpos[:, 3] = scene.objects.rest_height[object_id] + gap
    yaw = rng.uniform(-0.3, 0.3, len(object_id))
    qpos[:, 4], qpos[:, 7] = np.cos(yaw / 2), np.sin(yaw / 2)
    return qpos
