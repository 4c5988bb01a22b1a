"""Tabletop grasping: lift the object to a goal above the table and hold it there.

ResDex, section 3: an object lies on the table, the hand starts above it; 200 control
steps; success is the object within 5 cm of the goal, 20 cm above the table's centre.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.physics.guard import is_broken
from dexjax.spec import TaskSpec
from dexjax.tasks.grasp.cameras import depth_camera
from dexjax.tasks.grasp.clouds import make_cloud
from dexjax.tasks.grasp.config import GraspConfig, check_task, proposals_of
from dexjax.tasks.grasp.observations import (
    DEPTH,
    POINT_SCALE,
    POINTS,
    SEEN_POINTS,
    SURFACE,
    Sensed,
    Situation,
    describe,
    observe,
    observed_names,
    sense,
)
from dexjax.tasks.grasp.rewards import (
    NEAR_GOAL,
    SCALES,
    RewardInputs,
    goal_distance,
    proposal_distance,
    reward_terms,
)
from dexjax.tasks.grasp.starts import Episode, Memory, Proposals, Starts
from dexjax.tasks.grasp.surface import nearest_points
from dexjax.tasks.task import (
    BROKEN,
    EPISODES,
    RETURN,
    Observations,
    Shown,
    TaskState,
    restart_ended,
    where,
)

# Outcomes of an episode: near the goal at all of its last steps, or at any step.
HELD, REACHED = "held", "reached"


class GraspTask:
    """The tabletop task of one world; see `Task`."""

    def __init__(
        self, engine: Engine, config: GraspConfig, seed: int = 0, encoder: str = ""
    ):
        """Settles the objects once; episodes start from these states.

        Args:
            engine: steps the scene.
            config: choices of the task.
            seed: of the drops.
            encoder: name of what gave the objects' codes.

        Raises:
            DexjaxError: for unknown names, or objects without the grasp proposals that
                the reward needs.
        """
        check_task(config, engine.scene)
        self.engine = engine
        self.config = config
        self.encoder = encoder
        scene = engine.scene
        self.hand, self.objects = scene.hand, scene.objects
        self._names = observed_names(
            config.observation, config.relative, config.privileged
        )
        visible = set(observed_names(config.observation, config.relative))
        actions = scene.model.nu
        images = (len(config.cameras), *config.pixels[::-1])
        self.spec = TaskSpec(
            describe(self.hand, self._names, actions, encoder, visible, images),
            actions,
            body=scene.body,
            episode_steps=config.episode_steps,
            outcomes=(HELD, REACHED),
            success=HELD,
        )
        self._ctrl_range = jnp.asarray(scene.model.actuator_ctrlrange, jnp.float32)
        self._goal = jnp.array([0.0, 0.0, config.goal_height], jnp.float32)
        self._proposals = Proposals(*proposals_of(self.hand, self.objects))
        self._cloud = make_cloud(
            {*self._names, *[SURFACE] * (config.near == "surface")},
            self.hand,
            self.objects,
        )
        self._look = None
        if DEPTH in self._names:
            self._look = depth_camera(
                engine,
                config.cameras,
                config.pixels,
                config.camera_noise,
                config.blind,
            )
        self._starts = Starts(engine, config, self._proposals, seed)

    def reset(self, key: jax.Array, episode: Episode | None = None) -> TaskState:
        """See `Task.reset`; object and start state are drawn uniformly unless given."""
        physics, memory = self._starts.begin(key, *(episode or (None, None)))
        zero, no = jnp.zeros(()), jnp.zeros((), bool)
        names = [f"reward/{name}" for name in SCALES[self.config.reward]]
        names += [EPISODES, RETURN, BROKEN, HELD, REACHED, "goal_distance"]
        names += ["pose_distance"] * self._proposals.any
        return TaskState(
            physics=physics,
            obs=self._observe(physics, memory),
            reward=zero,
            terminated=no,
            truncated=no,
            step=jnp.zeros((), jnp.int32),
            metrics={name: zero for name in names},
            memory=memory,
        )

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.step`; `action` (actions,) is clipped to [-1, 1]."""
        return restart_ended(self, self.advance(state, action))

    def advance(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.advance`; `action` (actions,) is clipped to [-1, 1]."""
        action = jnp.clip(jnp.nan_to_num(action), -1.0, 1.0)
        physics = self.engine.step(state.physics, self.control(action))
        broken = is_broken(state.physics, physics)
        physics = where(broken, state.physics, physics)
        sensed = self._sense(physics)
        inputs = self._reward_inputs(sensed, action, state.memory, physics)
        terms = reward_terms(inputs, self.config.reward)
        scales = SCALES[self.config.reward]
        reward = sum(scales[name] * term for name, term in terms.items())
        reward = jnp.where(broken, 0.0, reward)
        memory = self._remember(state.memory, sensed, action, reward)
        step = state.step + 1
        truncated = self._is_over(step, memory) & ~broken
        metrics = self._metrics(terms, sensed, memory, truncated, broken)
        if self._proposals.any:
            metrics["pose_distance"] = proposal_distance(inputs)
        return TaskState(
            physics=physics,
            obs=self._observe(physics, memory),
            reward=reward,
            terminated=broken,
            truncated=truncated,
            step=step,
            metrics=metrics,
            memory=memory,
        )

    def restart(self, state: TaskState) -> TaskState:
        """See `Task.restart`."""
        physics, memory = self._starts.next(state.memory, state.physics.object_id)
        return state.replace(
            physics=physics,
            obs=self._observe(physics, memory),
            step=jnp.zeros((), jnp.int32),
            memory=memory,
        )

    def episodes(self, each: int | None = None) -> Episode:
        """See `Task.episodes`: every object from so many of its start states."""
        count, each = len(self.objects), each or self.config.starts
        object_id = np.repeat(np.arange(count), each)
        return Episode(object_id, np.tile(np.arange(each), count))

    def fresh(self, each: int, seed: int) -> "GraspTask":
        """See `Task.fresh`."""
        config = dataclasses.replace(
            self.config, starts=each, enough_steps=0, near_share=0.0, retry_share=0.0
        )
        # Far from any seed that a training has.
        return GraspTask(self.engine, config, seed + 1_000_003, self.encoder)

    def control(self, action: jax.Array) -> jax.Array:
        """Maps an action (actions,) in [-1, 1] to `ctrl`: joints to their limits."""
        low, high = self._ctrl_range.T
        return low + 0.5 * (action + 1.0) * (high - low)

    def applied(self, state: TaskState) -> jax.Array:
        """See `WatchedTask.applied`."""
        return self.control(state.memory.previous_action)

    def shown(self, state: TaskState) -> Shown:
        """See `WatchedTask.shown`."""
        points = None
        for name in {POINTS, SEEN_POINTS} & {*state.obs}:
            palm = self._sense(state.physics).palm_pos
            points = state.obs[name] / POINT_SCALE + palm
        return Shown(self._goal, NEAR_GOAL, points)

    def _sense(self, physics: PhysicsState) -> Sensed:
        return sense(self.hand, self.engine.scene.sensors, physics.sensordata)

    def _observe(self, physics: PhysicsState, memory: Memory) -> Observations:
        sensed = self._sense(physics)
        now = Situation(
            sensed,
            memory.previous_action,
            self._goal,
            jnp.asarray(self.objects.code)[physics.object_id],
            self._centre(physics, sensed),
            lambda name: self._points(name, physics, sensed),
            lambda: self._depth(physics, memory),
        )
        return observe(self.hand, self._names, now)

    def _centre(self, physics: PhysicsState, sensed: Sensed) -> jax.Array:
        """The object's centre of mass (3,), m."""
        own = jnp.asarray(self.objects.com)[physics.object_id]
        return sensed.object_pos + rotations.rotate(sensed.object_quat, own)

    def _depth(self, physics: PhysicsState, memory: Memory) -> jax.Array:
        """What the depth cameras see."""
        assert self._look is not None
        # The key is an episode's, the time tells its steps apart.
        step = jax.random.fold_in(memory.key, jnp.round(1e3 * physics.time).astype(int))
        return self._look(memory.key, step, physics)

    def _points(self, name: str, physics: PhysicsState, sensed: Sensed) -> jax.Array:
        root = physics.qpos[self.engine.scene.root_qpos]
        return self._cloud(name, physics.object_id, sensed, root)

    def _reward_inputs(
        self, sensed: Sensed, action: jax.Array, memory: Memory, physics: PhysicsState
    ) -> RewardInputs:
        index, proposals = physics.object_id, self._proposals
        chosen = jax.tree.map(lambda x: x[index, memory.proposal], proposals.arrays)
        return RewardInputs(
            sensed=sensed,
            action=action,
            goal=self._goal,
            targets=self._targets(sensed, physics),
            rest_height=memory.rest_height,
            proposal=chosen,
            compare=proposals.given(index) & self.config.pose,
            palm_offset=jnp.asarray(self.hand.palm_center),
        )

    def _targets(self, sensed: Sensed, physics: PhysicsState) -> jax.Array:
        """Where on the object fingertips and palm are to be, (F + 1, 3)."""
        sites = jnp.concatenate([sensed.tip_pos, sensed.palm_pos[None]])
        if self.config.near == "centre":
            return jnp.broadcast_to(sensed.object_pos, sites.shape)
        return nearest_points(self._points(SURFACE, physics, sensed), sites)

    def _remember(
        self, memory: Memory, sensed: Sensed, action: jax.Array, reward: jax.Array
    ) -> Memory:
        near = goal_distance(sensed, self._goal) <= NEAR_GOAL
        return memory._replace(
            previous_action=action,
            near_goal=jnp.where(near, memory.near_goal + 1, 0),
            reached=memory.reached | near,
            episode_return=memory.episode_return + reward,
        )

    def _is_over(self, step: jax.Array, memory: Memory) -> jax.Array:
        over, enough = step >= self.config.episode_steps, self.config.enough_steps
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
            EPISODES: ended,
            HELD: held.astype(jnp.float32),
            REACHED: reached.astype(jnp.float32),
            RETURN: ended * memory.episode_return,
            BROKEN: broken.astype(jnp.float32),
            "goal_distance": goal_distance(sensed, self._goal),
        }
