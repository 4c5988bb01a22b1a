"""A software renderer: pictures of a MuJoCo scene without OpenGL or a display.

Every pixel is a ray: `mujoco.mj_multiRay` finds what it hits and the surface normal
there, Lambert's law shades it, and a second `mj_multiRay` from the light to every hit
finds the shadows. It sees what the simulation collides with (primitives and hulls).

One core renders 320 x 240 pixels of a hand over a table in some hundredths of a
second.
"""

import dataclasses
import functools
from collections.abc import Sequence

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.render.upright import turn_upright

Size = tuple[int, int]

_SKY_TOP = np.array([0.56, 0.66, 0.78], np.float32)
_SKY_BOTTOM = np.array([0.90, 0.92, 0.95], np.float32)
_CHECKER_M = 0.05
_CHECKER = np.array([[0.80, 0.77, 0.72], [0.70, 0.67, 0.62]], np.float32)
# A ray from the light that ends this much before a point is not stopped by the point's
# own surface.
_SHADOW_MARGIN_M = 1e-3
# Rays are cut here: beyond it lies nothing but the far end of the table plane.
_FAR_M = 20.0


@dataclasses.dataclass(frozen=True)
class Light:
    """One point light, with two soft ones that leave nothing quite black.

    Attributes:
        position: world position, m.
        key: strength of the light itself, which casts the shadows.
        sky: strength of the light from above, without shadows.
        fill: strength of the light from the camera, without shadows.
        specular: strength of the highlight.
        up: where the sky is.
    """

    position: tuple[float, float, float] = (0.6, -0.7, 1.4)
    key: float = 0.62
    sky: float = 0.38
    fill: float = 0.16
    specular: float = 0.18
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def turned(self, turn: Rotation, centre: np.ndarray) -> "Light":
        """Light and sky of a world that a rotation about a point (3,) m turns."""
        position = centre + turn.apply(np.array(self.position) - centre)
        up = turn.apply(self.up)
        return dataclasses.replace(self, position=tuple(position), up=tuple(up))


def render(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    camera: str = "main",
    size: Size = (320, 240),
    supersample: int = 1,
    light: Light | None = None,
) -> np.ndarray:
    """Renders one camera.

    Args:
        model: the model; geoms with zero alpha are not seen.
        data: its data, after `mj_forward`.
        camera: name of a camera of the model.
        size: width and height in pixels.
        supersample: rays per pixel and axis; 2 smooths the edges at 4 times the cost.
        light: the light; a default one stands behind the main camera's shoulder.

    Returns:
        Colours (height, width, 3) uint8.

    Raises:
        DexjaxError: for an unknown camera or a size below one pixel.
    """
    light = light or Light()
    width, height = size[0] * supersample, size[1] * supersample
    if min(width, height) < 1:
        raise DexjaxError(f"picture size {size}: give at least 1 x 1 pixel")
    origin, directions = camera_rays(model, data, camera, (width, height))
    geoms, distances, normals = _cast(model, data, origin, directions)
    image = _sky(directions, light)
    hit = np.flatnonzero(geoms >= 0)
    if hit.size:
        rays = directions[hit]
        points = origin + distances[hit, None] * rays
        colours = _surface_colours(model, geoms[hit], points)
        image[hit] = _shade(model, data, light, points, normals[hit], rays, colours)
    return _to_pixels(image, size, supersample)


def render_trajectory(
    models: Sequence[mujoco.MjModel],
    qpos: np.ndarray,
    camera: str = "main",
    size: Size = (320, 240),
    supersample: int = 1,
) -> list[np.ndarray]:
    """Renders one frame per configuration, by kinematics alone; gravity pulls down.

    Args:
        models: the model of every frame.
        qpos: configurations (frames, nq).
        camera: name of a camera of the model.
        size: width and height in pixels.
        supersample: rays per pixel and axis.

    Returns:
        Frames of (height, width, 3) uint8.
    """
    data = mujoco.MjData(models[0])
    frames = []
    for model, configuration in zip(models, np.asarray(qpos, float), strict=True):
        data.qpos[:] = configuration
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        turn, centre = turn_upright(model, data)
        light = Light().turned(turn.inv(), centre)
        frames.append(render(model, data, camera, size, supersample, light))
    return frames


def camera_rays(
    model: mujoco.MjModel, data: mujoco.MjData, camera: str, size: Size
) -> tuple[np.ndarray, np.ndarray]:
    """The rays of a camera's pixel centres, row by row from the top left.

    Args:
        model: the model.
        data: its data with up-to-date camera poses.
        camera: name of a camera.
        size: width and height in pixels.

    Returns:
        The camera's world position (3,) and unit directions (height * width, 3).
    """
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, camera)
    if index < 0:
        names = [model.camera(i).name for i in range(model.ncam)]
        raise DexjaxError(f"unknown camera {camera!r}: the model has {names}")
    rotation = data.cam_xmat[index].tobytes()
    return data.cam_xpos[index].copy(), _rays(model.cam_fovy[index], size, rotation)


