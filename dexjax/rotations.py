"""Unit quaternions wxyz in JAX; every function broadcasts over leading dimensions."""

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array | np.ndarray


def multiply(p: Array, q: Array) -> jax.Array:
    """The rotation q followed by p, (…, 4)."""
    pw, pv = p[..., :1], p[..., 1:]
    qw, qv = q[..., :1], q[..., 1:]
    w = pw * qw - (pv * qv).sum(-1, keepdims=True)
    return jnp.concatenate([w, pw * qv + qw * pv + jnp.cross(pv, qv)], axis=-1)


def conjugate(q: Array) -> jax.Array:
    """The inverse rotation, (…, 4)."""
    return jnp.asarray(q) * jnp.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: Array, vector: Array) -> jax.Array:
    """Rotates vectors (…, 3) by q (…, 4)."""
    w, v = q[..., :1], q[..., 1:]
    twice = 2.0 * jnp.cross(v, vector)
    return jnp.asarray(vector) + w * twice + jnp.cross(v, twice)


def from_axis_angle(axis: Array, angle: Array) -> jax.Array:
    """Rotation by `angle` (…) rad about a unit `axis` (…, 3); (…, 4)."""
    half = 0.5 * jnp.asarray(angle)[..., None]
    return jnp.concatenate([jnp.cos(half), jnp.sin(half) * axis], axis=-1)


def angle_between(p: Array, q: Array) -> jax.Array:
    """Angle (…) in [0, pi] rad of the rotation from p to q."""
    relative = multiply(conjugate(p), q)
    sine = jnp.linalg.norm(relative[..., 1:], axis=-1)
    return 2.0 * jnp.arctan2(sine, jnp.abs(relative[..., 0]))


def to_rotation_vector(q: Array) -> jax.Array:
    """Axis times angle in [0, pi], (…, 3) rad."""
    w, v = q[..., :1], q[..., 1:]
    # q and -q are one rotation: the shorter way round.
    v = jnp.where(w < 0, -v, v)
    squared = jnp.square(v).sum(-1, keepdims=True)
    small = squared < 1e-12
    sine = jnp.sqrt(jnp.where(small, 1.0, squared))
    angle = 2.0 * jnp.arctan2(sine, jnp.abs(w))
    return jnp.where(small, 2.0 * v, v * (angle / sine))


def to_euler(q: Array) -> jax.Array:
    """Roll, pitch, yaw (…, 3) rad about fixed axes x, y, z."""
    w, x, y, z = jnp.moveaxis(q, -1, 0)
    roll = jnp.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = jnp.arcsin(jnp.clip(2 * (w * y - z * x), -1.0, 1.0))
    yaw = jnp.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return jnp.stack([roll, pitch, yaw], axis=-1)


def from_matrix(matrix: Array) -> jax.Array:
    """Quaternion (…, 4) of rotation matrices (…, 3, 3)."""
    m = [[matrix[..., i, j] for j in range(3)] for i in range(3)]
    xx, yy, zz = m[0][0], m[1][1], m[2][2]
    xy, xz, yz = m[1][0] + m[0][1], m[0][2] + m[2][0], m[2][1] + m[1][2]
    wx, wy, wz = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    # Each row is the quaternion times four of its own components: the longest is the
    # most precise.
    rows = jnp.stack(
        [
            jnp.stack([1 + xx + yy + zz, wx, wy, wz], -1),
            jnp.stack([wx, 1 + xx - yy - zz, xy, xz], -1),
            jnp.stack([wy, xy, 1 - xx + yy - zz, yz], -1),
            jnp.stack([wz, xz, yz, 1 - xx - yy + zz], -1),
        ],
        -2,
    )
    lengths = jnp.linalg.norm(rows, axis=-1)
    longest = lengths.argmax(-1)[..., None, None]
    row = jnp.take_along_axis(rows, longest, -2)[..., 0, :]
    return row / jnp.linalg.norm(row, axis=-1, keepdims=True)
