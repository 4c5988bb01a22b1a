"""What the in-hand task observes, all of it in the palm's frame.

With the number of features for the Allegro hand in brackets; F fingertips, J joints, A
of them actuated:

- proprioception (128): joints, and targets before them, at the last four steps, oldest
  first;
- previous_action (16);
- object (27): position in units of 5 cm, two columns of its rotation matrix, velocity,
  angular velocity x 0.2, from it to every fingertip in units of 5 cm;
- goal (62): how far to go: place in units of 2 cm, rotation vector, joints, targets,
  fingertips in units of 2 cm; and how far the fingertips would be carried if they stuck
  to the object on its way, in units of 2 cm;
- gravity (3): where it pulls;
- shape (26): how far the object extends along 13 directions of its own frame, and
  against them, in units of 5 cm;
- touch (12): forces at the fingertips in N, for critics alone;
- hand_history (240): the last four states of the hand, oldest first, see
  `hands.finger_state.hand_state`, for controllers alone;
- force_history (48): the last four forces at the fingertips in N, likewise.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.grasps.sets.palm import palm_pose
from dexjax.hands import Hand
from dexjax.hands.finger_state import finger_keypoints, state_size
from dexjax.networks.diffusion.motions import FORCE_HISTORY, HAND_HISTORY, HISTORY
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.engine import PhysicsState
from dexjax.scene import Scene
from dexjax.spec import CONTROLLER, PRIVILEGED, Observation
from dexjax.tasks.grasp.surface import DIRECTIONS
from dexjax.tasks.inhand.goals import Grasp
from dexjax.tasks.inhand.memory import Memory

PROPRIOCEPTION, PREVIOUS_ACTION = "proprioception", "previous_action"
OBJECT, GOAL, GRAVITY, SHAPE = "object", "goal", "gravity", "shape"
TOUCH = "touch"

PLACE_UNIT, NEAR_UNIT = 0.05, 0.02  # m
ANGULAR_VELOCITY_SCALE = 0.2
# Where an object is that the fingers do not hold: out of their reach, m.
_AWAY = (0.0, 0.0, 0.3)


class Seen(NamedTuple):
    """One world in the palm's frame, SI units.

    Attributes:
        joints: (J,) rad.
        tips: (F, 3) m.
        position, quaternion: (3,) m and (4,) wxyz of the object.
        velocity, turning: (3,) m/s and (3,) rad/s of it.
        forces: (F, 3) N at the fingertips, each in its own frame.
    """

    joints: jax.Array
    tips: jax.Array
    position: jax.Array
    quaternion: jax.Array
    velocity: jax.Array
    turning: jax.Array
    forces: jax.Array


class Sight:
    """Reads worlds of a scene with a fixed palm.

    Attributes:
        hand: its hand.
    """

    def __init__(self, scene: Scene):
        """Looks where everything stands."""
        self._scene, self.hand = scene, scene.hand
        centre, quat = palm_pose(scene)
        self._centre = jnp.asarray(centre, jnp.float32)
        self._out = jnp.asarray(quat, jnp.float32)
        self._in = rotations.conjugate(self._out)
        self._place, self._speed = scene.object_qpos, scene.qvel_of("object")
        self._fingers = scene.finger_qpos
        self._tips = finger_keypoints(scene.hand, 1)

    def see(self, physics: PhysicsState) -> Seen:
        """One world."""
        joints = physics.qpos[self._fingers]
        pose, speed = physics.qpos[self._place], physics.qvel[self._speed]
        turned = rotations.multiply(self._in, pose[3:])
        forces = [
            physics.sensordata[self._scene.sensors[f"{tip}_force"]]
            for tip in self._scene.hand.fingertips
        ]
        return Seen(
            joints,
            self._tips(joints),
            rotations.rotate(self._in, pose[:3] - self._centre),
            turned,
            rotations.rotate(self._in, speed[:3]),
            # MuJoCo gives it in the object's frame.
            rotations.rotate(turned, speed[3:]),
            jnp.stack(forces),
        )

    def place(self, grasp: Grasp) -> jax.Array:
        """The `qpos` (nq,) of a grasp."""
        qpos = jnp.asarray(self._scene.model.qpos0, jnp.float32)
        position = self._centre + rotations.rotate(self._out, grasp.position)
        turned = rotations.multiply(self._out, grasp.quaternion)
        qpos = qpos.at[self._fingers].set(grasp.joints)
        return qpos.at[self._place].set(jnp.concatenate([position, turned]))

    def pushed(self, physics: PhysicsState, speed: jax.Array) -> PhysicsState:
        """A world whose object is (3,) m/s faster, world frame."""
        start = self._speed.start
        return physics._replace(qvel=physics.qvel.at[start : start + 3].add(speed))

    def without_object(self, grasp: Grasp) -> Grasp:
        """The fingers of a grasp, the object out of reach."""
        return grasp._replace(
            position=jnp.array(_AWAY), quaternion=jnp.array([1.0, 0.0, 0.0, 0.0])
        )

    def away(self, physics: PhysicsState) -> PhysicsState:
        """A world whose object rests out of reach."""
        place = jnp.concatenate([self.world_point(jnp.array(_AWAY)), self._out])
        return physics._replace(
            qpos=physics.qpos.at[self._place].set(place),
            qvel=physics.qvel.at[self._speed].set(0.0),
        )

    def world_point(self, point: jax.Array) -> jax.Array:
        """A point (3,) of the palm's frame in the world's, m."""
        return self._centre + rotations.rotate(self._out, point)

    def tips_of(self, grasp: Grasp) -> jax.Array:
        """Fingertips (F, 3) m of a grasp."""
        return self._tips(grasp.joints)


def gravities(scene: Scene) -> np.ndarray:
    """Where gravity pulls in each model, (models, 3) unit vectors, palm's frame."""
    _, quat = palm_pose(scene)
    pulls = np.array([model.opt.gravity for model in scene.models])
    pulls /= np.linalg.norm(pulls, axis=1, keepdims=True)
    return np.asarray(rotations.rotate(rotations.conjugate(quat), pulls), np.float32)


