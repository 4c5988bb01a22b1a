"""What a world of the in-hand task remembers, and what of a step is counted."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax.networks.diffusion.motions import HISTORY
from dexjax.tasks.inhand.config import InhandConfig
from dexjax.tasks.inhand.goals import Grasp, errors
from dexjax.tasks.inhand.rewards import TERMS, potential
from dexjax.tasks.task import BROKEN, EPISODES, RETURN

# Outcomes of an episode: the object is still held at its end; the first goal was
# reached before it was replaced.
HELD, REACHED = "held", "reached"
# Of every step: a goal was reached, was replaced without that, the object was dropped.
GOALS, TIMEOUTS, DROPS = "goals", "timeouts", "drops"


class Memory(NamedTuple):
    """What one world remembers between steps.

    Attributes:
        key: of what is drawn.
        action: (A,) the previous one.
        targets: (A,) rad.
        history: (HISTORY, S) states of the hand as they were read.
        forces: (HISTORY, 3 F) N at the fingertips.
        bias: (J,) rad, of the readings of this episode.
        push: (3,) m/s^2, at which a force moves the object, world frame.
        still: () bool, the palm is never turned in this episode.
        free: () bool, the fingers move without the object in this episode.
        mode: () int32, what its goals are: index in `film_unet.MODES`.
        goal: the grasp to go to.
        potential: () of the object and the goal.
        goal_steps: () int32, since the goal was set.
        inside: () int32, steps within its tolerances up to now.
        first: () bool, the first goal is still set.
        reached: () bool, the first goal was reached.
        episode_return: ().
    """

    key: jax.Array
    action: jax.Array
    targets: jax.Array
    history: jax.Array
    forces: jax.Array
    bias: jax.Array
    push: jax.Array
    still: jax.Array
    free: jax.Array
    mode: jax.Array
    goal: Grasp
    potential: jax.Array
    goal_steps: jax.Array
    inside: jax.Array
    first: jax.Array
    reached: jax.Array
    episode_return: jax.Array


def begun(key: jax.Array, grasp: Grasp, state: jax.Array, forces: jax.Array) -> Memory:
    """The memory at the start of an episode, whose goal is the grasp itself.

    Args:
        key: of what is drawn.
        grasp: that is held.
        state: (S,) of the hand, as it is read.
        forces: (F, 3) N at the fingertips.
    """
    zero, no = jnp.zeros(()), jnp.zeros((), bool)
    return Memory(
        key=key,
        action=jnp.zeros_like(grasp.targets),
        targets=grasp.targets,
        history=jnp.tile(state, (HISTORY, 1)),
        forces=jnp.tile(forces.ravel(), (HISTORY, 1)),
        bias=jnp.zeros_like(grasp.joints),
        push=jnp.zeros(3),
        still=no,
        free=no,
        mode=jnp.zeros((), jnp.int32),
        goal=grasp,
        potential=zero,
        goal_steps=jnp.zeros((), jnp.int32),
        inside=jnp.zeros((), jnp.int32),
        first=~no,
        reached=no,
        episode_return=zero,
    )


def shifted(history: jax.Array, newest: jax.Array) -> jax.Array:
    """A history (HISTORY, …) without its oldest entry and with a new one (…)."""
    return jnp.concatenate([history[1:], newest[None]])


class Event(NamedTuple):
    """What happened in one step; () each.

    Attributes:
        potential: of the object and the goal.
        inside: int32, steps within the goal's tolerances up to now.
        reached: bool, the goal was.
        late: bool, its time is up.
        dropped: bool, the object was.
    """

    potential: jax.Array
    inside: jax.Array
    reached: jax.Array
    late: jax.Array
    dropped: jax.Array


def happened(
    config: InhandConfig, before: Memory, held: Grasp, broken: jax.Array
) -> Event:
    """What a step has led to.

    Args:
        config: tolerances and times.
        before: the memory before it.
        held: the grasp after it.
        broken: () bool, the world was.
    """
    apart = errors(held, before.goal)
    near = (
        (apart.place <= config.near_m)
        & (apart.turn <= config.near_rad)
        & (apart.joints <= config.near_joints_rad)
    )
    inside = jnp.where(near, before.inside + 1, 0)
    away = jnp.linalg.norm(held.position) > config.drop_m
    dropped = away & ~before.free & ~broken
    reached = (inside >= config.inside_steps) & ~broken & ~dropped
    late = (before.goal_steps + 1 >= config.goal_steps) & ~reached & ~dropped
    height = potential(apart, config.joints_weight)
    return Event(height, inside, reached, late, dropped)


def metrics(
    terms: dict[str, jax.Array],
    event: Event,
    memory: Memory,
    terminated: jax.Array,
    truncated: jax.Array,
    broken: jax.Array,
) -> dict[str, jax.Array]:
    """Metrics of a step.

    Args:
        terms: of the reward.
        event: what happened.
        memory: after the step.
        terminated: () bool, the episode broke off.
        truncated: () bool, its time is over.
        broken: () bool, the world was.
    """
    ended = (terminated | truncated).astype(jnp.float32)
    return {f"reward/{name}": term for name, term in terms.items()} | {
        EPISODES: ended,
        HELD: truncated.astype(jnp.float32),
        REACHED: ended * memory.reached,
        RETURN: ended * memory.episode_return,
        BROKEN: broken.astype(jnp.float32),
        GOALS: event.reached.astype(jnp.float32),
        TIMEOUTS: event.late.astype(jnp.float32),
        DROPS: event.dropped.astype(jnp.float32),
    }


def no_metrics() -> dict[str, jax.Array]:
    """Metrics of an episode that has just begun."""
    names = [f"reward/{name}" for name in TERMS]
    names += [EPISODES, RETURN, BROKEN, HELD, REACHED, GOALS, TIMEOUTS, DROPS]
    return dict.fromkeys(names, jnp.zeros(()))
