"""Finding grasps of an object: the energy, minimised by annealed moves.

As in DexGraspNet (Wang et al. 2023, section IV-C) every move is a gradient step, scaled
component by component by the gradients' running size, now and then together with
another choice of contact points; a move that raises the energy is taken with a
probability that falls with temperature. Unlike there a hand starts with its thumb
opposite two fingers, the best of a few such starts.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.grasps.energy import (
    CONTACTS,
    WEIGHTS,
    Pose,
    Table,
    all_joints,
    grasp_energy,
)
from dexjax.grasps.opposition import Surface, opposed_start
from dexjax.grasps.pads import pad_table, thumb_links
from dexjax.hands import Hand
from dexjax.hands.contact_geometry import contact_points
from dexjax.objects.solid import Solid


@dataclasses.dataclass(frozen=True)
class Annealing:
    """How the energy is minimised.

    Attributes:
        starts: of which the best is taken.
        steps: moves.
        step: size of the first ones; m, rad, and of a quaternion.
        last_step: of the last ones, as a share.
        temperature: of the first moves.
        last_temperature: of the last ones, as a share.
        switch: how often a move chooses one of the contact points anew.
        memory: of the running size of the gradients.
    """

    starts: int = 128
    steps: int = 200
    step: float = 0.005
    last_step: float = 0.1
    temperature: float = 1.0
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
) -> Callable[[jax.Array, Solid, Surface, Table], Grasps]:
    """A pure function that finds one grasp; vmap it over keys and objects.

    Args:
        hand: the hand.
        annealing: how.

    Returns:
        fn(key, solid, surface, table) -> `Grasps` ().
    """
    terms_of = grasp_energy(hand)
    expand = all_joints(hand)
    thumb = thumb_links(hand)[contact_points(hand).link]
    choices = [np.flatnonzero(thumb), *[np.flatnonzero(~thumb)] * (CONTACTS - 1)]
    start = opposed_start(hand, pad_table(hand))

    def energy(pose: Pose, contacts: jax.Array, solid: Solid, table: Table):
        terms = terms_of(pose, contacts, solid, table)
        return sum(WEIGHTS[name] * term for name, term in terms.items())

    value_and_gradient = jax.value_and_grad(energy)

    def draw(key: jax.Array) -> jax.Array:
        """Contact points (CONTACTS,), the first of the thumb."""
        keys = jax.random.split(key, CONTACTS)
        return jnp.stack(
            [jax.random.choice(k, c) for k, c in zip(keys, choices, strict=True)]
        )

    def begin(key: jax.Array, solid: Solid, surface: Surface, table: Table):
        """The best of some starts, one after the other to save memory."""

        def look(best, key):
            pose, contacts = start(key, surface, table)
            other = pose, contacts, energy(pose, contacts, solid, table)
            better = other[2] < best[2]
            return jax.tree.map(lambda a, b: jnp.where(better, a, b), other, best), None

        none = *start(key, surface, table), jnp.array(jnp.inf)
        keys = jax.random.split(key, annealing.starts)
        return jax.lax.scan(look, none, keys)[0][:2]

    def find(key: jax.Array, solid: Solid, surface: Surface, table: Table) -> Grasps:
        start_key, move_key = jax.random.split(key)
        pose, contacts = begin(start_key, solid, surface, table)
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
            other = state.contacts.at[which].set(draw(new_key)[which])
            switch = jax.random.uniform(switch_key) < annealing.switch
            contacts = jnp.where(switch, other, state.contacts)
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
