"""Proximal policy optimisation (Schulman et al. 2017), one jitted step per iteration.

`make_ppo(task, networks, config)` returns `init(key)`, `train(state)` and
`policy(state)`. An iteration rolls all worlds out for a few steps and updates actor and
critic from them. Everything that an iteration changes is in `TrainState`, one pytree:
saving it and going on later gives the same run.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner, summarise
from dexjax.learners.placement import WORLDS
from dexjax.learners.ppo import estimation
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.estimation import is_concurrent
from dexjax.learners.ppo.loss import (
    Batch,
    Networks,
    Params,
    adapt_learning_rate,
    ppo_loss,
)
from dexjax.learners.ppo.rollout import (
    TrainState,
    make_batch,
    roll_out,
    seen_names,
    with_images,
)
from dexjax.learners.unroll import has_memory
from dexjax.learners.worlds import Worlds, batched, start_worlds
from dexjax.networks.scaling import no_statistics, scaling_of, updated
from dexjax.policies.actor import ActorPolicy
from dexjax.spec import PolicySpec, TaskSpec
from dexjax.tasks.task import Task


def make_ppo(
    task: Task, networks: Networks, config: PpoConfig, mesh: Mesh | None = None
) -> Learner:
    """Makes the learner of a task.

    Args:
        task: written for one world.
        networks: that are trained, each naming the observations that it sees.
        config: choices of the learner.
        mesh: see `worlds_mesh`; what is learned does not depend on it. One device by
            default.

    Raises:
        DexjaxError: if the samples of an iteration do not divide into minibatches, or
            the worlds over the devices, or a network sees what the task does not
            observe.
    """
    config.check_fit()
    _check_sees(task.spec, networks)
    _check_columns(networks, config)
    if mesh is not None and config.worlds % mesh.size:
        raise DexjaxError(
            f"{config.worlds} worlds do not divide over {mesh.size} devices: choose a "
            f"multiple of {mesh.size}"
        )
    worlds = batched(task, mesh)
    init = partial(_init, task, networks, config)
    train = partial(_train, worlds, task.spec, networks, config)
    policy = partial(learned, task.spec, networks, config)
    if mesh is None:
        return Learner(jax.jit(init), jax.jit(train, donate_argnums=0), policy)
    split, whole = (
        NamedSharding(mesh, PartitionSpec(*axis)) for axis in ((WORLDS,), ())
    )
    fields: dict[str, Any] = dict.fromkeys(TrainState.__dataclass_fields__, whole)
    placed = TrainState(**fields | {"worlds": split, "carry": split})
    jitted = jax.jit(
        train,
        in_shardings=(placed,),
        out_shardings=(placed, whole),
        donate_argnums=0,
    )
    return Learner(jax.jit(init, out_shardings=placed), jitted, policy)


def learned(
    spec: TaskSpec, networks: Networks, config: PpoConfig, state: TrainState
) -> ActorPolicy:
    """The actor of a training's state as a policy."""
    sees = tuple(networks.actor.sees)
    scaling = scaling_of(state.statistics)
    own = [name for name in sees if name in scaling.mean]
    return ActorPolicy(
        state.params.actor,
        scaling._replace(
            mean={name: scaling.mean[name] for name in own},
            std={name: scaling.std[name] for name in own},
        ),
        networks.actor,
        config.observation_clip,
        PolicySpec.of(spec, sees),
    )


def _check_sees(spec: TaskSpec, networks: Networks) -> None:
    for role, network in networks._asdict().items():
        for name in network.sees:
            if spec.observation(name) is None:
                there = ", ".join(own.name for own in spec.observations)
                raise DexjaxError(
                    f"the {role} sees {name!r}, the task observes {there}"
                )


def _check_columns(networks: Networks, config: PpoConfig) -> None:
    if has_memory(networks.actor) and config.worlds % config.minibatches:
        raise DexjaxError(
            f"ppo.minibatches is {config.minibatches}, must divide ppo.worlds = "
            f"{config.worlds} for an actor with a memory"
        )


