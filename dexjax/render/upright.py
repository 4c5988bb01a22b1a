"""Worlds whose gravity pulls any way, turned so that it pulls down in a picture."""

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

_DOWN = np.array([0.0, 0.0, -1.0])
_FAR_M = 100.0


def upright(gravity: np.ndarray) -> Rotation:
    """Turns a world so that gravity, (3,) of length 1, pulls along -z."""
    axis = np.cross(gravity, _DOWN)
    if np.linalg.norm(axis) < 1e-6:
        # About the x axis, if at all.
        return Rotation.from_rotvec([np.pi * (gravity[2] > 0), 0.0, 0.0])
    angle = np.arccos(np.clip(gravity @ _DOWN, -1, 1))
    return Rotation.from_rotvec(angle * axis / np.linalg.norm(axis))


def turn_upright(
    model: mujoco.MjModel, data: mujoco.MjData
) -> tuple[Rotation, np.ndarray]:
    """Turns cameras about the palm, if there is one, against what turns the picture.

    A floor would be a wall then: planes are put out of sight.

    Returns:
        What turns the world into the picture, and the point (3,) m about which.
    """
    size = np.linalg.norm(model.opt.gravity)
    palm = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, "palm_center")
    centre = data.site_xpos[palm].copy() if palm >= 0 else model.stat.center
    if size == 0 or np.allclose(model.opt.gravity, size * _DOWN):
        return Rotation.identity(), centre
    turn = upright(model.opt.gravity / size)
    back = turn.inv()
    data.cam_xpos[:] = centre + back.apply(data.cam_xpos - centre)
    matrices = data.cam_xmat.reshape(-1, 3, 3)
    data.cam_xmat[:] = (back.as_matrix() @ matrices).reshape(-1, 9)
    planes = model.geom_type == int(mujoco.mjtGeom.mjGEOM_PLANE)
    data.geom_xpos[planes] = _FAR_M * model.opt.gravity
    return turn, centre
