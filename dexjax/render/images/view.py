"""How a camera looks at a scene, and the frames of cameras in JAX."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations
from dexjax.errors import DexjaxError
from dexjax.scene.cameras import Camera
from dexjax.scene.poses import BodyPoses


@dataclasses.dataclass(frozen=True)
class View:
    """What a policy's camera is.

    Attributes:
        camera: where it is and looks, in the frame of `on`.
        on: name of a site that carries it; "" for one that stands still in the world.
        turn: (4,) wxyz, of the camera's frame in that of `on`.
        near, far: m along the optical axis, the range of its depth images.
    """

    camera: Camera
    on: str = ""
    turn: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    near: float = 0.3
    far: float = 0.9

    def __post_init__(self):
        """Raises DexjaxError for a range that is none."""
        if not 0 <= self.near < self.far:
            raise DexjaxError(
                f"camera {self.camera.name!r} has the depth range {self.near} to "
                f"{self.far} m: near must be at least 0 and below far"
            )


class Images(NamedTuple):
    """What the cameras of one world see; (C, H, W), None where it was not asked for.

    Attributes:
        depth: uint8, from 0 at `View.near` to 255 at `View.far` and beyond.
        rgb: (C, H, W, 3) uint8.
        segmentation: uint8, index of the thing seen; `NOTHING` where there is none.
    """

    depth: jax.Array | None = None
    rgb: jax.Array | None = None
    segmentation: jax.Array | None = None


NOTHING = 255


class Frames(NamedTuple):
    """Frames of cameras, world frame.

    Attributes:
        position: (C, 3) m.
        axes: (C, 3, 3) with right, up and forward as rows.
    """

    position: jax.Array
    axes: jax.Array


class Mounts:
    """Where the cameras of some views sit in a model.

    Attributes:
        lens: (C,) tangent of half of the angle from a picture's lower to its upper
            edge.
    """

    def __init__(self, model: mujoco.MjModel, views: tuple[View, ...]):
        """Looks the sites up.

        Raises:
            DexjaxError: for no camera, or a site that the model lacks.
        """
        if not views:
            raise DexjaxError("no camera: give at least one view")
        self._body = np.array([_body(model, view) for view in views])
        frames = [_frame(model, view) for view in views]
        self._position = np.array([place for place, _ in frames], np.float32)
        self._axes = np.array([axes for _, axes in frames], np.float32)
        angles = np.radians([view.camera.fovy for view in views])
        self.lens = np.tan(angles / 2).astype(np.float32)

    def frames(self, bodies: BodyPoses) -> Frames:
        """The frames where the bodies are so."""
        position, turn = bodies.position[self._body], bodies.quaternion[self._body]
        return Frames(
            position + rotations.rotate(turn, self._position),
            rotations.rotate(turn[:, None], self._axes),
        )


def jittered(
    key: jax.Array, frames: Frames, position_m: float, turn_rad: float
) -> Frames:
    """Frames moved by normal noise of so much, as cameras are that were not measured.

    Args:
        key: draws it; the same key moves them alike.
        frames: (C, …).
        position_m: standard deviation along each axis.
        turn_rad: the same about each axis.
    """
    move_key, turn_key = jax.random.split(key)
    move = position_m * jax.random.normal(move_key, frames.position.shape)
    turn = turn_rad * jax.random.normal(turn_key, frames.position.shape)
    angle = jnp.linalg.norm(turn, axis=-1)
    axis = turn / jnp.maximum(angle, 1e-9)[:, None]
    quat = rotations.from_axis_angle(axis, angle)
    return Frames(frames.position + move, rotations.rotate(quat[:, None], frames.axes))


def _body(model: mujoco.MjModel, view: View) -> int:
    if not view.on:
        return 0
    site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, view.on)
    if site < 0:
        raise DexjaxError(
            f"camera {view.camera.name!r} sits on {view.on!r}, the scene has no such "
            "site"
        )
    return int(model.site_bodyid[site])


def _frame(model: mujoco.MjModel, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Place (3,) and rows right, up, forward (3, 3) in the frame of the body."""
    rows = view.camera.rotation.T * [[1.0], [1.0], [-1.0]]
    place = np.array(view.camera.position)
    if not view.on:
        return place, rows
    site = model.site(view.on)
    both, flat = np.empty(4), np.empty(9)
    mujoco.mju_mulQuat(both, site.quat, np.array(view.turn))
    mujoco.mju_quat2Mat(flat, both)
    turn = flat.reshape(3, 3)
    return site.pos + turn @ place, rows @ turn.T
