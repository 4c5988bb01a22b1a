"""Tabletop grasping: lift the object to a goal above the table and hold it there.

ResDex, section 3: an object lies on the table, the hand starts above it; 200 control
steps; success is the object within 5 cm of the goal, 20 cm above the table's centre.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.physics.guard import is_broken
from dexjax.physics.near_grasps import near_grasps
from dexjax.physics.settle import settle_objects
from dexjax.tasks.clouds import Cloud, cloud_of
from dexjax.tasks.grasp_config import GraspConfig, check_task, proposals_of
from dexjax.tasks.observations import SURFACE, Sensed, observe, sense
from dexjax.tasks.rewards import (
    NEAR_GOAL,
    SCALES,
    Situation,
    goal_distance,
    proposal_distance,
    reward_terms,
)
from dexjax.tasks.surface import nearest_points
from dexjax.tasks.task import TaskState

# Start states whose sensors are computed at a time.
_BATCH = 1024


class Memory(NamedTuple):
    """What one world remembers between steps."""

    key: jax.Array
    step: jax.Array  # () int32, steps done in this episode
    counts: jax.Array  # () bool, whether it started as usual
    previous_action: jax.Array  # (actions,)
    near_goal: jax.Array  # () int32, steps near the goal up to now without a break
    reached: jax.Array  # () bool, near the goal at any step
    rest_height: jax.Array  # () m
    proposal: jax.Array  # () int32, which of the object's grasp proposals
    episode_return: jax.Array  # ()


class GraspTask:
    """The tabletop task of one world; see `Task`."""

    def __init__(self, engine: Engine, config: GraspConfig, seed: int = 0):
        """Settles the objects once; episodes start from these states.

        Args:
            engine: steps the scene.
            config: choices of the task.
            seed: of the drops.

        Raises:
            DexjaxError: for unknown names, or objects without the grasp proposals that
                the reward needs.
        """
        check_task(config, engine.scene)
        self.engine = engine
        self.config = config
        scene = engine.scene
        self.hand, self.objects = scene.hand, scene.objects
        self.action_size = scene.model.nu
        self.episode_steps = config.episode_steps
        self._ctrl_range = jnp.asarray(scene.model.actuator_ctrlrange, jnp.float32)
        self._goal = jnp.array([0.0, 0.0, config.goal_height])
        self._proposals, self._proposal_count = proposals_of(self.hand, self.objects)
        self._has_proposals = bool(self._proposal_count.any())
        self._cloud = cloud_of(config.observation, self.hand, self.objects)
        self._starts, self._near_starts = self._start_banks(seed)
        self.observation_size = jax.eval_shape(self.reset, jax.random.key(0)).obs.size

    def reset(
        self,
        key: jax.Array,
        object_id: jax.Array | int | None = None,
        start: jax.Array | int | None = None,
    ) -> TaskState:
        """See `Task.reset`; object and start state are drawn uniformly unless given."""
        physics, memory = self._begin(key, object_id, start)
        obs = self._observe(physics, memory)
        zero = jnp.zeros(())
        no = jnp.zeros((), bool)
        terms = {name: zero for name in SCALES[self.config.reward]}
        names = [f"reward/{name}" for name in terms]
        names += ["episodes", "held", "reached", "return", "broken", "goal_distance"]
        names += ["pose_distance"] * self._has_proposals
        metrics = {name: zero for name in names}
        return TaskState(physics, obs, obs, zero, no, no, metrics, memory)

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.step`; `action` (actions,) is clipped to [-1, 1]."""
        action = jnp.clip(jnp.nan_to_num(action), -1.0, 1.0)
        physics = self.engine.step(state.physics, self.control(action))
        broken = is_broken(state.physics, physics)
        physics = _where(broken, state.physics, physics)
        sensed = self._sense(physics)
        situation = self._situation(sensed, action, state, physics)
        terms = reward_terms(situation, self.config.reward)
        scales = SCALES[self.config.reward]
        reward = sum(scales[name] * term for name, term in terms.items())
        reward = jnp.where(broken, 0.0, reward)
        memory = self._remember(state.memory, sensed, action, reward)
        truncated = self._is_over(memory) & ~broken
        metrics = self._metrics(terms, sensed, memory, truncated, broken)
        if self._has_proposals:
            metrics["pose_distance"] = proposal_distance(situation)
        final_obs = self._observe(physics, memory)
        done = truncated | broken
        key, fresh_key = jax.random.split(memory.key)
        fresh_physics, fresh_memory = self._next(fresh_key, memory, physics.object_id)
        physics = _where(done, fresh_physics, physics)
        memory = _where(done, fresh_memory, memory._replace(key=key))
        obs = self._observe(physics, memory)
        return TaskState(
            physics, obs, final_obs, reward, broken, truncated, metrics, memory
        )

    def control(self, action: jax.Array) -> jax.Array:
        """Maps an action (actions,) in [-1, 1] to `ctrl`: joints to their limits."""
        low, high = self._ctrl_range.T
        return low + 0.5 * (action + 1.0) * (high - low)

    def _start_banks(self, seed: int) -> tuple[PhysicsState, PhysicsState | None]:
        """Settled states; the same with the hand near a proposal, if asked for."""
        scene = self.engine.scene
        qpos = settle_objects(scene, self.config.starts, self.config.offset, seed)
        usual = self._start_bank(qpos)
        if not (self.config.near_share and self._has_proposals):
            return usual, None
        index = jnp.arange(len(qpos))
        nearest = jax.vmap(jax.vmap(self._nearest_proposal, (None, 0)))
        chosen = nearest(index, jax.vmap(jax.vmap(self._sense))(usual))
        grasps = jax.tree.map(lambda x: x[index[:, None], chosen], self._proposals)
        near = near_grasps(scene, qpos, *map(np.asarray, grasps), seed)
        bare = np.asarray(self._proposal_count) == 0
        return usual, self._start_bank(np.where(bare[:, None, None], qpos, near))

    def _start_bank(self, qpos: np.ndarray) -> PhysicsState:
        """States (objects, starts, …) with their sensors."""
        objects, starts, _ = qpos.shape
        object_id = jnp.repeat(jnp.arange(objects)[:, None], starts, 1)
        qvel = jnp.zeros((objects, starts, self.engine.scene.model.nv))
        flat = [
            np.asarray(x).reshape(-1, *x.shape[2:]) for x in (qpos, qvel, object_id)
        ]
        # In batches of one size: MJX needs a megabyte and more for a world.
        total = len(flat[0])
        batch = min(total, _BATCH)
        rows = np.arange(-(-total // batch) * batch).reshape(-1, batch) % total
        reset = jax.jit(jax.vmap(self.engine.reset))
        parts = [reset(*(x[own] for x in flat)) for own in rows]
        bank = jax.tree.map(lambda *x: jnp.concatenate(x)[:total], *parts)
        shape = objects, starts
        return jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), bank)

    def _begin(
        self,
        key: jax.Array,
        object_id: jax.Array | int | None = None,
        start: jax.Array | int | None = None,
    ) -> tuple[PhysicsState, Memory]:
        key, pick_object, pick_start, pick_bank = jax.random.split(key, 4)
        objects, starts = self._starts.time.shape
        index = object_id
        if index is None:
            index = jax.random.randint(pick_object, (), 0, objects)
        chosen = start
        if start is None:
            chosen = jax.random.randint(pick_start, (), 0, starts)
        physics = jax.tree.map(lambda x: x[index, chosen], self._starts)
        usual, near = self._sense(physics), jnp.zeros((), bool)
        if start is None and self._near_starts is not None:
            near = jax.random.uniform(pick_bank) < self.config.near_share
            near &= jnp.asarray(self._proposal_count)[index] > 0
            other = jax.tree.map(lambda x: x[index, chosen], self._near_starts)
            physics = _where(near, other, physics)
        zero = jnp.zeros((), jnp.int32)
        memory = Memory(
            key=key,
            step=zero,
            counts=~near,
            previous_action=jnp.zeros(self.action_size),
            near_goal=zero,
            reached=jnp.zeros((), bool),
            rest_height=usual.object_pos[2],
            proposal=self._nearest_proposal(index, usual),
            episode_return=jnp.zeros(()),
        )
        return physics, memory

    def _next(
        self, key: jax.Array, memory: Memory, object_id: jax.Array
    ) -> tuple[PhysicsState, Memory]:
        """The beginning of the episode after one that ends with `memory`."""
        share = self.config.retry_share
        if not share:
            return self._begin(key)
        key, try_key, draw_key = jax.random.split(key, 3)
        failed = memory.near_goal < self.config.held_steps
        again = failed & (jax.random.uniform(try_key) < share)
        drawn = jax.random.randint(draw_key, (), 0, len(self.objects))
        physics, fresh = self._begin(key, jnp.where(again, object_id, drawn))
        return physics, fresh._replace(counts=fresh.counts & ~again)

    def _nearest_proposal(self, index: jax.Array | int, sensed: Sensed) -> jax.Array:
        """Which of an object's proposals takes the smallest turn of the hand.

        A policy sees how the object lies but not a proposal: a drawn one would ask for
        the mean of things that differ by half a turn.
        """
        turned = rotations.multiply(sensed.object_quat, self._proposals.rotation[index])
        turn = rotations.angle_between(sensed.palm_quat, turned)
        real = jnp.arange(len(turn)) < jnp.asarray(self._proposal_count)[index]
        return jnp.where(real, turn, jnp.inf).argmin().astype(jnp.int32)

    def _sense(self, physics: PhysicsState) -> Sensed:
        return sense(self.hand, self.engine.scene.sensors, physics.sensordata)

    def view(self, state: TaskState, kind: str, relative: bool) -> jax.Array:
        """What another policy would see of a world; see `observe`."""
        cloud = cloud_of(kind, self.hand, self.objects)
        return self._seen(state.physics, state.memory, kind, relative, cloud)

    def _observe(self, physics: PhysicsState, memory: Memory) -> jax.Array:
        config = self.config
        kind, relative = config.observation, config.relative
        return self._seen(physics, memory, kind, relative, self._cloud)

    def _seen(
        self,
        physics: PhysicsState,
        memory: Memory,
        kind: str,
        relative: bool,
        cloud: Cloud,
    ) -> jax.Array:
        sensed = self._sense(physics)
        root = physics.qpos[self.engine.scene.root_qpos]
        return observe(
            self.hand,
            sensed,
            memory.previous_action,
            self._goal,
            jnp.asarray(self.objects.code)[physics.object_id],
            kind,
            relative,
            cloud(physics.object_id, sensed, root),
        )

    def _situation(
        self, sensed: Sensed, action: jax.Array, state: TaskState, physics: PhysicsState
    ) -> Situation:
        memory, index = state.memory, physics.object_id
        proposal = jax.tree.map(lambda x: x[index, memory.proposal], self._proposals)
        given = jnp.asarray(self._proposal_count)[index] > 0
        return Situation(
            sensed=sensed,
            action=action,
            goal=self._goal,
            targets=self._targets(sensed, physics),
            rest_height=memory.rest_height,
            proposal=proposal,
            compare=given & self.config.pose,
            palm_offset=jnp.asarray(self.hand.palm_center),
        )

    def _targets(self, sensed: Sensed, physics: PhysicsState) -> jax.Array:
        """Where on the object fingertips and palm are to be, (F + 1, 3)."""
        sites = jnp.concatenate([sensed.tip_pos, sensed.palm_pos[None]])
        if self.config.near == "centre":
            return jnp.broadcast_to(sensed.object_pos, sites.shape)
        surface = cloud_of(SURFACE, self.hand, self.objects)
        root = physics.qpos[self.engine.scene.root_qpos]
        points = surface(physics.object_id, sensed, root)
        assert points is not None
        return nearest_points(points, sites)

    def _remember(
        self, memory: Memory, sensed: Sensed, action: jax.Array, reward: jax.Array
    ) -> Memory:
        near = goal_distance(sensed, self._goal) <= NEAR_GOAL
        return memory._replace(
            step=memory.step + 1,
            previous_action=action,
            near_goal=jnp.where(near, memory.near_goal + 1, 0),
            reached=memory.reached | near,
            episode_return=memory.episode_return + reward,
        )

    def _is_over(self, memory: Memory) -> jax.Array:
        over, enough = memory.step >= self.episode_steps, self.config.enough_steps
        return over | (memory.near_goal >= enough) if enough else over

    def _metrics(
        self,
        terms: dict[str, jax.Array],
        sensed: Sensed,
        memory: Memory,
        truncated: jax.Array,
        broken: jax.Array,
    ) -> dict[str, jax.Array]:
        ended = ((truncated | broken) & memory.counts).astype(jnp.float32)
        truncated &= memory.counts
        held = truncated & (memory.near_goal >= self.config.held_steps)
        reached = truncated & memory.reached
        scales = SCALES[self.config.reward]
        return {f"reward/{n}": scales[n] * term for n, term in terms.items()} | {
            "episodes": ended,
            "held": held.astype(jnp.float32),
            "reached": reached.astype(jnp.float32),
            "return": ended * memory.episode_return,
            "broken": broken.astype(jnp.float32),
            "goal_distance": goal_distance(sensed, self._goal),
        }


def _where(condition: jax.Array, yes, no):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
