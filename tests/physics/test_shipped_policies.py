"""The shipped policies hold a box on every engine."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

import dexjax
from dexjax.evaluation.episodes import evaluate
from dexjax.policies.policy import Policy
from dexjax.spec import PolicySpec

EPISODES = 4


class SideBySide(struct.PyTreeNode):
    """One policy acts in the first half of the worlds, another in the second.

    Both in one program: that is compiled once an engine, which takes most of the time.
    """

    one: Policy
    other: Policy
    spec: PolicySpec = struct.field(pytree_node=False)

    def init(self, batch):
        return self.one.init(batch // 2), self.other.init(batch // 2)

    def act(self, obs, carry, key=None):
        half = len(next(iter(obs.values()))) // 2
        first, carry_one = self.one.act({n: x[:half] for n, x in obs.items()}, carry[0])
        second, carry_other = self.other.act(
            {n: x[half:] for n, x in obs.items()}, carry[1]
        )
        return jnp.concatenate([first, second]), (carry_one, carry_other)


@pytest.mark.parametrize("engine", ["mjx", "warp"])
def test_policies_of_native_hold_on_other_engines(engine, request):
    """Few episodes of 1.2 s, enough for a box: these engines are slow on a CPU."""
    if engine == "warp":
        request.getfixturevalue("quick_warp")
    hyper, student = dexjax.load("resdex/hyper"), dexjax.load("resdex/student")
    names = {own.name for p in (hyper, student) for own in p.spec.observations}
    sees = {own.name for own in hyper.spec.observations}
    task = dexjax.make(
        "grasp",
        objects="box",
        sees=hyper,
        engine=engine,
        starts=EPISODES,
        episode_steps=60,
        privileged=tuple(names - sees),
    ).fresh(EPISODES, 0)
    for policy in (hyper, student):
        assert not policy.spec.misfits(task.spec)
    both = SideBySide(
        hyper.policy, student.policy, PolicySpec.of(task.spec, tuple(names))
    )
    twice = [np.tile(part, 2) for part in task.episodes(EPISODES)]
    held = evaluate(task, both, type(task.episodes(1))(*twice), 0).succeeded
    assert held[:EPISODES].mean() >= 0.75 and held[EPISODES:].mean() >= 0.75
