"""Trying grasps out: does the hand hold the object, whichever way gravity pulls?

DexGraspNet (Wang et al. 2023, section IV-D): the hand closes on the object in free
space while gravity pulls along one of six directions of the object's frame; the grasp
holds if the object stays in the hand. Here hand and object are turned instead, far
above the table of an ordinary scene, so that any engine can do it, and the wrist's
servos keep the hand where it is.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.grasps.energy import Pose, all_joints
from dexjax.grasps.pads import thumb_links
from dexjax.hands import Hand, forward_kinematics
from dexjax.hands.contact_geometry import contact_points, place
from dexjax.objects.solid import Solid, signed_distance
from dexjax.physics.engine import Engine
from dexjax.physics.guard import is_broken

# Directions (6, 3) in the object's frame that become "down".
GRAVITY = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
HEIGHT = 2.0  # m above the table
STEPS = 84  # control steps of 20 ms: 100 steps at 60 Hz
SLIP = 0.03  # m that the object may move in the hand
# m, contact points so near the surface press on it.
_PRESSING = 0.01
# 1/s, how fast the wrist's error is taken back.
_WRIST_GAIN = 10.0


class Trial(NamedTuple):
    """What became of a grasp; arrays (…, 6), one entry per direction of gravity.

    Attributes:
        slip: how far the object has moved in the hand's frame, m; infinite where the
            simulation diverged.
        held: whether that is at most `SLIP`.
    """

    slip: jax.Array
    held: jax.Array


def closing_targets(
    hand: Hand, stiffness: float
) -> Callable[[Pose, Solid, jax.Array], jax.Array]:
    """A pure function from a grasp to servo targets that squeeze the object.

    Every link near the surface presses along its normal, those of the thumb together
    as hard as all others together. The joint torques for that are minus the press
    times the gradient of the links' distances with respect to the joints; the servos
    give them when their targets are off by torque / stiffness.

    Args:
        hand: the hand.
        stiffness: of the finger servos, N m/rad.

    Returns:
        fn(pose, solid, press () N on either side) -> targets (actuated,) rad.
    """
    kinematics, expand = forward_kinematics(hand), all_joints(hand)
    points, thumb = contact_points(hand), thumb_links(hand)
    on_link = jax.nn.one_hot(points.link, len(hand.links))
    sides = jnp.asarray([thumb, ~thumb], float)
    low, high = hand.joint_range[hand.actuated_index].T

    def targets(pose: Pose, solid: Solid, press: jax.Array) -> jax.Array:
        def gap(actuated: jax.Array) -> jax.Array:
            links = kinematics(pose.translation, pose.rotation, expand(actuated))
            distance, _ = signed_distance(
                solid, place(links, points.link, points.position)
            )
            near = jax.lax.stop_gradient((distance < _PRESSING).astype(float))
            count = near @ on_link
            of_link = (near * distance) @ on_link / jnp.maximum(count, 1.0)
            pressing = sides * (count > 0)
            return (pressing @ of_link / jnp.maximum(pressing.sum(axis=1), 1.0)).sum()

        torque = -press * jax.grad(gap)(pose.actuated)
        return jnp.clip(pose.actuated + torque / stiffness, low, high)

    return targets


def make_trial(
    engine: Engine,
) -> Callable[[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], Trial]:
    """A pure function that tries one grasp out; vmap it.

    Args:
        engine: over a scene that holds the objects.

    Returns:
        fn(translation (3,), rotation (4,), joints (joints,), targets (actuated,),
        object_id ()) -> `Trial`; the hand's root in the object's frame.
    """
    scene = engine.scene
    fingers, root, thing = scene.finger_qpos, scene.root_qpos, scene.object_qpos
    wrist = np.array([scene.model.actuator(i).id for i in range(6)])
    speed = (
        -scene.model.actuator_gainprm[wrist, 0] / scene.model.actuator_biasprm[wrist, 2]
    )

    def once(
        down: jax.Array,
        translation: jax.Array,
        rotation: jax.Array,
        joints: jax.Array,
        targets: jax.Array,
        object_id: jax.Array,
    ) -> jax.Array:
        turn = _turn_to_down(down)
        place_quat = rotations.multiply(turn, rotation)
        place_pos = jnp.array([0.0, 0.0, HEIGHT]) + rotations.rotate(turn, translation)
        qpos = jnp.zeros(scene.model.nq)
        qpos = qpos.at[fingers].set(joints)
        qpos = qpos.at[root].set(jnp.concatenate([place_pos, place_quat]))
        middle = jnp.array([0.0, 0.0, HEIGHT])
        qpos = qpos.at[thing].set(jnp.concatenate([middle, turn]))
        state = engine.reset(qpos, jnp.zeros(scene.model.nv), object_id)

        def step(state, _):
            error = jnp.concatenate(
                [
                    place_pos - state.qpos[root][:3],
                    _rotation_error(place_quat, state.qpos[root][3:]),
                ]
            )
            drive = jnp.clip(_WRIST_GAIN * error / speed, -1.0, 1.0)
            after = engine.step(state, jnp.concatenate([drive, targets]))
            broken = is_broken(state, after)
            kept = jax.tree.map(lambda a, b: jnp.where(broken, a, b), state, after)
            return kept, broken

        end, broken = jax.lax.scan(step, state, length=STEPS)
        slip = jnp.linalg.norm(
            _in_hand(end.qpos, root, thing) - _in_hand(qpos, root, thing)
        )
        return jnp.where(broken.any(), jnp.inf, slip)

    def trial(translation, rotation, joints, targets, object_id) -> Trial:
        slip = jax.vmap(once, (0, None, None, None, None, None))(
            jnp.asarray(GRAVITY), translation, rotation, joints, targets, object_id
        )
        return Trial(slip, slip <= SLIP)

    return trial


def _in_hand(qpos: jax.Array, root: slice, thing: slice) -> jax.Array:
    """Position (3,) of the object in the frame of the hand's root, m."""
    hand, thing_pos = qpos[root], qpos[thing][:3]
    return rotations.rotate(rotations.conjugate(hand[3:]), thing_pos - hand[:3])


def _rotation_error(wanted: jax.Array, quat: jax.Array) -> jax.Array:
    """Rotation vector (3,) in the world frame from an orientation to the wanted one."""
    difference = rotations.multiply(wanted, rotations.conjugate(quat))
    return 2.0 * jnp.sign(difference[0]) * difference[1:]


def _turn_to_down(direction: jax.Array) -> jax.Array:
    """(4,) wxyz that turns a unit direction (3,) to -z."""
    half = direction + jnp.array([0.0, 0.0, -1.0])
    # The opposite of down is turned over about x.
    up = jnp.linalg.norm(half) < 1e-3
    half = jnp.where(
        up, jnp.array([1.0, 0.0, 0.0]), half / jnp.maximum(jnp.linalg.norm(half), 1e-6)
    )
    # Half a turn about the middle of the two.
    return jnp.concatenate([jnp.zeros(1), half])
