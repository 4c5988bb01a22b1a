"""From any grasp to any near one, and on, whichever way the palm is turned.

DexterityGen, section III-B: an episode starts in a grasp of a set; the goal is a near
grasp, the pose of the object and the joints of the fingers; where it is reached the
next one is set. The palm is turned throughout, by half a right angle at a time:
gravity changes its direction, since the scene holds the palm still. The goal stays when
it turns: grasps bear such a turn.
"""

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import limits
from dexjax.grasps.sets.grasp_set import GraspSets
from dexjax.hands.finger_state import hand_state
from dexjax.networks.diffusion.film_unet import ROTATION
from dexjax.networks.diffusion.motions import STEP_RAD
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.physics.guard import is_broken
from dexjax.spec import TaskSpec
from dexjax.tasks.inhand import observations as seen_as
from dexjax.tasks.inhand.config import LEAD_RAD, InhandConfig
from dexjax.tasks.inhand.goals import Bank, Episode, Grasp, errors
from dexjax.tasks.inhand.memory import (
    HELD,
    REACHED,
    Event,
    Memory,
    begun,
    happened,
    metrics,
    no_metrics,
    shifted,
)
from dexjax.tasks.inhand.noise import Noise
from dexjax.tasks.inhand.observations import Seen, Sight
from dexjax.tasks.inhand.rewards import RewardInputs, potential, reward_terms
from dexjax.tasks.task import (
    Observations,
    Shown,
    TaskState,
    restart_ended,
    where,
)


