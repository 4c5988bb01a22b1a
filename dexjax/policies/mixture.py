"""A hyper-policy with the base policies that it steers (ResDex, section 3.3)."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from dexjax.networks.actor import MlpActor
from dexjax.networks.experts import NORMALISATIONS, Experts, mix
from dexjax.networks.scaling import Scaling
from dexjax.policies import actor
from dexjax.policies.actor import ActorPolicy
from dexjax.policies.plain import limit, size, sizes, switch, texts
from dexjax.spec import PolicySpec


class BasePolicies(struct.PyTreeNode):
    """k frozen base policies of one shape, side by side.

    Attributes:
        variables: of `Experts`.
        network: of all of them.
    """

    variables: dict
    network: Experts = struct.field(pytree_node=False)

    @staticmethod
    def of(policies: Sequence[ActorPolicy]) -> "BasePolicies":
        """Stacks policies that see the same and have the same sizes."""
        first = policies[0]
        network = Experts(
            tuple(first.network.sees),
            len(policies),
            first.spec.actions,
            tuple(first.network.widths),
            first.clip,
        )
        own = [_variables(policy) for policy in policies]
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *own)
        return BasePolicies(stacked, network)

    def policy(self, index: int, spec: PolicySpec) -> ActorPolicy:
        """One of them alone.

        Args:
            index: which.
            spec: of what it sees.
        """
        network = self.network
        own = jax.tree.map(lambda x: x[index], self.variables)
        sizes = {each.name: each.size for each in spec.observations}
        cuts = list(itertools.accumulate(sizes[name] for name in network.sees))[:-1]

        def split(joint: jax.Array) -> dict[str, jax.Array]:
            return dict(zip(network.sees, jnp.split(joint, cuts), strict=True))

        statistics = own["statistics"]
        scaling = Scaling(split(statistics["mean"]), split(statistics["std"]))
        actor = MlpActor(network.sees, network.actions, network.widths)
        params = {"params": own["params"] | {"log_std": jnp.zeros(network.actions)}}
        return ActorPolicy(params, scaling, actor, network.observation_clip, spec)

    def actions(self, obs: Mapping[str, jax.Array]) -> jax.Array:
        """What each would do, (…, k, actions), clipped as a task would clip it."""
        said = jnp.asarray(self.network.apply(self.variables, obs))
        return jnp.clip(said, -1.0, 1.0)


class Mixture(struct.PyTreeNode):
    """Base policies and how what a hyper-policy says of them is done.

    Weights that are normalised by their length are counted from the first base policy:
    a network at its start says (0, …, 0), which has no direction, and means that one.

    Attributes:
        bases: that are mixed.
        residual: whether a residual is said before the weights.
        normalisation: of the weights, one of `NORMALISATIONS`.
    """

    bases: BasePolicies
    residual: bool = struct.field(pytree_node=False)
    normalisation: str = struct.field(pytree_node=False)

    @property
    def said(self) -> int:
        """Components of what a hyper-policy says."""
        network = self.bases.network
        return self.residual * network.actions + network.count

    def mix(self, obs: Mapping[str, jax.Array], said: jax.Array) -> jax.Array:
        """What is done: actions (…, actions) of the task.

        Args:
            obs: name -> (…, features).
            said: (…, actions + k) by the hyper-policy, (…, k) without a residual.
        """
        network = self.bases.network
        residual, weights = jnp.split(said, [said.shape[-1] - network.count], axis=-1)
        if not self.residual:
            residual = jnp.zeros((*said.shape[:-1], network.actions))
        if self.normalisation == "norm":
            weights = weights.at[..., 0].add(1.0)
        residual = jnp.clip(residual, -1.0, 1.0)
        done = self.bases.actions(obs)
        return mix(residual, weights, done, self.normalisation)


class MixturePolicy(struct.PyTreeNode):
    """A hyper-policy's residual and weights, and the base policies; see `Policy`.

    Attributes:
        hyper: says residual and weights.
        mixture: does it.
        spec: what it acts on.
    """

    hyper: ActorPolicy
    mixture: Mixture
    spec: PolicySpec = struct.field(pytree_node=False)

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return self.hyper.init(batch)

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`."""
        said, carry = self.hyper.act(obs, carry, key)
        return self.mixture.mix(obs, said), carry


def describe(policy: MixturePolicy) -> dict:
    """What the codec needs beside the arrays."""
    mixture = policy.mixture
    bases = mixture.bases.network
    return {
        "hyper": actor.describe(policy.hyper),
        "bases": {
            "count": bases.count,
            "sees": list(bases.sees),
            "widths": list(bases.widths),
            "clip": bases.observation_clip,
        },
        "residual": mixture.residual,
        "normalisation": mixture.normalisation,
    }


def blank(told: Mapping[str, Any], spec: PolicySpec) -> MixturePolicy:
    """A policy of that description with empty arrays."""
    own = told["bases"]
    network = Experts(
        texts(own["sees"]),
        size(own["count"]),
        spec.actions,
        sizes(own["widths"]),
        limit(own["clip"]),
    )
    seen = {each.name: jnp.zeros(each.shape) for each in spec.observations}
    bases = BasePolicies(dict(network.init(jax.random.key(0), seen)), network)
    if told["normalisation"] not in NORMALISATIONS:
        raise ValueError(
            f"normalisation {told['normalisation']!r} is none of "
            f"{', '.join(NORMALISATIONS)}"
        )
    mixture = Mixture(bases, switch(told["residual"]), told["normalisation"])
    hyper_spec = dataclasses.replace(spec, actions=mixture.said)
    return MixturePolicy(actor.blank(told["hyper"], hyper_spec), mixture, spec)


def _variables(policy: ActorPolicy) -> dict:
    """The parameters and scaling of one expert, as `Experts` names them."""
    sees = policy.network.sees

    def joint(tree: Mapping[str, jax.Array]) -> jax.Array:
        return jnp.concatenate([tree[name] for name in sees])

    mean, std = joint(policy.scaling.mean), joint(policy.scaling.std)
    params = {"layers": policy.params["params"]["layers"]}
    return {"params": params, "statistics": {"mean": mean, "std": std}}
