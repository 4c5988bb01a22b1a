"""A beginning for a learner: its actor imitates a simple policy before it acts itself.

The simple policy acts, disturbed by noise, so that it is seen where a beginner will be;
the actor learns what it would do there.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from dexjax.learners.learner import Learner
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import TrainState, seen_by
from dexjax.learners.worlds import Worlds, batched
from dexjax.networks.scaling import Statistics, updated
from dexjax.policies.policy import Policy
from dexjax.tasks.task import Observations, Task

_STEPS, _BATCH = 16, 1024


@dataclasses.dataclass(frozen=True)
class ImitationConfig:
    """Choices of the beginning.

    Attributes:
        rounds: of acting for 16 control steps and learning from them; 0 leaves the
            beginning out.
        updates: gradient steps of a round.
        learning_rate: of Adam.
        spread: standard deviation of the noise on actions; of every world from none to
            this.
    """

    rounds: int = 0
    updates: int = 30
    learning_rate: float = 1e-3
    spread: float = 0.2

    LIMITS: ClassVar[dict] = {
        "rounds": (0, 1_000_000),
        "updates": (1, 1_000_000),
        "learning_rate": (1e-9, 1.0),
        "spread": (0.0, 2.0),
    }


def with_imitation(
    learner: Learner,
    task: Task,
    networks: Networks,
    ppo: PpoConfig,
    config: ImitationConfig,
    shown: Policy,
) -> Learner:
    """The same learner of PPO, whose actor begins like another policy.

    Args:
        learner: of `make_ppo`, without a mesh.
        task: that it learns.
        networks: that it trains; the actor has no memory.
        ppo: its choices.
        config: of the beginning.
        shown: what is imitated; it has no memory either.
    """
    if not config.rounds:
        return learner
    begin = jax.jit(partial(_begun, batched(task), networks, ppo, config, shown))

    def init(key: jax.Array) -> TrainState:
        if not isinstance(key, jax.core.Tracer):
            steps = config.rounds * _STEPS * ppo.worlds
            print(f"imitates for {steps:,} steps first, without a bar", flush=True)
        return begin(learner.init(key), jax.random.fold_in(key, 1))

    return learner._replace(init=init)


def _begun(
    worlds: Worlds,
    networks: Networks,
    ppo: PpoConfig,
    config: ImitationConfig,
    shown: Policy,
    state: TrainState,
    key: jax.Array,
) -> TrainState:
    """The state with an actor that has learned and statistics of what was seen."""
    optimiser = optax.adam(config.learning_rate)
    count = state.worlds.step.shape[0]
    spread = config.spread * jnp.linspace(0.0, 1.0, count)[:, None]

    def act(before, key: jax.Array):
        action, _ = shown.act(before.obs, shown.init(count), key)
        noise = spread * jax.random.normal(jax.random.fold_in(key, 1), action.shape)
        seen = {name: before.obs[name] for name in state.statistics.mean}
        after = worlds.restart(worlds.advance(before, action + noise))
        return after, (seen, action)

    def one_round(now, key: jax.Array):
        before, actor, moments, statistics = now
        act_key, fit_key = jax.random.split(key)
        after, (seen, action) = jax.lax.scan(
            act, before, jax.random.split(act_key, _STEPS)
        )
        statistics = updated(statistics, seen)
        seen, action = jax.tree.map(_flat, (seen, action))
        fit = partial(_fitted, networks, ppo, optimiser, config.updates, statistics)
        actor, moments = fit(seen, action, actor, moments, fit_key)
        return (after, actor, moments, statistics), None

    actor = state.params.actor
    start = (state.worlds, actor, optimiser.init(actor), state.statistics)
    keys = jax.random.split(key, config.rounds)
    (after, actor, _, statistics), _ = jax.lax.scan(one_round, start, keys)
    params = state.params._replace(actor=actor)
    return state.replace(params=params, statistics=statistics, worlds=after)


def _flat(array: jax.Array) -> jax.Array:
    """(steps, worlds, features) as (samples, features)."""
    return array.reshape(-1, array.shape[-1])


def _fitted(
    networks: Networks,
    ppo: PpoConfig,
    optimiser: optax.GradientTransformation,
    updates: int,
    statistics: Statistics,
    obs: Observations,
    action: jax.Array,
    actor: dict,
    moments: optax.OptState,
    key: jax.Array,
) -> tuple[dict, optax.OptState]:
    """An actor after some gradient steps towards the actions (samples, actions)."""
    seen = seen_by(networks._replace(critic=networks.actor), ppo, statistics, obs)
    loss: Callable[..., Any] = jax.grad(partial(_error, networks.actor))

    def update(now, key: jax.Array):
        params, moments = now
        rows = jax.random.randint(key, (_BATCH,), 0, len(action))
        some = jax.tree.map(lambda x: x[rows], (seen, action))
        gradient = loss(params, *some)
        change, moments = optimiser.update(gradient, moments)
        return (optax.apply_updates(params, change), moments), None

    found, _ = jax.lax.scan(update, (actor, moments), jax.random.split(key, updates))
    return found


def _error(network: Any, params: dict, obs: Observations, action: jax.Array):
    said, _ = network.apply(params, obs, ())
    return jnp.square(said.mean() - action).mean()