def shapes(objects: ObjectSet) -> np.ndarray:
    """How far objects (n,) extend from their frames' origins, (n, 26) in 5 cm."""
    points = objects.hulls.reshape(len(objects), -1, 3)
    there = np.repeat(objects.hull_mask, objects.hulls.shape[2], axis=1)[..., None]
    along = points @ DIRECTIONS.T
    most = np.where(there, along, -np.inf).max(axis=1)
    least = np.where(there, along, np.inf).min(axis=1)
    return (np.concatenate([most, -least], axis=1) / PLACE_UNIT).astype(np.float32)


def describe(hand: Hand) -> tuple[Observation, ...]:
    """What is observed of a hand's task."""
    tips, joints, actuated = (
        len(part) for part in (hand.fingertips, hand.joints, hand.actuated)
    )
    return (
        Observation(PROPRIOCEPTION, (HISTORY * (joints + actuated),)),
        Observation(PREVIOUS_ACTION, (actuated,)),
        Observation(OBJECT, (15 + 3 * tips,)),
        Observation(GOAL, (6 + joints + actuated + 6 * tips,)),
        Observation(GRAVITY, (3,)),
        Observation(SHAPE, (2 * len(DIRECTIONS),)),
        Observation(TOUCH, (3 * tips,), seen_by=PRIVILEGED),
        Observation(HAND_HISTORY, (HISTORY * state_size(hand),), seen_by=CONTROLLER),
        Observation(FORCE_HISTORY, (HISTORY * 3 * tips,), seen_by=CONTROLLER),
    )


def observed(
    sight: Sight, physics: PhysicsState, memory: Memory
) -> dict[str, jax.Array]:
    """All that follows from one world and what it remembers."""
    seen, goal = sight.see(physics), memory.goal
    tips = sight.tips_of(goal)
    return {
        PROPRIOCEPTION: proprioception(sight.hand, memory.history),
        PREVIOUS_ACTION: memory.action,
        OBJECT: object_features(seen),
        GOAL: goal_features(seen, memory.targets, goal, tips),
        TOUCH: seen.forces.ravel(),
        HAND_HISTORY: memory.history.ravel(),
        FORCE_HISTORY: memory.forces.ravel(),
    }


def proprioception(hand: Hand, history: jax.Array) -> jax.Array:
    """Joints and leads of states (HISTORY, S), (HISTORY (J + A),)."""
    start, joints = 3 * len(hand.fingertips), len(hand.joints)
    lead = history[:, start + joints + len(hand.actuated) :]
    return jnp.concatenate([history[:, start : start + joints], lead], axis=1).ravel()


def object_features(seen: Seen) -> jax.Array:
    """See the top of this file, (15 + 3 F,)."""
    columns = [
        rotations.rotate(seen.quaternion, jnp.eye(3, dtype=jnp.float32)[i])
        for i in (0, 1)
    ]
    return jnp.concatenate(
        [
            seen.position / PLACE_UNIT,
            *columns,
            seen.velocity,
            ANGULAR_VELOCITY_SCALE * seen.turning,
            ((seen.tips - seen.position) / PLACE_UNIT).ravel(),
        ]
    )


def goal_features(
    seen: Seen, targets: jax.Array, goal: Grasp, goal_tips: jax.Array
) -> jax.Array:
    """See the top of this file, (6 + J + A + 6 F,)."""
    turn = rotations.multiply(goal.quaternion, rotations.conjugate(seen.quaternion))
    carried = goal.position + rotations.rotate(turn, seen.tips - seen.position)
    return jnp.concatenate(
        [
            (goal.position - seen.position) / NEAR_UNIT,
            rotations.to_rotation_vector(turn),
            goal.joints - seen.joints,
            goal.targets - targets,
            ((goal_tips - seen.tips) / NEAR_UNIT).ravel(),
            ((carried - seen.tips) / NEAR_UNIT).ravel(),
        ]
    )
