"""Rays at single solids on the CPU, compiled by numba.

A pixel's ray is d = f + X r + Y u with the camera's axes r, u, f, so that the depth
along the optical axis is the ray's parameter t. Its inverse w = 1 / t is affine in
(X, Y) where the ray meets a plane n . p + d = 0:

    w = -(n . f + X n . r + Y n . u) / (n . o + d)

with the camera at o. A convex polyhedron is entered at the least w over the planes that
the camera is in front of, and left at the largest over the others. A round surface
gives a quadratic equation in w. An image is the largest w of all solids.

An image in the making is (w, owner, part): (H, W) inverse depths, which solid is seen
there, and which part of it: a face of a polyhedron, or an end or side of a tube. A grid
is (X of the first pixel, step, Y of the first pixel, step); a window is first and last
column + 1, first and last row + 1.
"""

import math

import numba
import numpy as np

compiled = numba.njit(nogil=True, fastmath=True, cache=True, error_model="numpy")
# Parts of a tube; its ends are 0 and 1.
SIDE = 2
_SMALL = 1e-6


@compiled
def turned(q, v, back):
    """A vector turned by a quaternion, or back."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    if back:
        x, y, z = -x, -y, -z
    a = 2 * (y * v[2] - z * v[1])
    b = 2 * (z * v[0] - x * v[2])
    c = 2 * (x * v[1] - y * v[0])
    return (
        v[0] + w * a + y * c - z * b,
        v[1] + w * b + z * a - x * c,
        v[2] + w * c + x * b - y * a,
    )


@compiled
def dot(a, b):
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def along_axes(v, axes):
    """A vector of the world in a camera's axes."""
    return dot(axes[0], v), dot(axes[1], v), dot(axes[2], v)


@compiled
def seen_from(point, position, axes):
    """A point in a camera's frame."""
    d = (point[0] - position[0], point[1] - position[1], point[2] - position[2])
    return along_axes(d, axes)


@compiled
def window(centre, radius, right, top, height, width):
    """The window of a ball, half of the image being right and top."""
    i0, i1 = _span(centre[0], centre[2], radius, right, width)
    j0, j1 = _span(-centre[1], centre[2], radius, top, height)
    return i0, i1, j0, j1


@compiled
def _span(along, ahead, radius, half, size):
    """First and last pixel + 1 of a ball along one axis of the image.

    Args:
        along: of its centre in the camera's frame, m.
        ahead: the same, along the optical axis.
        radius: m.
        half: of the image's extent, at a depth of 1.
        size: pixels.
    """
    if ahead <= radius + _SMALL:
        return 0, size if ahead > -radius else 0
    root = radius * math.sqrt(along * along + ahead * ahead - radius * radius)
    square = ahead * ahead - radius * radius
    scale = size / (2 * half)
    first = math.floor(((along * ahead - root) / square + half) * scale)
    last = math.ceil(((along * ahead + root) / square + half) * scale)
    return min(max(int(first), 0), size), min(max(int(last), 0), size)


@compiled
def polyhedron(planes, eye, r, u, f, grid, where, scratch, image, number):
    """Draws one.

    Args:
        planes: (F, 4) of its faces.
        eye: the camera's position in the body's frame.
        r: its axis to the right there.
        u: its axis upwards.
        f: its axis forwards.
        grid: see the top of this file.
        where: the window.
        scratch: four arrays (H W,) and one (4, F).
        image: see the top of this file.
        number: of the solid.
    """
    i0, i1, j0, j1 = where
    w, owner, part = image
    enter, leave, column, row, lines = scratch
    front = _lines(planes, eye, r, u, f, grid, lines)
    # All pixels of the window in one line: loops over a few columns are slow.
    count = 0
    for j in range(j0, j1):
        for i in range(i0, i1):
            column[count], row[count] = i, j
            count += 1
    enter[:count] = np.float32(1e9)
    leave[:count] = np.float32(0.0)
    for k in range(front):
        start, slope, rise = lines[0, k], lines[1, k], lines[2, k]
        for p in range(count):
            enter[p] = min(enter[p], start + slope * column[p] + rise * row[p])
    for k in range(front, len(planes)):
        start, slope, rise = lines[0, k], lines[1, k], lines[2, k]
        for p in range(count):
            leave[p] = max(leave[p], start + slope * column[p] + rise * row[p])
    for p in range(count):
        if enter[p] <= leave[p] or enter[p] >= 1e9:
            continue
        i, j = int(column[p]), int(row[p])
        if enter[p] > w[j, i]:
            w[j, i] = enter[p]
            owner[j, i] = number
            if part.size > 0:
                part[j, i] = _nearest(lines, front, i, j)


