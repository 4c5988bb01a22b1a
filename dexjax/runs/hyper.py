"""Hyper-policies: their configuration, their frozen base policies, their learner."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.tree_util import Partial

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.learners.learner import Learner, Policy, scale
from dexjax.learners.mixture import MixtureTask
from dexjax.learners.ppo import make_ppo
from dexjax.networks.experts import Experts
from dexjax.runs.config import BaseConfig
from dexjax.runs.digest import digest
from dexjax.tasks.observations import geometry_unaware_part
from dexjax.tasks.task import Task

PolicyAct = Callable[[Policy, jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class MixtureConfig:
    """What a hyper-policy mixes, and how.

    Attributes:
        bases: the objects that the base policies were trained on.
        digests: of the base policies' parameters, in the same order.
        residual: whether the hyper-policy adds an action of its own.
        normalisation: of the weights: "norm" (eq. 4) or "softmax".
    """

    bases: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    residual: bool = True
    normalisation: str = "norm"


@dataclasses.dataclass(frozen=True)
class HyperConfig(BaseConfig):
    """Trains a hyper-policy; what all runs have is in `BaseConfig`.

    Attributes:
        mixture: of base policies.
        start: folder of the policy that the training starts from.
    """

    mixture: MixtureConfig = MixtureConfig()
    start: Path | None = None


class Base(NamedTuple):
    """A trained base policy as a mixture needs it.

    Attributes:
        folder: it was read from.
        config: of the run that trained it.
        policy: its parameters.
    """

    folder: Path
    config: BaseConfig
    policy: Policy

    @property
    def digest(self) -> str:
        """Short hash of its parameters and statistics."""
        return digest(self.policy)


def check_bases(bases: Sequence[Base], config: BaseConfig) -> None:
    """Refuses base policies that do not fit together or to the hyper-policy.

    Raises:
        DexjaxError: says which, and in what.
    """
    first = bases[0].config
    for base in bases:
        wanted = {
            "hand": config.hand,
            "wrist": config.wrist,
            "task.observation": "geometry-unaware",
            "task.relative": config.task.relative,
            "ppo.widths": first.ppo.widths,
            "ppo.observation_clip": first.ppo.observation_clip,
        }
        for name, value in wanted.items():
            part, _, field = name.rpartition(".")
            holder = getattr(base.config, part) if part else base.config
            if (found := getattr(holder, field)) != value:
                raise DexjaxError(
                    f"base policy {base.folder} has {name} {found!r}, this "
                    f"hyper-policy needs {value!r}"
                )


def base_actions(bases: Sequence[Base], config: BaseConfig) -> Partial:
    """What the base policies would do, seen by a hyper-policy.

    Returns:
        fn(observation (…, observation) of the hyper-policy) -> (…, k, actions), each
        clipped to [-1, 1] as the task would clip it.
    """
    first, hand = bases[0].config, load_hand(config.hand)
    experts = Experts(
        len(bases), hand.action_size, first.ppo.widths, first.ppo.observation_clip
    )
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(_variables, bases))
    relative = config.task.relative

    def act(variables: dict, obs: jax.Array) -> jax.Array:
        seen = geometry_unaware_part(hand, obs, relative)
        return jnp.clip(jnp.asarray(experts.apply(variables, seen)), -1.0, 1.0)

    return Partial(act, stacked)


def make_mixture(task: Task, bases: Sequence[Base], config: HyperConfig) -> MixtureTask:
    """The task that a hyper-policy acts in."""
    mixture = config.mixture
    return MixtureTask(
        task, base_actions(bases, config), mixture.normalisation, mixture.residual
    )


def make_hyper(
    task: Task,
    bases: Sequence[Base],
    config: HyperConfig,
    start: Policy | None = None,
    mesh: Mesh | None = None,
) -> Learner:
    """PPO of a hyper-policy; its `act` gives actions of the task, mixed already.

    Args:
        task: the grasping task.
        bases: that are mixed; see `check_bases`.
        config: of the hyper-policy.
        start: policy to start from.
        mesh: of devices.
    """
    mixture = make_mixture(task, bases, config)
    ppo = make_ppo(mixture, config.ppo, mesh)

    def init(key: jax.Array):
        state = ppo.init(key)
        return state if start is None else dataclasses.replace(state, policy=start)

    return Learner(init, ppo.train, mixed(mixture, ppo.act))


def mixed(mixture: MixtureTask, act: PolicyAct) -> PolicyAct:
    """From what a hyper-policy says to what is done; both jitted."""

    def acting(policy: Policy, obs: jax.Array) -> jax.Array:
        said = act(policy, obs)
        flat = obs.reshape(-1, obs.shape[-1]), said.reshape(-1, said.shape[-1])
        done = jax.vmap(mixture.act)(*flat)
        return done.reshape(*obs.shape[:-1], done.shape[-1])

    return jax.jit(acting)


def _variables(base: Base) -> dict:
    """The parameters and statistics of one expert, as `Experts` names them."""
    actor = base.policy.params["params"]["actor"]
    statistics = base.policy.statistics
    mean, std = statistics.mean, scale(statistics)
    if not base.config.ppo.normalise:
        mean, std = jnp.zeros_like(mean), jnp.ones_like(std)
    return {
        "params": {"actor": actor},
        "statistics": {"mean": mean, "std": std},
    }
