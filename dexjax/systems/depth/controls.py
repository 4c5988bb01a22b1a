"""What a policy of cameras does with images that tell it nothing, or less.

A policy that holds as much without its images as with them has not learned to see.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from dexjax.errors import DexjaxError
from dexjax.evaluation.objects import measure_objects, pooled
from dexjax.policies.actor import ActorPolicy
from dexjax.policies.policy import Policy
from dexjax.runs.measure import Where, measuring_task
from dexjax.runs.records.provenance import provenance
from dexjax.runs.stored import StoredPolicy, grasp_run
from dexjax.spec import PolicySpec
from dexjax.tasks.grasp.observations import DEPTH

# Which images a policy is given.
OWN, OTHERS = "its own", "another world's"


class Misled(struct.PyTreeNode):
    """A policy that is given other images than its world's; see `Policy`.

    Attributes:
        policy: what acts.
        blank: (C, H, W) what a camera gives that is covered.
        others: every world gets the images of another.
        covered: which camera is covered; none by default.
    """

    policy: Policy
    blank: jax.Array
    others: bool = struct.field(pytree_node=False, default=False)
    covered: int | None = struct.field(pytree_node=False, default=None)

    @property
    def spec(self) -> PolicySpec:
        """What it acts on."""
        return self.policy.spec

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return self.policy.init(batch)

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`."""
        images = jnp.asarray(obs[DEPTH])
        if self.others:
            images = jnp.roll(images, 1, axis=0)
        if self.covered is not None:
            images = images.at[:, self.covered].set(self.blank[self.covered])
        return self.policy.act({**obs, DEPTH: images}, carry, key)


def measure_controls(stored: StoredPolicy, where: Where) -> list[dict]:
    """How a policy of depth cameras does with its images, others, and without each.

    A covered camera gives the mean of what it saw in the training.

    Raises:
        DexjaxError: for a policy without depth cameras.
    """
    policy, run = stored.policy, grasp_run(stored)
    if not isinstance(policy, ActorPolicy) or DEPTH not in policy.network.sees:
        raise DexjaxError(f"{stored.folder} is no policy of depth cameras")
    blank = jnp.round(policy.scaling.mean[DEPTH]).astype(jnp.uint8)
    misled = {OWN: Misled(policy, blank), OTHERS: Misled(policy, blank, others=True)}
    for number, name in enumerate(run.task.cameras):
        misled[f"none of {name}"] = Misled(policy, blank, covered=number)
    task, each = measuring_task(stored, where)
    rows = []
    for images, own in misled.items():
        found, _ = measure_objects(task, own, each, where.seed)
        name = where.object or run.scene.object
        rows.append({"images": images, **pooled(found, name)})
    told = {
        "cameras": list(run.task.cameras),
        "resolution": "x".join(map(str, run.task.pixels)),
        "blind": run.task.blind,
        "hand": run.scene.hand,
        "engine": task.engine.name,
        "seed": where.seed,
        "training_seed": run.seed,
        **provenance(),
    }
    return [row | told for row in rows]