@compiled
def _nearest(lines, front, i, j):
    """Which plane a polyhedron is entered through at a pixel."""
    best, found = np.float32(1e9), 0
    for k in range(front):
        enter = lines[0, k] + lines[1, k] * i + lines[2, k] * j
        if enter < best:
            best, found = enter, k
    return np.int32(lines[3, found])


@compiled
def _lines(planes, eye, r, u, f, grid, lines):
    """Inverse depths of planes; returns how many the camera is in front of.

    These come first. Rows of `lines`: at the first pixel, per column, per row, and the
    number of the plane.
    """
    x0, dx, y0, dy = grid
    front, back = 0, len(planes)
    for k in range(len(planes)):
        n = planes[k]
        height = n[0] * eye[0] + n[1] * eye[1] + n[2] * eye[2] + n[3]
        if height > 0:
            place = front
            front += 1
        else:
            back -= 1
            place = back
        scale = np.float32(-1.0) / height
        along_x, along_y = dot(n, r), dot(n, u)
        lines[0, place] = scale * (dot(n, f) + x0 * along_x + y0 * along_y)
        lines[1, place] = scale * along_x * dx
        lines[2, place] = -scale * along_y * dy
        lines[3, place] = k
    return front


@compiled
def _ball(b, d, k):
    """Inverse depth at which a ray first meets a ball, or below 0."""
    root = b * b - d * k
    return (b + math.sqrt(root)) / k if root >= 0 and b > 0 else -1.0


@compiled
def tube(one, other, radius, flat, grid, where, image, number):
    """Draws one; its ends are in the camera's frame."""
    x0, dx, y0, dy = grid
    i0, i1, j0, j1 = where
    w, owner, part = image
    a = (other[0] - one[0], other[1] - one[1], other[2] - one[2])
    length = math.sqrt(dot(a, a))
    if length > _SMALL:
        a = (a[0] / length, a[1] / length, a[2] / length)
    along, squared = dot(one, a), dot(one, one)
    side = squared - along * along - radius * radius
    k_one = squared - radius * radius
    k_other = dot(other, other) - radius * radius
    for j in range(j0, j1):
        y = y0 - j * dy
        for i in range(i0, i1):
            x = x0 + i * dx
            d2 = x * x + y * y + 1.0
            da = a[0] * x + a[1] * y + a[2]
            b_one = one[0] * x + one[1] * y + one[2]
            best, which = -1.0, 0
            if flat:
                # The disc that faces the camera.
                which = 0 if da > 0 else 1
                hit = da / (along + which * length)
                # Its square of the distance from the axis, less that of the radius.
                beyond = d2 - da * da - 2 * hit * (b_one - along * da)
                if hit > 0 and beyond + hit * hit * side <= 0:
                    best = hit
            else:
                best = _ball(b_one, d2, k_one)
                b_other = other[0] * x + other[1] * y + other[2]
                hit = _ball(b_other, d2, k_other)
                if hit > best:
                    best, which = hit, 1
            hit = _ball(b_one - along * da, d2 - da * da, side)
            if side > 0 and length > _SMALL and hit > best:
                place = da - along * hit
                if place >= 0 and place <= length * hit:
                    best, which = hit, SIDE
            if best > w[j, i]:
                w[j, i] = best
                owner[j, i] = number
                if part.size > 0:
                    part[j, i] = which


@compiled
def rectangle(centre, x_axis, y_axis, z_axis, half, grid, image, number):
    """Draws one; centre and axes are in the camera's frame."""
    x0, dx, y0, dy = grid
    w, owner, _ = image
    height = -dot(z_axis, centre)
    if height <= 0:
        return
    cx, cy = dot(x_axis, centre), dot(y_axis, centre)
    for j in range(w.shape[0]):
        y = y0 - j * dy
        for i in range(w.shape[1]):
            d = (x0 + i * dx, y, 1.0)
            hit = -dot(z_axis, d) / height
            off_x = abs(dot(x_axis, d) - cx * hit)
            off_y = abs(dot(y_axis, d) - cy * hit)
            if off_x <= half[0] * hit and off_y <= half[1] * hit and hit > w[j, i]:
                w[j, i] = hit
                owner[j, i] = number
