"""Where the bodies of a scene are: forward kinematics of a MuJoCo model in JAX."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations

_FREE, _SLIDE, _HINGE = (
    int(kind)
    for kind in (
        mujoco.mjtJoint.mjJNT_FREE,
        mujoco.mjtJoint.mjJNT_SLIDE,
        mujoco.mjtJoint.mjJNT_HINGE,
    )
)


class BodyPoses(NamedTuple):
    """Poses of all bodies in the world frame, in the model's order.

    Attributes:
        position: (bodies, 3), m.
        quaternion: (bodies, 4), wxyz.
    """

    position: jax.Array
    quaternion: jax.Array


class _Generation(NamedTuple):
    """Bodies as far from the world in the tree as each other.

    Attributes:
        bodies: their indices.
        parents: place of their parents in the generation before.
        joints: which joint each has as its first, second, …; -1 where it has none.
    """

    bodies: np.ndarray
    parents: np.ndarray
    joints: list[np.ndarray]


def body_poses(model: mujoco.MjModel) -> Callable[[jax.Array], BodyPoses]:
    """A pure function from `qpos` (nq,) to the poses of a model's bodies.

    As `mj_kinematics` has them, for free, sliding and hinge joints.
    """
    generations = _generations(model)
    order = np.argsort(np.concatenate([[0], *(g.bodies for g in generations)]))

    def poses(qpos: jax.Array) -> BodyPoses:
        # Generation by generation, all bodies of one at once: compiles faster than
        # body by body.
        position, quaternion = jnp.zeros((1, 3)), jnp.array([[1.0, 0.0, 0.0, 0.0]])
        positions, quaternions = [position], [quaternion]
        for own in generations:
            above, turn = position[own.parents], quaternion[own.parents]
            offset = model.body_pos[own.bodies].astype(np.float32)
            position = above + rotations.rotate(turn, offset)
            rest = model.body_quat[own.bodies].astype(np.float32)
            quaternion = rotations.multiply(turn, rest)
            for joints in own.joints:
                position, quaternion = _moved(model, joints, qpos, position, quaternion)
            positions.append(position)
            quaternions.append(quaternion)
        return BodyPoses(
            jnp.concatenate(positions)[order], jnp.concatenate(quaternions)[order]
        )

    return poses


def _generations(model: mujoco.MjModel) -> list[_Generation]:
    parent = model.body_parentid
    depth = np.zeros(model.nbody, int)
    for body in range(1, model.nbody):
        depth[body] = depth[parent[body]] + 1
    found, above = [], np.array([0])
    for level in range(1, depth.max() + 1):
        bodies = np.flatnonzero(depth == level)
        count, first = model.body_jntnum[bodies], model.body_jntadr[bodies]
        joints = [np.where(count > i, first + i, -1) for i in range(count.max())]
        found.append(
            _Generation(bodies, np.searchsorted(above, parent[bodies]), joints)
        )
        above = bodies
    return found


def _moved(
    model: mujoco.MjModel,
    joints: np.ndarray,
    qpos: jax.Array,
    position: jax.Array,
    quaternion: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Poses (n, 3) and (n, 4) after one joint of each body; -1 for none."""
    there = np.maximum(joints, 0)
    kind = np.where(joints < 0, -1, model.jnt_type[there])[:, None]
    start = model.jnt_qposadr[there]
    axis = model.jnt_axis[there].astype(np.float32)
    anchor = model.jnt_pos[there].astype(np.float32)
    by = qpos[start] - model.qpos0[start].astype(np.float32)
    slid = position + by[:, None] * rotations.rotate(quaternion, axis)
    turned = rotations.multiply(quaternion, rotations.from_axis_angle(axis, by))
    # The anchor stays where it is.
    swung = (
        position
        + rotations.rotate(quaternion, anchor)
        - rotations.rotate(turned, anchor)
    )
    # Of a free joint; what other joints read here is not used.
    free = qpos[np.minimum(start[:, None] + np.arange(7), model.nq - 1)]
    position = jnp.where(kind == _HINGE, swung, position)
    position = jnp.where(kind == _SLIDE, slid, position)
    position = jnp.where(kind == _FREE, free[:, :3], position)
    quaternion = jnp.where(kind == _HINGE, turned, quaternion)
    return position, jnp.where(kind == _FREE, free[:, 3:], quaternion)
