"""Finding grasps of an object: the energy, minimised by annealed moves.

As in DexGraspNet (Wang et al. 2023, section IV-C) hands start around the object, palm
towards it, and every move is a gradient step, scaled component by component by the
gradients' running size, now and then together with another choice of contact points; a
move that raises the energy is taken with a probability that falls with temperature.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax import rotations
from dexjax.grasps.energy import (
    CONTACTS,
    WEIGHTS,
    Pose,
    Table,
    all_joints,
    grasp_energy,
)
from dexjax.grasps.solid import Solid
from dexjax.hands import Hand
from dexjax.hands.surface import contact_points


@dataclasses.dataclass(frozen=True)
class Annealing:
    """How the energy is minimised.

    Attributes:
        steps: moves.
        step: size of the first ones; m, rad, and of a quaternion.
        last_step: of the last ones, as a share.
        temperature: of the first moves.
        last_temperature: of the last ones, as a share.
        switch: how often a move chooses one of the contact points anew.
        memory: of the running size of the gradients.
    """

    steps: int = 1000
    step: float = 0.005
    last_step: float = 0.1
    temperature: float = 2.0
    last_temperature: float = 0.01
    switch: float = 0.3
    memory: float = 0.98


class Grasps(NamedTuple):
    """Grasps with what the energy says of them; arrays have leading dimensions alike.

    Attributes:
        pose: of the hand in the object's frame, rotation of unit length.
        joints: (…, joints) rad.
        terms: energy terms by name, unweighted, m.
        energy: (…) weighted sum.
    """

    pose: Pose
    joints: jax.Array
    terms: dict[str, jax.Array]
    energy: jax.Array


class _State(NamedTuple):
    pose: Pose
    contacts: jax.Array
    energy: jax.Array
    gradient: Pose
    square: Pose  # running mean of the squared gradients


def make_synthesis(
    hand: Hand, annealing: Annealing = Annealing()
) -> Callable[[jax.Array, Solid, jax.Array, Table], Grasps]:
    """A pure function that finds one grasp; vmap it over keys and objects.

    Args:
        hand: the hand.
        annealing: how.

    Returns:
        fn(key, solid, points (n, 3) on the object's surface, table) -> `Grasps` ().
    """
    terms_of = grasp_energy(hand)
    expand = all_joints(hand)
    candidates = len(contact_points(hand).link)

    def energy(pose: Pose, contacts: jax.Array, solid: Solid, table: Table):
        terms = terms_of(pose, contacts, solid, table)
        return sum(WEIGHTS[name] * term for name, term in terms.items())

    value_and_gradient = jax.value_and_grad(energy)

    def find(key: jax.Array, solid: Solid, points: jax.Array, table: Table) -> Grasps:
        start_key, contact_key, move_key = jax.random.split(key, 3)
        pose = _start(hand, start_key, points, table)
        contacts = jax.random.randint(contact_key, (CONTACTS,), 0, candidates)
        value, gradient = value_and_gradient(pose, contacts, solid, table)
        square = jax.tree.map(lambda g: g * g, gradient)
        state = _State(pose, contacts, value, gradient, square)

        def move(state: _State, step: tuple[jax.Array, jax.Array]):
            progress, key = step
            which_key, new_key, switch_key, accept_key = jax.random.split(key, 4)
            size = annealing.step * annealing.last_step**progress
            temperature = annealing.temperature * annealing.last_temperature**progress
            pose = jax.tree.map(
                lambda x, g, s: x - size * g / (jnp.sqrt(s) + 1e-6),
                *(state.pose, state.gradient, state.square),
            )
            which = jax.random.randint(which_key, (), 0, CONTACTS)
            other = jax.random.randint(new_key, (), 0, candidates)
            switch = jax.random.uniform(switch_key) < annealing.switch
            contacts = jnp.where(
                switch, state.contacts.at[which].set(other), state.contacts
            )
            value, gradient = value_and_gradient(pose, contacts, solid, table)
            chance = jnp.exp(jnp.minimum((state.energy - value) / temperature, 0.0))
            taken = jax.random.uniform(accept_key) < chance
            square = jax.tree.map(
                lambda s, g: annealing.memory * s + (1 - annealing.memory) * g * g,
                *(state.square, gradient),
            )
            moved = _State(pose, contacts, value, gradient, square)
            return jax.tree.map(lambda a, b: jnp.where(taken, a, b), moved, state), None

        progress = jnp.linspace(0.0, 1.0, annealing.steps)
        keys = jax.random.split(move_key, annealing.steps)
        state, _ = jax.lax.scan(move, state, (progress, keys))
        terms = terms_of(state.pose, state.contacts, solid, table)
        length = jnp.linalg.norm(state.pose.rotation)
        pose = state.pose._replace(rotation=state.pose.rotation / length)
        return Grasps(pose, expand(pose.actuated), terms, state.energy)

    return find


# m, between the palm's centre and the object's surface at the start.
_GAP = (0.0, 0.06)
# The palm starts above the table, or at most so far (sine) below the horizontal.
_LOWEST = 0.0
_ANGLE_NOISE = 0.1


def _start(hand: Hand, key: jax.Array, points: jax.Array, table: Table) -> Pose:
    """A hand beside or above the object, its palm towards a point on its surface."""
    keys = jax.random.split(key, 6)
    away = jax.random.normal(keys[0], (3,))
    away /= jnp.linalg.norm(away)
    height = away @ table.up
    # Mirrored to above the table.
    away = jnp.where(height < _LOWEST, away - 2 * height * table.up, away)
    # Of some surface points that one which lies farthest out.
    some = points[jax.random.randint(keys[1], (8,), 0, len(points))]
    target = some[(some @ away).argmax()]
    gap = jax.random.uniform(keys[2], (), minval=_GAP[0], maxval=_GAP[1])
    start_quat = jnp.asarray(hand.start_quat)
    # In the start pose the palm faces down: turn "down" to where the object is.
    rotation = rotations.multiply(_turn_down_to(-away, keys[3]), start_quat)
    centre = rotations.rotate(rotation, jnp.asarray(hand.palm_center))
    open_, grasp = (jnp.asarray(hand.poses[name]) for name in ("open", "grasp"))
    share = jax.random.uniform(keys[4])
    angles = open_ + share * (grasp - open_)
    angles = angles[hand.actuated_index]
    angles += _ANGLE_NOISE * jax.random.normal(keys[5], angles.shape)
    low, high = hand.joint_range[hand.actuated_index].T
    return Pose(target + gap * away - centre, rotation, jnp.clip(angles, low, high))


def _turn_down_to(direction: jax.Array, key: jax.Array) -> jax.Array:
    """(4,) wxyz that turns -z to a unit direction (3,), with a random roll about it."""
    roll = jax.random.uniform(key, (), maxval=2 * jnp.pi)
    about_down = rotations.from_axis_angle(jnp.array([0.0, 0.0, -1.0]), roll)
    down = jnp.array([0.0, 0.0, -1.0])
    half = down + direction
    # Opposite directions have no middle: any axis across will do.
    half = jnp.where(jnp.linalg.norm(half) < 1e-3, jnp.array([1.0, 0.0, 0.0]), half)
    half /= jnp.linalg.norm(half)
    # Half a turn about the middle of the two.
    swing = jnp.concatenate([jnp.zeros(1), half])
    return rotations.multiply(swing, about_down)
