"""Worlds whose gravity pulls any way, turned so that it pulls down in a picture."""

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

_DOWN = np.array([0.0, 0.0, -1.0])


def upright(gravity: np.ndarray) -> Rotation:
    """Turns a world so that gravity, (3,) of length 1, pulls along -z."""
    axis = np.cross(gravity, _DOWN)
    if np.linalg.norm(axis) < 1e-6:
        # About the x axis, if at all.
        return Rotation.from_rotvec([np.pi * (gravity[2] > 0), 0.0, 0.0])
    angle = np.arccos(np.clip(gravity @ _DOWN, -1, 1))
    return Rotation.from_rotvec(angle * axis / np.linalg.norm(axis))


def turn_upright(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Turns what is drawn about the middle of the model; cameras and lights stay."""
    size = np.linalg.norm(model.opt.gravity)
    if size == 0 or np.allclose(model.opt.gravity, size * _DOWN):
        return
    turn = upright(model.opt.gravity / size)
    centre = model.stat.center
    data.geom_xpos[:] = centre + turn.apply(data.geom_xpos - centre)
    matrices = data.geom_xmat.reshape(-1, 3, 3)
    data.geom_xmat[:] = (turn.as_matrix() @ matrices).reshape(-1, 9)
