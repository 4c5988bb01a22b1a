"""Proximal policy optimisation (Schulman et al. 2017), one jitted step per iteration.

`make_ppo(task, networks, config)` returns `init(key)`, `train(state)` and
`policy(state)`. An iteration rolls all worlds out for a few steps and updates actor and
critic from them. Everything that an iteration changes is in `TrainState`, one pytree:
saving it and going on later gives the same run.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner, summarise
from dexjax.learners.placement import Placement, check_placement, split, whole
from dexjax.learners.ppo import estimation
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.lockstep import Lockstep
from dexjax.learners.ppo.loss import Networks, Params
from dexjax.learners.ppo.rollout import TrainState, roll_out, seen_names
from dexjax.learners.ppo.update import learn, optimiser
from dexjax.learners.unroll import has_memory
from dexjax.learners.worlds import Worlds, batched, start_worlds
from dexjax.networks.scaling import no_statistics, scaling_of
from dexjax.policies.actor import ActorPolicy
from dexjax.spec import PolicySpec, TaskSpec
from dexjax.tasks.task import Task


def make_ppo(
    task: Task,
    networks: Networks,
    config: PpoConfig,
    placement: Placement | None = None,
) -> Learner:
    """Makes the learner of a task.

    Args:
        task: written for one world.
        networks: that are trained, each naming the observations that it sees.
        config: choices of the learner.
        placement: which devices simulate and which learn; what is learned does not
            depend on it. One device by default.

    Raises:
        DexjaxError: if the samples of an iteration do not divide into minibatches, or
            the worlds over the devices, the devices overlap in part, or a network sees
            what the task does not observe.
    """
    config.check_fit()
    _check_sees(task.spec, networks)
    _check_columns(networks, config)
    policy = partial(learned, task.spec, networks, config)
    init = partial(_init, task, networks, config)
    if placement is not None:
        check_placement(placement, config.worlds)
        if not placement.together:
            apart = Lockstep(task, networks, config, placement, init)
            return Learner(apart.init, apart.train, policy)
    mesh = None if placement is None else placement.simulate
    worlds = batched(task, mesh)
    train = partial(_train, worlds, task.spec, networks, config)
    if mesh is None:
        return Learner(jax.jit(init), jax.jit(train, donate_argnums=0), policy)
    fields: dict[str, Any] = dict.fromkeys(TrainState.__dataclass_fields__, whole(mesh))
    placed = TrainState(**fields | {"worlds": split(mesh), "carry": split(mesh)})
    jitted = jax.jit(
        train,
        in_shardings=(placed,),
        out_shardings=(placed, whole(mesh)),
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
        optimiser=optimiser(config).init(params),
        estimator=estimation.start(networks.actor, params.actor),
        learning_rate=jnp.asarray(config.learning_rate, jnp.float32),
        worlds=worlds,
        carry=carry,
        key=key,
        env_steps=jnp.zeros((), jnp.int32),
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
    state, measured = learn(networks, config, state, trajectory, after.obs, update_key)
    return state.replace(worlds=after, carry=carry, key=key), (
        summarise(metrics, spec) | measured
    )
