"""What the grasping task observes, from the scene's sensors (ResDex, appendix).

For the ShadowHand, with the number of features in brackets:

- proprioception (123): joint positions scaled to [-1, 1] (22); position, quaternion,
  linear and angular velocity of the five fingertips (65); their force and torque, x 10
  (30); palm position (3); palm orientation as Euler angles (3);
- previous_action (24);
- object_position (3);
- object_state (13): goal - object (3), quaternion (4), linear velocity (3), angular
  velocity x 0.2 (3);
- object_code (64): the object's code x 0.1;
- surface (44): see `surface_features`;
- relative (18): object - palm and object - fingertips;
- object_centre (3): the object's centre of mass from the palm's centre, world frame, in
  units of 10 cm; the frame of a mug is a centimetre away from that;
- depth (C, H, W): what depth cameras see, see `Images.depth`;
- points, seen_points (512, 3): on the object's surface, from the palm's centre in units
  of 10 cm; all of it, or what two cameras see.

Another hand has the same parts, as long as its joints and fingertips are many: 98
features of proprioception for the Allegro's 16 joints and four fingertips.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax import rotations
from dexjax.hands import Hand
from dexjax.objects.object_set import CODE
from dexjax.spec import CAMERA, POLICY, PRIVILEGED, Observation
from dexjax.tasks.grasp.surface import DIRECTIONS, surface_features

PROPRIOCEPTION, PREVIOUS_ACTION = "proprioception", "previous_action"
OBJECT_POSITION, OBJECT_STATE = "object_position", "object_state"
OBJECT_CODE, SURFACE, RELATIVE = "object_code", "surface", "relative"
OBJECT_CENTRE, DEPTH = "object_centre", "depth"
POINTS, SEEN_POINTS = "points", "seen_points"

_BASE = (PROPRIOCEPTION, PREVIOUS_ACTION, OBJECT_POSITION)
_FULL = (*_BASE, OBJECT_STATE, OBJECT_CODE)
# What is observed together, by the name that a configuration gives it.
OBSERVATIONS = {
    "geometry-unaware": _BASE,
    "full": _FULL,
    "surface": (*_FULL, SURFACE),
    "points": (PROPRIOCEPTION, PREVIOUS_ACTION, POINTS),
    "seen-points": (PROPRIOCEPTION, PREVIOUS_ACTION, SEEN_POINTS),
    "depth": (PROPRIOCEPTION, PREVIOUS_ACTION, DEPTH),
}
# What cameras and a hand's own sensors give: all that an end-to-end policy may see.
_OWN = (PROPRIOCEPTION, PREVIOUS_ACTION, DEPTH)
# Those with points: policies of vision.
VISION = ("points", "seen-points")

POINT_COUNT = 512
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


class Situation(NamedTuple):
    """What an observation may depend on.

    Attributes:
        sensed: the sensors.
        previous_action: (actions,).
        goal: (3,) where the object is to be brought, m.
        code: (64,) of the object.
        centre: (3,) the object's centre of mass, m.
        cloud: name of an observation of points -> (P, 3) them, world frame, m.
        depth: -> (C, H, W) uint8, what depth cameras see.
    """

    sensed: Sensed
    previous_action: jax.Array
    goal: jax.Array
    code: jax.Array
    centre: jax.Array
    cloud: Callable[[str], jax.Array]
    depth: Callable[[], jax.Array]


def observed_names(
    observation: str, relative: bool, privileged: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Names of what a configuration observes.

    Args:
        observation: one of `OBSERVATIONS`.
        relative: whether `RELATIVE` is there as well.
        privileged: further names.
    """
    names = [*OBSERVATIONS[observation], *[RELATIVE] * relative, *privileged]
    return tuple(dict.fromkeys(names))


def describe(
    hand: Hand,
    names: tuple[str, ...],
    actions: int,
    encoder: str,
    visible: set[str],
    images: tuple[int, int, int] = (0, 0, 0),
) -> tuple[Observation, ...]:
    """What observations of these names are.

    Args:
        hand: the hand.
        names: of observations.
        actions: components of an action.
        encoder: name of what gave the object codes.
        visible: names that a policy may see; the others are privileged.
        images: (C, H, W) of what cameras see.
    """
    tips = len(hand.fingertips)
    shapes = {
        PROPRIOCEPTION: (len(hand.joints) + 19 * tips + 6,),
        PREVIOUS_ACTION: (actions,),
        OBJECT_POSITION: (3,),
        OBJECT_STATE: (13,),
        OBJECT_CODE: (CODE,),
        SURFACE: (2 * len(DIRECTIONS) + 3 * (tips + 1),),
        RELATIVE: (3 + 3 * tips,),
        OBJECT_CENTRE: (3,),
        DEPTH: images,
        POINTS: (POINT_COUNT, 3),
        SEEN_POINTS: (POINT_COUNT, 3),
    }
    return tuple(
        Observation(
            name,
            shapes[name],
            dtype="uint8" if name == DEPTH else "float32",
            seen_by=_seen_by(name, visible),
            source=f"encoder {encoder}" if name == OBJECT_CODE and encoder else "",
            of_object=name not in _OWN,
        )
        for name in names
    )


def _seen_by(name: str, visible: set[str]) -> str:
    if name not in visible:
        return PRIVILEGED
    return CAMERA if name == DEPTH else POLICY


def observe(hand: Hand, names: tuple[str, ...], now: Situation) -> dict[str, jax.Array]:
    """The observations of these names; `describe` gives their shapes."""
    return {name: _OBSERVERS[name](hand, now) for name in names}


def _object_state(hand: Hand, now: Situation) -> jax.Array:
    sensed = now.sensed
    return jnp.concatenate(
        [
            now.goal - sensed.object_pos,
            sensed.object_quat,
            sensed.object_linvel,
            ANGULAR_VELOCITY_SCALE * sensed.object_angvel,
        ]
    )


def _surface(hand: Hand, now: Situation) -> jax.Array:
    sensed = now.sensed
    sites = jnp.concatenate([sensed.tip_pos, sensed.palm_pos[None]])
    return surface_features(now.cloud(SURFACE), sensed.object_pos, sites)


def _relative(hand: Hand, now: Situation) -> jax.Array:
    sensed = now.sensed
    to_tips = sensed.object_pos - sensed.tip_pos
    return jnp.concatenate([sensed.object_pos - sensed.palm_pos, to_tips.ravel()])


def _points(name: str) -> Callable[[Hand, Situation], jax.Array]:
    def points(hand: Hand, now: Situation) -> jax.Array:
        return POINT_SCALE * (now.cloud(name) - now.sensed.palm_pos)

    return points


_OBSERVERS: dict[str, Callable[[Hand, Situation], jax.Array]] = {
    PROPRIOCEPTION: lambda hand, now: proprioception(hand, now.sensed),
    PREVIOUS_ACTION: lambda hand, now: now.previous_action,
    OBJECT_POSITION: lambda hand, now: now.sensed.object_pos,
    OBJECT_STATE: _object_state,
    OBJECT_CODE: lambda hand, now: CODE_SCALE * now.code,
    SURFACE: _surface,
    RELATIVE: _relative,
    OBJECT_CENTRE: lambda hand, now: POINT_SCALE * (now.centre - now.sensed.palm_pos),
    DEPTH: lambda hand, now: now.depth(),
    POINTS: _points(POINTS),
    SEEN_POINTS: _points(SEEN_POINTS),
}