@functools.lru_cache(8)
def _rays(fovy: float, size: Size, rotation: bytes) -> np.ndarray:
    """Unit directions (height * width, 3); a camera that stands still has the same."""
    width, height = size
    top = np.tan(np.radians(fovy) / 2)
    right = top * width / height
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * right
    y = (1 - (np.arange(height) + 0.5) / height * 2) * top
    # A MuJoCo camera looks along its -z axis; x is right and y is up.
    local = np.empty((height, width, 3))
    local[..., 0], local[..., 1], local[..., 2] = x, y[:, None], -1.0
    local /= np.linalg.norm(local, axis=-1, keepdims=True)
    directions = local.reshape(-1, 3) @ np.frombuffer(rotation).reshape(3, 3).T
    directions.flags.writeable = False
    return directions


def _cast(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    origin: np.ndarray,
    directions: np.ndarray,
    with_normals: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What rays (n, 3) hit: geom (n,) and distance (n,), or -1; normal (n, 3)."""
    count = len(directions)
    geoms = np.empty(count, np.int32)
    distances = np.empty(count)
    normals = np.empty(3 * count if with_normals else 0)
    mujoco.mj_multiRay(
        model,
        data,
        origin,
        np.ascontiguousarray(directions).ravel(),
        None,
        True,
        -1,
        geoms,
        distances,
        normals if with_normals else None,
        count,
        _FAR_M,
    )
    return geoms, distances, normals.reshape(-1, 3)


def _sky(directions: np.ndarray, light: Light) -> np.ndarray:
    along = (directions @ np.array(light.up))[:, None]
    height = np.clip(along * 2 + 0.5, 0, 1).astype(np.float32)
    return _SKY_BOTTOM + (_SKY_TOP - _SKY_BOTTOM) * height


def geom_colours(model: mujoco.MjModel) -> np.ndarray:
    """Colours (ngeom, 3) in 0 ... 1 of all geoms, as they are drawn."""
    rgb = model.geom_rgba[:, :3].copy()
    coloured = model.geom_matid >= 0
    rgb[coloured] = model.mat_rgba[model.geom_matid[coloured], :3]
    # As in MuJoCo: a geom's own colour wins over its material's if it was set.
    own = coloured & np.any(model.geom_rgba != [0.5, 0.5, 0.5, 1.0], axis=1)
    rgb[own] = model.geom_rgba[own, :3]
    return rgb


def _surface_colours(
    model: mujoco.MjModel, geoms: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Colours (n, 3) of the geoms that were hit; planes are chequered."""
    colours = geom_colours(model)[geoms].astype(np.float32)
    plane = model.geom_type[geoms] == int(mujoco.mjtGeom.mjGEOM_PLANE)
    x, y = np.floor(points[plane, :2].T / _CHECKER_M).astype(int)
    colours[plane] *= _CHECKER[(x + y) % 2]
    return colours


def _shade(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    light: Light,
    points: np.ndarray,
    normals: np.ndarray,
    rays: np.ndarray,
    colours: np.ndarray,
) -> np.ndarray:
    """Sky + fill + Lambert and highlight of the light where it reaches: (n, 3)."""
    source = np.array(light.position)
    to_point = points - source
    reach = np.sqrt(_dot(to_point, to_point))
    to_light = -to_point / reach[:, None]
    # Seen from inside (a camera within a hull) a normal points away: turn it round.
    along = _dot(normals, rays)
    normals = np.where(along[:, None] > 0, -normals, normals)
    lambert = _dot(normals, to_light)
    facing = np.flatnonzero(lambert > 0)
    lit = np.zeros(len(points), bool)
    if facing.size:
        _, distances, _ = _cast(model, data, source, -to_light[facing], False)
        lit[facing] = (distances < 0) | (distances > reach[facing] - _SHADOW_MARGIN_M)
    half = to_light - rays
    length = np.maximum(np.sqrt(_dot(half, half)), 1e-9)
    shine = np.maximum(_dot(normals, half) / length, 0) ** 32
    diffuse = light.key * np.where(lit, lambert, 0)
    diffuse += light.sky * (0.65 + 0.35 * normals @ np.array(light.up))
    diffuse += light.fill * np.abs(along)
    highlight = light.specular * np.where(lit, shine, 0)
    return (colours * diffuse[:, None] + highlight[:, None]).astype(np.float32)


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Row by row, (n,)."""
    return np.einsum("ij,ij->i", one, other)


def _to_pixels(image: np.ndarray, size: Size, supersample: int) -> np.ndarray:
    width, height = size
    image = image.reshape(height, supersample, width, supersample, 3).mean(axis=(1, 3))
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
