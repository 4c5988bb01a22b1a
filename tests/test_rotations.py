"""Quaternions against SciPy's rotations."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax import rotations


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    return Rotation.random(50, rng=rng), Rotation.random(50, rng=rng)


def quat(rotation):
    return jnp.asarray(rotation.as_quat(scalar_first=True), jnp.float32)


def same(got, rotation, atol=2e-6):
    """The same rotation: a quaternion and its negative are."""
    sign = np.sign((np.asarray(got) * quat(rotation)).sum(-1, keepdims=True))
    np.testing.assert_allclose(sign * got, quat(rotation), atol=atol)


def test_product_applies_the_second_first(pairs):
    p, q = pairs
    same(rotations.multiply(quat(p), quat(q)), p * q)


def test_conjugate_is_the_inverse(pairs):
    p, _ = pairs
    same(rotations.conjugate(quat(p)), p.inv())


def test_rotating_vectors(pairs):
    p, _ = pairs
    vectors = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    np.testing.assert_allclose(
        rotations.rotate(quat(p), vectors), p.apply(vectors), atol=5e-6
    )


def test_one_rotation_broadcasts_over_many_vectors(pairs):
    p = pairs[0][0]
    vectors = np.random.default_rng(1).normal(size=(4, 5, 3)).astype(np.float32)
    expected = p.apply(vectors.reshape(-1, 3)).reshape(4, 5, 3)
    np.testing.assert_allclose(rotations.rotate(quat(p), vectors), expected, atol=5e-6)


def test_axis_and_angle():
    rng = np.random.default_rng(2)
    axis = rng.normal(size=(30, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = rng.uniform(-6, 6, 30)
    expected = Rotation.from_rotvec(axis * angle[:, None])
    same(rotations.from_axis_angle(jnp.asarray(axis), jnp.asarray(angle)), expected)


def test_angle_between(pairs):
    p, q = pairs
    angle = rotations.angle_between(quat(p), quat(q))
    np.testing.assert_allclose(angle, (p.inv() * q).magnitude(), atol=3e-6)
    # A quaternion's sign is no rotation, and nothing is lost near zero.
    np.testing.assert_allclose(rotations.angle_between(quat(p), -quat(p)), 0, atol=1e-6)
    small = p * Rotation.from_rotvec([0, 1e-4, 0])
    np.testing.assert_allclose(
        rotations.angle_between(quat(p), quat(small)), 1e-4, atol=1e-6
    )


def test_euler_angles(pairs):
    p, _ = pairs
    np.testing.assert_allclose(
        rotations.to_euler(quat(p)), p.as_euler("xyz"), atol=2e-4
    )


def test_euler_angles_stay_finite_at_the_pole():
    for pitch in (90.0, -90.0):
        pole = Rotation.from_euler("xyz", [20, pitch, 40], degrees=True)
        angles = rotations.to_euler(1.000001 * quat(pole))
        assert np.isfinite(angles).all()
        np.testing.assert_allclose(np.degrees(angles[1]), pitch, atol=0.1)


def test_matrices_become_quaternions(pairs):
    every = [
        *pairs,
        Rotation.from_euler("xyz", np.pi * np.eye(3)),
        Rotation.identity(1),
    ]
    for turn in every:
        same(rotations.from_matrix(jnp.asarray(turn.as_matrix(), jnp.float32)), turn)
