"""A picture of an object set: its collision hulls, resting, ray-cast without a GPU."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.spatial import ConvexHull

from dexjax.errors import DexjaxError
from dexjax.objects.object_set import ObjectSet, rotation_matrix

_TILE = 220
_SUPERSAMPLE = 2
_LABEL = 34
_TABLE = np.array([0.93, 0.92, 0.90])
_TONES = np.array(
    [
        [0.36, 0.55, 0.75],
        [0.85, 0.55, 0.38],
        [0.45, 0.66, 0.48],
        [0.72, 0.50, 0.66],
        [0.80, 0.70, 0.40],
        [0.42, 0.66, 0.70],
    ]
)
# Seen from the front right, 35 degrees above the table; the light comes from the left.
_EYE = np.array([0.55, -0.80, 0.68]) / np.linalg.norm([0.55, -0.80, 0.68])
_LIGHT = np.array([-0.45, -0.5, 1.0]) / np.linalg.norm([-0.45, -0.5, 1.0])


def write_contact_sheet(objects: ObjectSet, path: Path, columns: int = 8) -> None:
    """Draws every object of a set on its own tile.

    Args:
        objects: the set.
        path: the PNG to write.
        columns: tiles in a row.

    Raises:
        DexjaxError: the file cannot be written.
    """
    columns = min(columns, len(objects))
    rows = -(-len(objects) // columns)
    sheet = Image.new("RGB", (columns * _TILE, rows * (_TILE + _LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    for i in range(len(objects)):
        row, column = divmod(i, columns)
        corner = column * _TILE, row * (_TILE + _LABEL)
        sheet.paste(Image.fromarray(draw_object(objects, i, _TILE)), corner)
        _write_label(draw, objects, i, corner)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise DexjaxError(f"cannot write {path}: {error}") from None


def draw_object(objects: ObjectSet, index: int, pixels: int) -> np.ndarray:
    """(pixels, pixels, 3) uint8 picture of one object's hulls at rest."""
    turn = rotation_matrix(objects.rest_quat[index])
    hulls = objects.hulls[index][objects.hull_mask[index]].astype(float) @ turn.T
    hulls[..., 2] += objects.rest_height[index]
    planes = [ConvexHull(h).equations for h in hulls]
    fine = pixels * _SUPERSAMPLE
    origins = _pixel_origins(hulls.reshape(-1, 3), fine)
    colour = _shade(origins, hulls, planes, _TONES[_tone(objects, index)])
    small = colour.reshape(pixels, _SUPERSAMPLE, pixels, _SUPERSAMPLE, 3)
    return (255 * small.mean(axis=(1, 3)).clip(0, 1) ** (1 / 1.4)).astype(np.uint8)


def _tone(objects: ObjectSet, index: int) -> int:
    """Which tone an object's category has."""
    return sum(objects.categories[index].encode()) % len(_TONES)


def _pixel_origins(points: np.ndarray, pixels: int) -> np.ndarray:
    """(pixels * pixels, 3) where the parallel view rays start, framing `points`."""
    right = np.cross([0, 0, 1], _EYE)
    right /= np.linalg.norm(right)
    up = np.cross(_EYE, right)
    flat = np.stack([points @ right, points @ up])
    low, high = flat.min(axis=1), flat.max(axis=1)
    half = 0.62 * (high - low).max()
    x, y = np.meshgrid(*[np.linspace(-half, half, pixels)] * 2)
    middle = (low + high) / 2
    plane = (middle[0] + x)[..., None] * right + (middle[1] - y)[..., None] * up
    return plane.reshape(-1, 3) + 1.0 * _EYE


def _shade(
    origins: np.ndarray,
    hulls: np.ndarray,
    planes: list[np.ndarray],
    tone: np.ndarray,
) -> np.ndarray:
    """(n, 3) linear colours: diffuse light with shadows, and the table below."""
    table = origins[:, 2] / _EYE[2]
    distance, normal = _cast(origins, -_EYE, hulls, planes)
    hit = distance < table
    normal[~hit] = [0.0, 0.0, 1.0]
    point = origins - np.minimum(distance, table)[:, None] * _EYE
    shadow = _cast(point + 1e-4 * normal, _LIGHT, hulls, planes)[0]
    lit = np.maximum(normal @ _LIGHT, 0.0) * np.where(np.isfinite(shadow), 0.25, 1.0)
    sky = 0.5 + 0.5 * normal[:, 2]
    base = np.where(hit[:, None], tone, _TABLE)
    return base**1.4 * (0.42 * sky + 0.68 * lit)[:, None]


def _cast(
    origins: np.ndarray,
    direction: np.ndarray,
    hulls: np.ndarray,
    planes: list[np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """First hit of parallel rays with convex hulls: distance (n,), normal (n, 3).

    A ray is inside a hull between the last plane it enters and the first it leaves.
    """
    distance = np.full(len(origins), np.inf)
    normal = np.zeros((len(origins), 3))
    for hull, plane in zip(hulls, planes, strict=True):
        rays = _near(origins, direction, hull)
        speed = plane[:, :3] @ direction
        gap = origins[rays] @ plane[:, :3].T + plane[:, 3]
        entering, leaving = speed < -1e-9, speed > 1e-9
        times = -gap[:, entering] / speed[entering]
        face = times.argmax(axis=1)
        start = times[np.arange(len(rays)), face]
        end = (-gap[:, leaving] / speed[leaving]).min(axis=1)
        first = (start < end) & (start > 0) & (start < distance[rays])
        distance[rays[first]] = start[first]
        normal[rays[first]] = plane[entering][face[first], :3]
    return distance, normal


def _near(origins: np.ndarray, direction: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """Indices of the rays that pass through a hull's bounding sphere."""
    centre = hull.mean(axis=0)
    radius = np.linalg.norm(hull - centre, axis=1).max()
    offset = origins - centre
    along = offset @ direction
    return np.flatnonzero((offset**2).sum(axis=1) - along**2 <= radius**2)


def _write_label(
    draw: ImageDraw.ImageDraw, objects: ObjectSet, index: int, corner: tuple[int, int]
) -> None:
    points = objects.hulls[index][objects.hull_mask[index]].reshape(-1, 3)
    extents = " x ".join(f"{100 * e:.1f}" for e in np.ptp(points, axis=0))
    pieces = int(objects.hull_mask[index].sum())
    lines = (
        _shorten(objects.names[index], 30),
        f"{extents} cm, {1000 * objects.mass[index]:.0f} g, {pieces} hulls",
    )
    for i, line in enumerate(lines):
        place = corner[0] + 6, corner[1] + _TILE + 2 + 15 * i
        draw.text(place, line, fill="black", font=ImageFont.load_default(12))


def _shorten(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 10]}…{name[-9:]}"