class InhandTask:
    """The in-hand task of one world; see `Task`.

    Attributes:
        bank: the grasps that are starts and goals.
        sight: reads the worlds.
    """

    def __init__(self, engine: Engine, config: InhandConfig, sets: GraspSets):
        """Sorts the grasps; episodes start in these.

        Args:
            engine: steps a scene of `grasps.sets.palm.palm_scene`.
            config: choices of the task.
            sets: grasps of the hand and of the scene's objects.

        Raises:
            DexjaxError: for choices outside their limits, or grasp sets that do not
                fit.
        """
        limits.check(config, "task.")
        self._sets, scene = sets, engine.scene
        self.engine, self.config, self.hand = engine, config, scene.hand
        self._noise = Noise(config.noise)
        self._turn_chance = 1.0 / config.turn_every if config.turn_every else 0.0
        self._step_s = engine.substeps * scene.model.opt.timestep
        # One model of each.
        each = len(scene.variations)
        self.objects = scene.objects.subset(np.arange(0, len(scene.models), each))
        self.bank = Bank(sets, self.hand, self.objects, each // len(sets.turns))
        self.sight = Sight(scene)
        self._state = hand_state(self.hand)
        self._gravity = jnp.asarray(seen_as.gravities(scene))
        self._shape = jnp.asarray(seen_as.shapes(self.objects))
        self._range = jnp.asarray(scene.model.actuator_ctrlrange, jnp.float32)
        self._driven = self.hand.actuated_index
        self.spec = TaskSpec(
            seen_as.describe(self.hand),
            len(self.hand.actuated),
            body=scene.body,
            episode_steps=config.episode_steps,
            outcomes=(HELD, REACHED),
            success=REACHED,
        )

    def reset(self, key: jax.Array, episode: Episode | None = None) -> TaskState:
        """See `Task.reset`; object and grasp are drawn uniformly unless given."""
        physics, memory = self._begin(key, *(episode or (None, None)))
        zero, no = jnp.zeros(()), jnp.zeros((), bool)
        return TaskState(
            physics=physics,
            obs=self._observe(physics, memory),
            reward=zero,
            terminated=no,
            truncated=no,
            step=jnp.zeros((), jnp.int32),
            metrics=no_metrics(),
            memory=memory,
        )

    def step(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.step`; `action` (A,) is clipped to [-1, 1]."""
        return restart_ended(self, self.advance(state, action))

    def advance(self, state: TaskState, action: jax.Array) -> TaskState:
        """See `Task.advance`; `action` (A,) is clipped to [-1, 1]."""
        action = jnp.clip(jnp.nan_to_num(action), -1.0, 1.0)
        key, *keys = jax.random.split(state.memory.key, 6)
        noise_key, read_key, turn_key, goal_key, push_key = keys
        now = self.sight.see(state.physics)
        targets = self._targets(now, state.memory.targets, action, noise_key)
        push = self._noise.push(push_key, state.memory.push)
        pushed = self.sight.pushed(state.physics, self._step_s * push)
        physics = self.engine.step(pushed, targets)
        broken = is_broken(state.physics, physics)
        physics = where(broken, state.physics, physics)
        physics = where(state.memory.free, self.sight.away(physics), physics)
        seen = self.sight.see(physics)
        held = Grasp(seen.position, seen.quaternion, seen.joints, targets)
        event = happened(self.config, state.memory, held, broken)
        terms = self._terms(now, seen, state.memory, action, targets, event)
        reward = jnp.where(broken, 0.0, sum(terms.values()))

        chance = jnp.where(state.memory.still, 0.0, self._turn_chance)
        model = self.bank.turned(turn_key, physics.object_id, chance)
        physics = physics._replace(object_id=model)
        over = event.reached | event.late
        memory = state.memory._replace(
            key=key,
            action=action,
            push=push,
            targets=targets,
            history=self._read(state.memory, seen, targets, read_key),
            forces=shifted(state.memory.forces, seen.forces.ravel()),
            potential=event.potential,
            goal_steps=state.memory.goal_steps + 1,
            inside=event.inside,
            first=state.memory.first & ~over,
            reached=state.memory.reached | (state.memory.first & event.reached),
            episode_return=state.memory.episode_return + reward,
        )
        fresh = self._with_goal(memory, goal_key, physics.object_id, held)
        memory = where(over, fresh, memory)
        step = state.step + 1
        terminated = broken | event.dropped
        truncated = (step >= self.config.episode_steps) & ~terminated
        return TaskState(
            physics=physics,
            obs=self._observe(physics, memory),
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            step=step,
            metrics=metrics(terms, event, memory, terminated, truncated, broken),
            memory=memory,
        )

    def restart(self, state: TaskState) -> TaskState:
        """See `Task.restart`."""
        physics, memory = self._begin(state.memory.key)
        return state.replace(
            physics=physics,
            obs=self._observe(physics, memory),
            step=jnp.zeros((), jnp.int32),
            memory=memory,
        )

    def episodes(self, each: int | None = None) -> Episode:
        """See `Task.episodes`: every object from so many of its grasps."""
        each = each or 1
        count = len(self.objects)
        # The grasps of an object follow each other by the turn of the palm: a stride
        # that has no divisor with their number takes all turns alike.
        start = np.tile(np.arange(each) * 7919, count)
        return Episode(np.repeat(np.arange(count), each), start)

    def fresh(self, each: int, seed: int) -> "InhandTask":
        """See `Task.fresh`: the same grasps, and nothing is easier than usual."""
        config = self.config.of_evaluation
        if config == self.config:
            return self
        return InhandTask(self.engine, config, self._sets)

    def applied(self, state: TaskState) -> jax.Array:
        """See `WatchedTask.applied`."""
        return state.memory.targets

    def shown(self, state: TaskState) -> Shown:
        """See `WatchedTask.shown`."""
        goal = self.sight.world_point(state.memory.goal.position)
        return Shown(goal, self.config.near_m, None)

    def _begin(
        self,
        key: jax.Array,
        object_id: jax.Array | int | None = None,
        start: jax.Array | int | None = None,
    ) -> tuple[PhysicsState, Memory]:
        key, *keys = jax.random.split(key, 7)
        object_key, start_key, goal_key, bias_key, kind_key, bend_key = keys
        if object_id is None:
            object_id = jax.random.randint(object_key, (), 0, len(self.objects))
        model, grasp = self.bank.start(start_key, object_id, start)
        grasp = grasp._replace(joints=self._noise.start(bend_key, grasp.joints))
        still, rotates, free = jax.random.uniform(kind_key, (3,))
        free = free < self.config.free_share
        grasp = where(free, self.sight.without_object(grasp), grasp)
        at_rest = jnp.zeros(self.engine.scene.model.nv)
        physics = self.engine.reset(self.sight.place(grasp), at_rest, model)
        bias = self._noise.bias(bias_key, len(grasp.joints))
        state = self._state(grasp.joints + bias, grasp.targets)
        memory = begun(key, grasp, state, self.sight.see(physics).forces)._replace(
            bias=bias,
            still=still < self.config.still_share,
            free=free,
            mode=(rotates < self.config.rotation_share).astype(jnp.int32),
        )
        return physics, self._with_goal(memory, goal_key, model, grasp)

    def _with_goal(
        self, memory: Memory, key: jax.Array, model: jax.Array, held: Grasp
    ) -> Memory:
        """The memory with a new goal for what is held."""
        config = self.config
        key, range_key = jax.random.split(key)
        nearest = jax.random.uniform(
            range_key, minval=config.easiest, maxval=config.nearest
        )
        goal = self.bank.goal(
            key,
            model,
            held,
            config.part,
            nearest,
            config.farthest,
            memory.mode == ROTATION,
        )
        _, drawn = self.bank.start(key, self.bank.object_of(model))
        goal = where(memory.free, self.sight.without_object(drawn), goal)
        return memory._replace(
            goal=goal,
            potential=potential(errors(held, goal), config.joints_weight),
            goal_steps=jnp.zeros((), jnp.int32),
            inside=jnp.zeros((), jnp.int32),
        )

    def _terms(
        self,
        now: Seen,
        seen: Seen,
        before: Memory,
        action: jax.Array,
        targets: jax.Array,
        event: Event,
    ) -> dict[str, jax.Array]:
        """The terms of the reward of a step from `now` to `seen`."""
        inputs = RewardInputs(
            closer=event.potential - before.potential,
            reached=event.reached,
            dropped=event.dropped,
            action=action,
            lead=targets - seen.joints[self._driven],
            bent=(seen.joints - now.joints)[self._driven],
            moved=seen.tips - now.tips,
        )
        return reward_terms(inputs, self.config.style)

    def _targets(
        self, now: Seen, targets: jax.Array, action: jax.Array, key: jax.Array
    ) -> jax.Array:
        """Targets (A,) rad after an action."""
        joints = now.joints[self._driven]
        moved = targets + STEP_RAD * self._noise.act(key, action)
        near = jnp.clip(moved, joints - LEAD_RAD, joints + LEAD_RAD)
        return jnp.clip(near, *self._range.T)

    def _read(
        self, before: Memory, seen: Seen, targets: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The history with a reading of the hand as it is."""
        joints = self._noise.read(key, seen.joints, before.bias)
        state = self._state(joints, targets)
        return shifted(before.history, state)

    def _observe(self, physics: PhysicsState, memory: Memory) -> Observations:
        model = physics.object_id
        own = {
            seen_as.GRAVITY: self._gravity[model],
            seen_as.SHAPE: self._shape[self.bank.object_of(model)],
        }
        return own | seen_as.observed(self.sight, physics, memory)
