"""Rays at all solids of one world in JAX, for GPUs and TPUs; maths: rays.py."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.render.images.solids import Polyhedra, Rectangles, Tubes
from dexjax.render.images.view import NOTHING, Frames, Images
from dexjax.scene.poses import BodyPoses

_SMALL = 1e-6


class Hit(NamedTuple):
    """What a camera sees at its pixels (N,).

    Attributes:
        inverse: 1 / m, inverse depth; 0 where there is nothing.
        thing: int32, index of the thing seen; `NOTHING` where there is none.
        normal: (3, N) of its surface, camera frame.
    """

    inverse: jax.Array
    thing: jax.Array
    normal: jax.Array


def _nearer(old: Hit, inverse: jax.Array, thing: jax.Array, normal: jax.Array) -> Hit:
    closer = inverse > old.inverse
    return Hit(
        jnp.where(closer, inverse, old.inverse),
        jnp.where(closer, thing, old.thing),
        jnp.where(closer, normal, old.normal),
    )


def pixel_rays(lens: float, size: tuple[int, int]) -> np.ndarray:
    """Rays (3, H W) of a camera's pixels, row by row, of depth 1, camera frame."""
    width, height = size
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * lens * width / height
    y = (1 - (np.arange(height) + 0.5) / height * 2) * lens
    rays = np.ones((3, height, width))
    rays[0], rays[1] = x, y[:, None]
    return rays.reshape(3, -1).astype(np.float32)


def cast(
    parts: tuple[Polyhedra, Tubes, Rectangles],
    model: jax.Array,
    bodies: BodyPoses,
    frame: Frames,
    rays: np.ndarray,
) -> Hit:
    """What one camera of one world sees.

    Args:
        parts: the scene's, arrays of JAX.
        model: () index of the scene's.
        bodies: of the world.
        frame: of the camera, (3,) and (3, 3).
        rays: see `pixel_rays`.
    """
    polyhedra, tubes, rectangles = parts
    count = rays.shape[1]
    hit = Hit(
        jnp.zeros(count),
        jnp.full(count, NOTHING, jnp.int32),
        jnp.zeros((3, count)),
    )
    planes = _planes(polyhedra, model, bodies, frame)
    hit = _scanned(_polyhedron, hit, rays, (planes, polyhedra.thing))
    ends = _seen(bodies, frame, tubes.body[:, None], tubes.ends)
    hit = _scanned(_tube, hit, rays, (ends, tubes.radius, tubes.flat, tubes.thing))
    centre = _seen(bodies, frame, rectangles.body, rectangles.centre)
    turn = bodies.quaternion[rectangles.body][:, None]
    axes = rotations.rotate(turn, rectangles.axes) @ frame.axes.T
    return _scanned(
        _rectangle, hit, rays, (centre, axes, rectangles.half, rectangles.thing)
    )


def _scanned(draw, hit: Hit, rays: np.ndarray, each: tuple) -> Hit:
    if not len(each[0]):
        return hit
    return jax.lax.scan(lambda now, one: (draw(now, rays, *one), None), hit, each)[0]


def _seen(
    bodies: BodyPoses, frame: Frames, body: np.ndarray, points: np.ndarray
) -> jax.Array:
    """Points (…, 3) of bodies' frames in the camera's."""
    world = bodies.position[body] + rotations.rotate(bodies.quaternion[body], points)
    return (world - frame.position) @ frame.axes.T


def _planes(
    polyhedra: Polyhedra, model: jax.Array, bodies: BodyPoses, frame: Frames
) -> jax.Array:
    """Planes (P, F, 4) in the camera's frame."""
    own = jnp.asarray(polyhedra.planes)[model]
    turn = bodies.quaternion[polyhedra.body][:, None]
    normals = rotations.rotate(turn, own[..., :3])
    away = frame.position - bodies.position[polyhedra.body][:, None]
    offsets = own[..., 3] + (normals * away).sum(-1)
    return jnp.concatenate([normals @ frame.axes.T, offsets[..., None]], axis=-1)


def _polyhedron(hit: Hit, rays: np.ndarray, planes: jax.Array, thing: jax.Array) -> Hit:
    """Planes (F, 4), the camera at the origin."""
    height = planes[:, 3]
    inverse = -(planes[:, :3] / height[:, None]) @ rays
    front = (height > 0)[:, None]
    enter = jnp.where(front, inverse, jnp.inf)
    leave = jnp.where(front, 0.0, inverse).max(axis=0)
    face = enter.argmin(axis=0)
    best = enter.min(axis=0)
    there = (best > leave) & jnp.isfinite(best)
    return _nearer(hit, jnp.where(there, best, -1.0), thing, planes[face, :3].T)


