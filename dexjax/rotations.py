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
    return q * jnp.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: Array, vector: Array) -> jax.Array:
    """Rotates vectors (…, 3) by q (…, 4)."""
    w, v = q[..., :1], q[..., 1:]
    twice = 2.0 * jnp.cross(v, vector)
    return vector + w * twice + jnp.cross(v, twice)


def from_axis_angle(axis: Array, angle: Array) -> jax.Array:
    """Rotation by `angle` (…) rad about a unit `axis` (…, 3); (…, 4)."""
    half = 0.5 * jnp.asarray(angle)[..., None]
    return jnp.concatenate([jnp.cos(half), jnp.sin(half) * axis], axis=-1)


def angle_between(p: Array, q: Array) -> jax.Array:
    """Angle (…) in [0, pi] rad of the rotation from p to q."""
    relative = multiply(conjugate(p), q)
    sine = jnp.linalg.norm(relative[..., 1:], axis=-1)
    return 2.0 * jnp.arctan2(sine, jnp.abs(relative[..., 0]))


def to_euler(q: Array) -> jax.Array:
    """Roll, pitch, yaw (…, 3) rad about fixed axes x, y, z."""
    w, x, y, z = jnp.moveaxis(q, -1, 0)
    roll = jnp.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = jnp.arcsin(jnp.clip(2 * (w * y - z * x), -1.0, 1.0))
    yaw = jnp.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return jnp.stack([roll, pitch, yaw], axis=-1)
