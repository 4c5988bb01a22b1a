"""Beside PPO: an actor's estimator learns what the privileged know.

Concurrent, as an actor with `concurrent` wants it: what the estimator said while the
worlds were rolled out is recorded and is what the policy saw, so that PPO's updates
need no images; then the estimator learns from these images by itself.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from dexjax.learners.ppo.config import PpoConfig
from dexjax.networks.scaling import Statistics, scaled, scaling_of
from dexjax.networks.vision import ESTIMATE, CameraActor
from dexjax.tasks.task import Observations

_RATE, _MINIBATCHES = 1e-3, 16
_PART = "estimator"  # of the actor's parameters


def target_of(actor: nn.Module) -> str:
    """Name of the observation that an actor estimates; "" for none."""
    if isinstance(actor, CameraActor) and actor.estimates:
        return actor.target
    return ""


def is_concurrent(actor: nn.Module) -> bool:
    """Whether an actor's estimator learns by itself."""
    return isinstance(actor, CameraActor) and actor.concurrent


def estimation_loss(actor: nn.Module, params: dict, obs: Observations) -> jax.Array:
    """Mean square error of what an actor estimates, scaled observations (…)."""
    said = jnp.asarray(actor.apply(params, obs, method="estimate"))
    return jnp.square(said - obs[target_of(actor)]).mean()


def start(actor: nn.Module, params: dict) -> Any:
    """What the estimator's optimiser remembers at first; () without an estimator."""
    if not is_concurrent(actor):
        return ()
    return optax.adam(_RATE).init(params["params"][_PART])


def with_estimate(actor: nn.Module, params: dict, seen: Observations) -> Observations:
    """Scaled observations, and what a concurrent estimator says of them."""
    if not is_concurrent(actor):
        return seen
    said = jnp.asarray(actor.apply(params, seen, method="estimate"))
    return seen | {ESTIMATE: said}


def learn(
    actor: nn.Module,
    params: dict,
    memory: Any,
    obs: Observations,
    statistics: Statistics,
    config: PpoConfig,
) -> tuple[dict, Any, jax.Array]:
    """One pass of the estimator over an iteration.

    Args:
        actor: concurrent.
        params: of it.
        memory: of the optimiser.
        obs: (steps, worlds, …) as they were observed.
        statistics: by which they are scaled.
        config: of the learner.

    Returns:
        Parameters, the optimiser's memory, and the mean loss.
    """
    names = (*actor.sees, actor.target)
    own = {name: obs[name].reshape(-1, *obs[name].shape[2:]) for name in names}
    count = len(own[actor.target])
    size = max(count // _MINIBATCHES, 1)
    # Worlds follow each other: a stride mixes them and the steps.
    rows = jnp.arange(count // size * size).reshape(size, -1).T

    def loss(part: dict, few: Observations) -> jax.Array:
        whole = {"params": params["params"] | {_PART: part}}
        seen = scaled(scaling_of(statistics), few, config.observation_clip)
        return estimation_loss(actor, whole, seen)

    def step(now: tuple, chosen: jax.Array):
        part, memory = now
        few = {name: x[chosen] for name, x in own.items()}
        value, gradient = jax.value_and_grad(loss)(part, few)
        updates, memory = optax.adam(_RATE).update(gradient, memory)
        return (optax.apply_updates(part, updates), memory), value

    (part, memory), values = jax.lax.scan(step, (params["params"][_PART], memory), rows)
    return {"params": params["params"] | {_PART: part}}, memory, values.mean()
