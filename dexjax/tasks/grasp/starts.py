"""Where episodes of the grasping task start: settled states, and some near a grasp."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.tasks.grasp.config import GraspConfig
from dexjax.tasks.grasp.near_grasps import near_grasps
from dexjax.tasks.grasp.observations import Sensed, sense
from dexjax.tasks.grasp.rewards import Proposal
from dexjax.tasks.grasp.settle import settle_objects
from dexjax.tasks.task import where

# Start states whose sensors are computed at a time.
_BATCH = 1024


class Proposals:
    """The grasp proposals of all objects.

    Attributes:
        arrays: (objects, proposals, …).
        count: (objects,) how many each has.
        any: whether any has one.
    """

    def __init__(self, arrays: Proposal, count: np.ndarray):
        """Keeps them; see `proposals_of`."""
        self.arrays = arrays
        self.count = count
        self.any = bool(count.any())

    def given(self, index: jax.Array | int) -> jax.Array:
        """Whether an object has proposals, () bool."""
        return jnp.asarray(self.count)[index] > 0

    def nearest(self, index: jax.Array | int, sensed: Sensed) -> jax.Array:
        """Which of an object's proposals takes the smallest turn of the hand, ().

        A policy sees how the object lies but not a proposal: a drawn one would ask for
        the mean of things that differ by half a turn.
        """
        rotation = self.arrays.rotation[index]
        turned = rotations.multiply(sensed.object_quat, rotation)
        turn = rotations.angle_between(sensed.palm_quat, turned)
        real = jnp.arange(len(turn)) < jnp.asarray(self.count)[index]
        return jnp.where(real, turn, jnp.inf).argmin().astype(jnp.int32)


class Episode(NamedTuple):
    """What an evaluation fixes of an episode; () int, or (episodes,).

    Attributes:
        object_id: index in the task's object set.
        start: which of the object's start states.
    """

    object_id: jax.Array | np.ndarray | int
    start: jax.Array | np.ndarray | int


class Memory(NamedTuple):
    """What one world remembers between steps."""

    key: jax.Array
    counts: jax.Array  # () bool, whether it started as usual
    previous_action: jax.Array  # (actions,)
    near_goal: jax.Array  # () int32, steps near the goal up to now without a break
    reached: jax.Array  # () bool, near the goal at any step
    rest_height: jax.Array  # () m
    proposal: jax.Array  # () int32, which of the object's grasp proposals
    episode_return: jax.Array  # ()


class Starts:
    """The starts of all objects, and what is remembered there."""

    def __init__(
        self, engine: Engine, config: GraspConfig, proposals: Proposals, seed: int
    ):
        """Settles the objects.

        Args:
            engine: steps the scene.
            config: choices of the task.
            proposals: of all objects.
            seed: of the drops.
        """
        self._scene, self._config, self._proposals = engine.scene, config, proposals
        self._usual, self._near = start_banks(engine, config, proposals, seed)

    def begin(
        self,
        key: jax.Array,
        object_id: jax.Array | int | None = None,
        start: jax.Array | int | None = None,
    ) -> tuple[PhysicsState, Memory]:
        """A start; object and state are drawn uniformly unless given."""
        key, pick_object, pick_start, pick_bank = jax.random.split(key, 4)
        objects, starts = self._usual.time.shape
        index = object_id
        if index is None:
            index = jax.random.randint(pick_object, (), 0, objects)
        chosen = start
        if start is None:
            chosen = jax.random.randint(pick_start, (), 0, starts)
        physics = jax.tree.map(lambda x: x[index, chosen], self._usual)
        usual, near = (
            sense(self._scene.hand, self._scene.sensors, physics.sensordata),
            jnp.zeros((), bool),
        )
        if start is None and self._near is not None:
            near = jax.random.uniform(pick_bank) < self._config.near_share
            near &= self._proposals.given(index)
            other = jax.tree.map(lambda x: x[index, chosen], self._near)
            physics = where(near, other, physics)
        memory = Memory(
            key=key,
            counts=~near,
            previous_action=jnp.zeros(self._scene.model.nu),
            near_goal=jnp.zeros((), jnp.int32),
            reached=jnp.zeros((), bool),
            rest_height=usual.object_pos[2],
            proposal=self._proposals.nearest(index, usual),
            episode_return=jnp.zeros(()),
        )
        return physics, memory

    def next(self, memory: Memory, object_id: jax.Array) -> tuple[PhysicsState, Memory]:
        """The beginning of the episode after one that ends with `memory`."""
        key, share = memory.key, self._config.retry_share
        if not share:
            return self.begin(key)
        key, try_key, draw_key = jax.random.split(key, 3)
        failed = memory.near_goal < self._config.held_steps
        again = failed & (jax.random.uniform(try_key) < share)
        drawn = jax.random.randint(draw_key, (), 0, len(self._scene.objects))
        physics, fresh = self.begin(key, jnp.where(again, object_id, drawn))
        return physics, fresh._replace(counts=fresh.counts & ~again)


def start_banks(
    engine: Engine, config: GraspConfig, proposals: Proposals, seed: int
) -> tuple[PhysicsState, PhysicsState | None]:
    """Settled states (objects, starts, …); the same with the hand near a proposal.

    The second is None unless the configuration asks for it and there are proposals.
    """
    scene = engine.scene
    qpos = settle_objects(scene, config.starts, config.offset, seed)
    usual = _bank(engine, qpos)
    if not (config.near_share and proposals.any):
        return usual, None

    def nearest(index: jax.Array, physics: PhysicsState) -> jax.Array:
        sensed = sense(scene.hand, scene.sensors, physics.sensordata)
        return proposals.nearest(index, sensed)

    index = jnp.arange(len(qpos))
    chosen = jax.vmap(jax.vmap(nearest, (None, 0)))(index, usual)
    grasps = jax.tree.map(lambda x: x[index[:, None], chosen], proposals.arrays)
    near = near_grasps(
        scene,
        qpos,
        np.asarray(grasps.translation),
        np.asarray(grasps.rotation),
        np.asarray(grasps.joints),
        seed,
    )
    bare = np.asarray(proposals.count) == 0
    return usual, _bank(engine, np.where(bare[:, None, None], qpos, near))


def _bank(engine: Engine, qpos: np.ndarray) -> PhysicsState:
    """States (objects, starts, …) with their sensors."""
    objects, starts, _ = qpos.shape
    object_id = jnp.repeat(jnp.arange(objects)[:, None], starts, 1)
    qvel = jnp.zeros((objects, starts, engine.scene.model.nv))
    flat = [np.asarray(x).reshape(-1, *x.shape[2:]) for x in (qpos, qvel, object_id)]
    # In batches of one size: MJX needs a megabyte and more for a world.
    total = len(flat[0])
    batch = min(total, _BATCH)
    rows = np.arange(-(-total // batch) * batch).reshape(-1, batch) % total
    parts = [_reset(engine, *(x[own] for x in flat)) for own in rows]
    bank = jax.tree.map(lambda *x: jnp.concatenate(x)[:total], *parts)
    return jax.tree.map(lambda x: x.reshape(objects, starts, *x.shape[1:]), bank)


@partial(jax.jit, static_argnums=0)
def _reset(
    engine: Engine, qpos: jax.Array, qvel: jax.Array, object_id: jax.Array
) -> PhysicsState:
    """Worlds at rest, compiled once for an engine: MJX takes its time."""
    return jax.vmap(engine.reset)(qpos, qvel, object_id)
