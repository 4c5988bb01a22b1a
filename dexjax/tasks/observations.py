"""What a policy sees, computed from the scene's sensors (ResDex, appendix tables).

Proprioception J of the ShadowHand has 123 features: joint positions scaled to
[-1, 1] (22); position, quaternion, linear and angular velocity of the five fingertips
(65); their force and torque, x 10 (30); palm position (3); palm orientation as Euler
angles (3). The geometry-unaware observation adds the previous action (24) and the
object's position (3). The full one adds goal - object (3), object quaternion (4),
linear velocity (3), angular velocity x 0.2 (3) and object code x 0.1 (64).
Another hand has the same parts in the same order, as long as its joints and fingertips
are many: 98 features of the Allegro's 16 joints and four fingertips, and 22 actions.

The observation "surface" is the full one with `surface_features` behind it.

`relative` appends object - palm and object - fingertips to any of these.

A vision policy sees J, the previous action, and instead of the object's pose points on
its surface (512), counted from the palm's centre in units of 10 cm: all of the surface
("points") or what two cameras see of it ("seen-points").
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax import rotations
from dexjax.hands import Hand
from dexjax.tasks.surface import surface_features

SURFACE = "surface"
VISION = ("points", "seen-points")
OBSERVATIONS = ("geometry-unaware", "full", SURFACE, *VISION)
# Those with the object's code.
CODED = ("full", SURFACE)
WRENCH_SCALE = 10.0
ANGULAR_VELOCITY_SCALE = 0.2
CODE_SCALE = 0.1
POINT_SCALE = 10.0


class Sensed(NamedTuple):
    """The sensors of one world by meaning; F fingertips, world frame, SI units."""

    joint_pos: jax.Array  # (joints,) rad
    joint_vel: jax.Array  # (joints,) rad/s
    palm_pos: jax.Array  # (3,)
    palm_quat: jax.Array  # (4,)
    palm_linvel: jax.Array  # (3,)
    palm_angvel: jax.Array  # (3,)
    tip_pos: jax.Array  # (F, 3)
    tip_quat: jax.Array  # (F, 4)
    tip_linvel: jax.Array  # (F, 3)
    tip_angvel: jax.Array  # (F, 3)
    tip_force: jax.Array  # (F, 3) N
    tip_torque: jax.Array  # (F, 3) N m
    object_pos: jax.Array  # (3,)
    object_quat: jax.Array  # (4,)
    object_linvel: jax.Array  # (3,)
    object_angvel: jax.Array  # (3,)


def sense(hand: Hand, sensors: dict[str, slice], sensordata: jax.Array) -> Sensed:
    """Reads `sensordata` (nsensor,) by name."""

    def read(name: str) -> jax.Array:
        return sensordata[sensors[name]]

    def tips(kind: str) -> jax.Array:
        return jnp.stack([read(f"{tip}_{kind}") for tip in hand.fingertips])

    frame = ("pos", "quat", "linvel", "angvel")
    return Sensed(
        jnp.concatenate([read(f"{joint}_pos") for joint in hand.joints]),
        jnp.concatenate([read(f"{joint}_vel") for joint in hand.joints]),
        *(read(f"palm_{kind}") for kind in frame),
        *(tips(kind) for kind in (*frame, "force", "torque")),
        *(read(f"object_{kind}") for kind in frame),
    )


def scale_joints(hand: Hand, joint_pos: jax.Array) -> jax.Array:
    """Maps joint positions (joints,) from their limits to [-1, 1]."""
    low, high = jnp.asarray(hand.joint_range).T
    return 2.0 * (joint_pos - low) / (high - low) - 1.0


def proprioception(hand: Hand, sensed: Sensed) -> jax.Array:
    """J of the paper: (joints + 19 F + 6,), (123,) for the ShadowHand."""
    tips = jnp.concatenate(
        [sensed.tip_pos, sensed.tip_quat, sensed.tip_linvel, sensed.tip_angvel], axis=1
    )
    wrenches = jnp.concatenate([sensed.tip_force, sensed.tip_torque], axis=1)
    return jnp.concatenate(
        [
            scale_joints(hand, sensed.joint_pos),
            tips.ravel(),
            WRENCH_SCALE * wrenches.ravel(),
            sensed.palm_pos,
            rotations.to_euler(sensed.palm_quat),
        ]
    )


def observe(
    hand: Hand,
    sensed: Sensed,
    previous_action: jax.Array,
    goal: jax.Array,
    code: jax.Array,
    kind: str,
    relative: bool,
    cloud: jax.Array | None = None,
) -> jax.Array:
    """The observation of a policy.

    Args:
        hand: the hand.
        sensed: the sensors.
        previous_action: (actions,).
        goal: (3,) where the object is to be brought.
        code: (64,) object code.
        kind: one of `OBSERVATIONS`.
        relative: append object - palm and object - fingertips; not for vision.
        cloud: (points, 3) on the object, world frame, m; for vision and "surface".
    """
    parts = [proprioception(hand, sensed), previous_action]
    if kind in VISION:
        assert cloud is not None
        near = POINT_SCALE * (cloud - sensed.palm_pos)
        return jnp.concatenate([*parts, near.ravel()])
    parts.append(sensed.object_pos)
    if kind in CODED:
        parts += [
            goal - sensed.object_pos,
            sensed.object_quat,
            sensed.object_linvel,
            ANGULAR_VELOCITY_SCALE * sensed.object_angvel,
            CODE_SCALE * code,
        ]
    if kind == SURFACE:
        assert cloud is not None
        sites = jnp.concatenate([sensed.tip_pos, sensed.palm_pos[None]])
        parts.append(surface_features(cloud, sensed.object_pos, sites))
    if relative:
        parts += [
            sensed.object_pos - sensed.palm_pos,
            (sensed.object_pos - sensed.tip_pos).ravel(),
        ]
    return jnp.concatenate(parts)


def geometry_unaware_part(hand: Hand, obs: jax.Array, relative: bool) -> jax.Array:
    """What a base policy sees of a hyper-policy's observation.

    Args:
        hand: the hand.
        obs: (…, observation) of kind "full" or "surface".
        relative: whether both have the relative features.
    """
    tips = len(hand.fingertips)
    head = len(hand.joints) + 19 * tips + 6 + hand.action_size + 3
    tail = 3 + 3 * tips if relative else 0
    parts = [obs[..., :head], obs[..., obs.shape[-1] - tail :]]
    return jnp.concatenate(parts, axis=-1)
