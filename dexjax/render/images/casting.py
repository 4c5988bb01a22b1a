"""All solids of worlds before their cameras, on the CPU, compiled by numba."""

import math

import numpy as np

from dexjax.render.images.rays import (
    SIDE,
    along_axes,
    compiled,
    dot,
    polyhedron,
    rectangle,
    seen_from,
    tube,
    turned,
    window,
)

NOBODY = -1  # an owner


@compiled
def draw(solids, things, lens, ranges, worlds, look, images):
    """Draws all cameras of some worlds.

    Args:
        solids: `Polyhedra`, `Tubes` and `Rectangles`.
        things: (solids,) int32, index of the thing that each belongs to; see `cast` for
            their order.
        lens: (C,), see `Mounts`.
        ranges: (C, 2) near and far, m.
        worlds: model (n,), body positions (n, B, 3), their quaternions (n, B, 4),
            camera positions (n, C, 3) and axes (n, C, 3, 3).
        look: of each world as `Look` has it, (n, …).
        images: depth (n, C, H, W), colours (n, C, H, W, 3) and segmentation (n, C, H,
            W), all uint8, to be filled; empty where it is not wanted.
    """
    model, position, quaternion, eyes, axes = worlds
    depth, rgb, segmentation = images
    shape = depth.shape if depth.size else segmentation.shape
    if rgb.size:
        shape = rgb.shape[:4]
    _, cameras, height, width = shape
    w = np.empty((height, width), np.float32)
    owner = np.empty((height, width), np.int32)
    part = np.empty((height, width) if rgb.size else (0, 0), np.int32)
    most = solids[0].planes.shape[2]
    pixels, most = height * width, solids[0].planes.shape[2]
    scratch = (
        np.empty(pixels, np.float32),
        np.empty(pixels, np.float32),
        np.empty(pixels, np.float32),
        np.empty(pixels, np.float32),
        np.empty((4, most), np.float32),
    )
    kept = np.empty((len(things), 7), np.float32)
    for n in range(len(model)):
        for c in range(cameras):
            w[:] = 0.0
            owner[:] = NOBODY
            grid = _grid(lens[c], height, width)
            body = (position[n], quaternion[n])
            eye = (eyes[n, c], axes[n, c])
            image = (w, owner, part)
            cast(solids, model[n], body, eye, lens[c], grid, scratch, image, kept)
            if depth.size:
                _encode(w, ranges[c, 0], ranges[c, 1], depth[n, c])
            if segmentation.size:
                _name(owner, things, segmentation[n, c])
            if rgb.size:
                own = (look[0][n], look[1][n], look[2][n], look[3][n])
                shade(
                    solids,
                    things,
                    model[n],
                    body,
                    eye,
                    grid,
                    image,
                    kept,
                    own,
                    rgb[n, c],
                )


@compiled
def _grid(lens, height, width):
    """Where the pixels' rays go, see rays.py."""
    right = lens * width / height
    return (
        right * (1.0 / width - 1.0),
        2.0 * right / width,
        lens * (1.0 - 1.0 / height),
        2.0 * lens / height,
    )


@compiled
def cast(solids, model, body, eye, lens, grid, scratch, image, kept):
    """Draws one camera of one world: polyhedra, then tubes, then rectangles.

    Args:
        solids: see `draw`.
        model: see `draw`.
        body: positions (B, 3) and quaternions (B, 4).
        eye: position (3,) and axes (3, 3) of the camera.
        lens: of it.
        grid: of it, see rays.py.
        scratch: see `polyhedron`.
        image: see rays.py.
        kept: (solids, 7), filled with the ends and radius of tubes in the camera's
            frame.
    """
    polyhedra, tubes, rectangles = solids
    height, width = image[0].shape
    half = (lens * width / height, lens, height, width)
    _cast_polyhedra(polyhedra, model, body, eye, half, grid, scratch, image)
    first = len(polyhedra.body)
    _cast_tubes(tubes, body, eye, half, grid, image, first, kept)
    first += len(tubes.body)
    for k in range(len(rectangles.body)):
        at, q = body[0][rectangles.body[k]], body[1][rectangles.body[k]]
        centre = _placed(rectangles.centre[k], at, q, eye)
        x = along_axes(turned(q, rectangles.axes[k, 0], False), eye[1])
        y = along_axes(turned(q, rectangles.axes[k, 1], False), eye[1])
        z = along_axes(turned(q, rectangles.axes[k, 2], False), eye[1])
        rectangle(centre, x, y, z, rectangles.half[k], grid, image, first + k)