def _scaled_shapes(spec: TaskSpec, networks: Networks) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what is seen by its statistics."""
    sees = seen_names(networks)
    return {
        own.name: own.shape
        for own in spec.observations
        if own.name in sees and own.is_scaled
    }


def _init(
    task: Task, networks: Networks, config: PpoConfig, key: jax.Array
) -> TrainState:
    key, actor_key, critic_key, task_key, clock_key = jax.random.split(key, 5)
    worlds = start_worlds(task, config.worlds, task_key, clock_key)
    carry = networks.actor.initial_carry(config.worlds)
    one_world = jax.tree.map(lambda x: x[:1], (worlds.obs, carry))
    params = Params(
        dict(networks.actor.init(actor_key, *one_world)),
        dict(networks.critic.init(critic_key, one_world[0])),
    )
    return TrainState(
        params=params,
        statistics=no_statistics(_scaled_shapes(task.spec, networks)),
        optimiser=_optimiser(config).init(params),
        estimator=estimation.start(networks.actor, params.actor),
        learning_rate=jnp.asarray(config.learning_rate, jnp.float32),
        worlds=worlds,
        carry=carry,
        key=key,
        env_steps=jnp.zeros((), jnp.int32),
    )


def _optimiser(config: PpoConfig) -> optax.GradientTransformation:
    """Adam without its rate, which is adapted from outside."""
    return optax.chain(
        optax.clip_by_global_norm(config.gradient_clip), optax.scale_by_adam(eps=1e-5)
    )


def _train(
    worlds: Worlds,
    spec: TaskSpec,
    networks: Networks,
    config: PpoConfig,
    state: TrainState,
) -> tuple[TrainState, dict[str, jax.Array]]:
    """One iteration: roll out, estimate advantages, update."""
    key, rollout_key, update_key = jax.random.split(state.key, 3)
    after, carry, trajectory, metrics = roll_out(
        worlds, networks, config, state, rollout_key
    )
    batch = make_batch(networks, config, state, trajectory, after.obs)
    statistics = state.statistics
    if config.normalise:
        statistics = updated(statistics, trajectory.obs)
    params, optimiser, rate, losses = _update(
        networks, config, state, batch, update_key
    )
    memory = state.estimator
    if is_concurrent(networks.actor):
        actor, memory, loss = estimation.learn(
            networks.actor, params.actor, memory, trajectory.obs, statistics, config
        )
        params, losses = params._replace(actor=actor), losses | {"estimate": loss}
    measured = summarise(metrics, spec) | losses | {"learning_rate": rate}
    measured["std"] = trajectory.std.mean()
    return TrainState(
        params=params,
        statistics=statistics,
        optimiser=optimiser,
        estimator=memory,
        learning_rate=rate,
        worlds=after,
        carry=carry,
        key=key,
        env_steps=state.env_steps + config.worlds * config.steps,
    ), measured


def _columns(batch: Batch, chosen: jax.Array) -> Batch:
    """Some of the columns of a batch."""
    carry = jax.tree.map(lambda x: x[chosen], batch.carry)
    return jax.tree.map(lambda x: x[:, chosen], batch._replace(carry=()))._replace(
        carry=carry
    )


def _without_actor(gradient: Params, acting: jax.Array) -> Params:
    """The gradient, the actor's being zero unless `acting`."""
    actor = jax.tree.map(lambda x: jnp.where(acting, x, 0.0), gradient.actor)
    return gradient._replace(actor=actor)


def _moved(params: dict, updates: dict, rate: jax.Array | float) -> dict:
    return jax.tree.map(lambda p, u: p - rate * u, params, updates)


def _update(
    networks: Networks,
    config: PpoConfig,
    state: TrainState,
    batch: Batch,
    key: jax.Array,
) -> tuple[Params, optax.OptState, jax.Array, dict[str, jax.Array]]:
    optimiser = _optimiser(config)
    columns = batch.done.shape[1]
    acting = state.env_steps >= config.critic_first * config.worlds * config.steps
    loss: Callable = jax.grad(ppo_loss, has_aux=True)

    def minibatch(carry, chosen: jax.Array):
        params, opt_state, rate = carry
        few = _columns(batch, chosen)
        few = few._replace(obs=with_images(config, state.statistics, few.obs))
        gradient, losses = loss(params, networks, config, few)
        gradient = _without_actor(gradient, acting)
        adapted = adapt_learning_rate(
            rate, losses["kl"], config.desired_kl, config.learning_rate_range
        )
        rate = jnp.where(acting, adapted, rate)
        updates, opt_state = optimiser.update(gradient, opt_state, params)
        params = Params(
            _moved(params.actor, updates.actor, rate),
            _moved(params.critic, updates.critic, config.critic_learning_rate or rate),
        )
        return (params, opt_state, rate), losses

    keys = jax.random.split(key, config.epochs)
    order = jax.vmap(lambda k: jax.random.permutation(k, columns))(keys)
    order = order.reshape(config.epochs * config.minibatches, -1)
    start = (state.params, state.optimiser, state.learning_rate)
    (params, opt_state, rate), losses = jax.lax.scan(minibatch, start, order)
    return params, opt_state, rate, jax.tree.map(jnp.mean, losses)
