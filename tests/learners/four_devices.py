"""Run as a program: steps and learns on four CPU devices and on one of them.

Prints what differs; `test_devices.py` reads it.
"""

import dataclasses
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from dexjax.hands import load_hand
from dexjax.learners.placement import WORLDS, place
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.networks.mlp_config import MlpConfig
from dexjax.networks.scaling import scaling_of
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.physics.engine import Engine
from dexjax.scene import make_scene
from dexjax.systems.depth.presets import depth_preset
from dexjax.tasks.grasp import GraspConfig, GraspTask

WORLD_COUNT = 48
SMALL = PpoConfig(worlds=WORLD_COUNT, steps=4, epochs=2, normalise=True)
NETWORK = MlpConfig((16, 16))
DEPTH = depth_preset("smoke")


def difference(one, other) -> float:
    """Largest absolute difference of two pytrees of numbers."""
    gaps = jax.tree.map(
        lambda a, b: np.abs(np.asarray(a, float) - np.asarray(b, float)).max(initial=0),
        *jax.device_get((one, other)),
    )
    return float(max(jax.tree.leaves(gaps)))


def distance(one, other) -> float:
    """Euclidean distance of two pytrees of parameters."""
    pairs = jax.tree.map(np.subtract, *jax.device_get((one, other)))
    return float(np.sqrt(sum(np.square(gap).sum() for gap in jax.tree.leaves(pairs))))


def starts(engine: Engine):
    """Worlds of random speeds and controls."""
    rng = np.random.default_rng(0)
    model = engine.scene.model
    qpos = np.tile(model.qpos0, (WORLD_COUNT, 1)).astype(np.float32)
    qvel = rng.normal(size=(WORLD_COUNT, model.nv)).astype(np.float32)
    ctrl = rng.normal(size=(WORLD_COUNT, model.nu)).astype(np.float32)
    state = jax.vmap(engine.reset, (0, 0, None))(qpos, qvel, 0)
    return jax.device_get(state), ctrl


def stepping(engine: Engine) -> dict[str, float]:
    """`pmap` and `shard_map` against one device."""

    def roll(state, ctrl):
        def step(state, _):
            return jax.vmap(engine.step)(state, ctrl), None

        return jax.lax.scan(step, state, length=5)[0]

    state, ctrl = starts(engine)
    alone = jax.jit(roll)(state, ctrl)
    by_device = jax.tree.map(
        lambda x: x.reshape(4, WORLD_COUNT // 4, *x.shape[1:]), (state, ctrl)
    )
    mapped = jax.pmap(roll)(*by_device)
    mapped = jax.tree.map(lambda x: x.reshape(WORLD_COUNT, *x.shape[2:]), mapped)
    split = PartitionSpec(WORLDS)
    mesh = place(4).simulate
    # JAX cannot know over which devices the result of a call to the host varies.
    sharded = jax.shard_map(
        roll, mesh=mesh, in_specs=split, out_specs=split, check_vma=False
    )
    sharded = jax.jit(sharded)(state, ctrl)
    return {
        "pmap": difference(alone, mapped),
        "shard_map": difference(alone, sharded),
        "moved": difference(state.qpos, alone.qpos),
        "devices": len(sharded.qpos.sharding.device_set),
    }


def learning(task: GraspTask, networks: Networks, learners: int) -> dict[str, float]:
    """Two PPO iterations on four devices against one, the second from one state.

    Contacts make more of a rounding with every step of a later rollout.

    Args:
        task: that is learned.
        networks: that are trained.
        learners: how many of the devices hold no worlds.
    """
    alone, spread = (
        make_ppo(task, networks, SMALL, placement)
        for placement in (None, place(4, learners))
    )
    state, other = (learner.init(jax.random.key(0)) for learner in (alone, spread))
    first = jax.device_get(state.params)
    state, _ = alone.train(state)
    other, _ = spread.train(other)
    gap = distance(state.params, other.params)
    one, its = alone.train(jax.tree.map(jnp.copy, state))
    # Nothing passes between devices but what is sent on purpose.
    with jax.transfer_guard("disallow" if learners else "allow"):
        four, theirs = spread.train(jax.tree.map(jnp.copy, state))
    return {
        "first_params": gap,
        "params": distance(one.params, four.params),
        "statistics": difference(*(scaling_of(x.statistics) for x in (one, four))),
        "metrics": difference(its, theirs),
        "qpos": difference(one.worlds.physics.qpos, four.worlds.physics.qpos),
        "learned": distance(first, one.params),
        "simulating": len(four.worlds.reward.sharding.device_set),
        "learning": len(four.learning_rate.sharding.device_set),
        "episodes": float(its["episodes"]),
    }


def main() -> None:
    """Prints all differences as JSON."""
    jax.config.update("jax_num_cpu_devices", 4)
    scene = make_scene(load_hand(), load_object("box"))
    engine = make_engine(scene, "native", substeps=2)
    task = GraspTask(engine, GraspConfig(relative=True, starts=4, episode_steps=20))
    networks = Networks(NETWORK.actor(task.spec), NETWORK.critic(task.spec))
    seeing = GraspTask(engine, dataclasses.replace(DEPTH.task, starts=4))
    cameras = Networks(
        DEPTH.network.actor(seeing.spec), DEPTH.network.critic(seeing.spec)
    )
    found = {
        "stepping": stepping(engine),
        "together": learning(task, networks, 0),
        "3 + 1": learning(task, networks, 1),
        "2 + 2": learning(task, networks, 2),
        "3 + 1, cameras": learning(seeing, cameras, 1),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