@compiled
def _cast_polyhedra(polyhedra, model, body, eye, half, grid, scratch, image):
    position, axes = eye
    for p in range(len(polyhedra.body)):
        faces = polyhedra.faces[model, p]
        at, q = body[0][polyhedra.body[p]], body[1][polyhedra.body[p]]
        ball = polyhedra.ball[model, p]
        where = window(_placed(ball, at, q, eye), ball[3], *half)
        if faces == 0 or where[0] >= where[1] or where[2] >= where[3]:
            continue
        away = (position[0] - at[0], position[1] - at[1], position[2] - at[2])
        polyhedron(
            polyhedra.planes[model, p, :faces],
            turned(q, away, True),
            turned(q, axes[0], True),
            turned(q, axes[1], True),
            turned(q, axes[2], True),
            grid,
            where,
            scratch,
            image,
            p,
        )


@compiled
def _cast_tubes(tubes, body, eye, half, grid, image, first, kept):
    for t in range(len(tubes.body)):
        at, q = body[0][tubes.body[t]], body[1][tubes.body[t]]
        one = _placed(tubes.ends[t, 0], at, q, eye)
        other = _placed(tubes.ends[t, 1], at, q, eye)
        radius = tubes.radius[t]
        v, o = window(one, radius, *half), window(other, radius, *half)
        where = (min(v[0], o[0]), max(v[1], o[1]), min(v[2], o[2]), max(v[3], o[3]))
        # With an end behind the camera the tube may be seen anywhere.
        if one[2] <= radius or other[2] <= radius:
            where = (0, half[3], 0, half[2])
        tube(one, other, radius, tubes.flat[t], grid, where, image, first + t)
        for i in range(3):
            kept[first + t, i], kept[first + t, 3 + i] = one[i], other[i]
        kept[first + t, 6] = radius


@compiled
def _placed(point, at, q, eye):
    """A point of a body's frame in the camera's."""
    there = turned(q, point, False)
    world = (there[0] + at[0], there[1] + at[1], there[2] + at[2])
    return seen_from(world, eye[0], eye[1])


@compiled
def _encode(w, near, far, depth):
    scale = 255.0 / (far - near)
    for j in range(w.shape[0]):
        for i in range(w.shape[1]):
            z = np.float32(1.0) / max(w[j, i], np.float32(1e-6))
            depth[j, i] = min(max((z - near) * scale + 0.5, 0.0), 255.0)


@compiled
def _name(owner, things, segmentation):
    for j in range(owner.shape[0]):
        for i in range(owner.shape[1]):
            own = owner[j, i]
            segmentation[j, i] = 255 if own < 0 else things[own]


@compiled
def shade(solids, things, model, body, eye, grid, image, kept, look, rgb):
    """Colours a drawn image by Lambert's law; `kept` is what `cast` filled."""
    polyhedra, tubes, rectangles = solids
    colours, background, light, ambient = look
    w, owner, part = image
    first, second = len(polyhedra.body), len(polyhedra.body) + len(tubes.body)
    # The light in the frames of all polyhedra and rectangles, and in the camera's.
    for p in range(first):
        towards = turned(body[1][polyhedra.body[p]], light, True)
        for i in range(3):
            kept[p, i] = towards[i]
    for k in range(len(rectangles.body)):
        z = turned(body[1][rectangles.body[k]], rectangles.axes[k, 2], False)
        kept[second + k, 0] = dot(z, light)
    towards = along_axes(light, eye[1])
    x0, dx, y0, dy = grid
    for j in range(w.shape[0]):
        for i in range(w.shape[1]):
            own = owner[j, i]
            if own < 0:
                for b in range(3):
                    rgb[j, i, b] = background[b] * 255.0 + 0.5
                continue
            if own < first:
                lit = dot(polyhedra.planes[model, own, part[j, i]], kept[own])
            elif own < second:
                ray = (x0 + i * dx, y0 - j * dy, 1.0)
                flat = tubes.flat[own - first]
                lit = _lit(kept[own], flat, part[j, i], ray, w[j, i], towards)
            else:
                lit = kept[own, 0]
            bright = ambient + (1.0 - ambient) * max(lit, 0.0)
            colour = colours[things[own]]
            for b in range(3):
                rgb[j, i, b] = min(colour[b] * bright, 1.0) * 255.0 + 0.5


@compiled
def _lit(shape, flat, part, ray, w, light):
    """Cosine of the light's angle with a tube's normal, camera's frame."""
    one, other = (shape[0], shape[1], shape[2]), (shape[3], shape[4], shape[5])
    a = (other[0] - one[0], other[1] - one[1], other[2] - one[2])
    length = math.sqrt(dot(a, a)) + 1e-9
    if flat and part != SIDE:
        return dot(a, light) / length * (-1.0 if part == 0 else 1.0)
    p = (ray[0] / w - one[0], ray[1] / w - one[1], ray[2] / w - one[2])
    along = 0.0
    if part == SIDE:
        along = dot(p, a) / (length * length)
    elif part == 1:
        along = 1.0
    n = (p[0] - along * a[0], p[1] - along * a[1], p[2] - along * a[2])
    return dot(n, light) / shape[6]