def _ball(b: jax.Array, d: jax.Array, k: jax.Array) -> jax.Array:
    """Inverse depth at which rays first meet a ball, or below 0."""
    root = b * b - d * k
    there = (root >= 0) & (b > 0)
    return jnp.where(there, (b + jnp.sqrt(jnp.maximum(root, 0.0))) / k, -1.0)


def _tube(
    hit: Hit,
    rays: np.ndarray,
    ends: jax.Array,
    radius: jax.Array,
    flat: jax.Array,
    thing: jax.Array,
) -> Hit:
    """Ends (2, 3) in the camera's frame."""
    way = ends[1] - ends[0]
    length = jnp.linalg.norm(way)
    axis = way / jnp.maximum(length, _SMALL)
    along, squared = ends[0] @ axis, ends[0] @ ends[0]
    d2, da = (rays**2).sum(axis=0), axis @ rays
    b = ends @ rays
    side = squared - along**2 - radius**2
    # The disc that faces the camera.
    which = (da <= 0).astype(jnp.float32)
    disc = da / (along + which * length)
    beyond = d2 - da**2 - 2 * disc * (b[0] - along * da) + disc**2 * side
    on_disc = jnp.where((disc > 0) & (beyond <= 0), disc, -1.0)
    balls = [_ball(b[i], d2, ends[i] @ ends[i] - radius**2) for i in (0, 1)]
    round_end = jnp.maximum(*balls)
    which = jnp.where(flat, which, balls[1] > balls[0])
    best = jnp.where(flat, on_disc, round_end)
    wall = _ball(b[0] - along * da, d2 - da**2, side)
    place = da - along * wall
    on = (side > 0) & (length > _SMALL) & (place >= 0) & (place <= length * wall)
    wall = jnp.where(on, wall, -1.0)
    point = rays / jnp.maximum(jnp.maximum(best, wall), _SMALL) - ends[0][:, None]
    foot = jnp.where(wall > best, axis @ point, which * length)
    across = (point - axis[:, None] * foot) / radius
    outward = jnp.where(which > 0, 1.0, -1.0) * axis[:, None]
    normal = jnp.where(flat & (best >= wall), outward, across)
    return _nearer(hit, jnp.maximum(best, wall), thing, normal)


def _rectangle(
    hit: Hit,
    rays: np.ndarray,
    centre: jax.Array,
    axes: jax.Array,
    half: jax.Array,
    thing: jax.Array,
) -> Hit:
    """Centre (3,) and axes (3, 3), rows x, y, z, in the camera's frame."""
    height = -(axes[2] @ centre)
    inverse = jnp.asarray(-(axes[2] @ rays) / height)
    off = jnp.abs(axes[:2] @ rays - (axes[:2] @ centre)[:, None] * inverse)
    there = (height > 0) & (off <= half[:, None] * inverse).all(axis=0)
    normal = jnp.broadcast_to(axes[2][:, None], rays.shape)
    return _nearer(hit, jnp.where(there, inverse, -1.0), thing, normal)


def coloured(hit: Hit, frame: Frames, look) -> jax.Array:
    """Colours (N, 3) uint8 by Lambert's law; `look` is a `Look`."""
    lit = jnp.maximum((frame.axes @ look.light) @ hit.normal, 0.0)
    bright = look.ambient + (1.0 - look.ambient) * lit
    colours = look.colours[jnp.minimum(hit.thing, len(look.colours) - 1)]
    seen = (hit.thing != NOTHING)[:, None]
    rgb = jnp.where(seen, colours * bright[:, None], look.background)
    return (jnp.clip(rgb, 0.0, 1.0) * 255.0 + 0.5).astype(jnp.uint8)


def encoded(inverse: jax.Array, near: float, far: float) -> jax.Array:
    """Depth as `Images.depth` has it, of inverse depths."""
    depth = 1.0 / jnp.maximum(inverse, _SMALL)
    return jnp.clip((depth - near) / (far - near) * 255.0 + 0.5, 0, 255).astype(
        jnp.uint8
    )


def draw(
    parts: tuple[Polyhedra, Tubes, Rectangles],
    rays: list[np.ndarray],
    ranges: np.ndarray,
    size: tuple[int, int],
    world: tuple[jax.Array, BodyPoses, Frames, tuple],
) -> Images:
    """All cameras of one world: its model's index, bodies, cameras and look."""
    model, bodies, frames, look = world
    shape = size[::-1]
    found = []
    for c, own in enumerate(rays):
        frame = Frames(frames.position[c], frames.axes[c])
        hit = cast(parts, model, bodies, frame, own)
        found.append(
            Images(
                encoded(hit.inverse, *ranges[c]).reshape(shape),
                coloured(hit, frame, look).reshape(*shape, 3),
                hit.thing.astype(jnp.uint8).reshape(shape),
            )
        )
    return jax.tree.map(lambda *x: jnp.stack(x), *found)
