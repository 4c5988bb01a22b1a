"""Toy tasks that need no physics: what a learner must do in them is known."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dexjax.spec import CAMERA, PRIVILEGED, Observation, TaskSpec
from dexjax.tasks.task import (
    BROKEN,
    EPISODES,
    RETURN,
    TaskState,
    restart_ended,
)

DONE, SOLVED = "done", "solved"


class Memory(NamedTuple):
    """What all toys remember; `hidden` is what the world is about."""

    key: jax.Array
    hidden: jax.Array
    paid: jax.Array


class Toy:
    """A task whose physics is an array; a toy says what is drawn, seen and paid."""

    def __init__(self, observations, actions=1, steps=10):
        self.spec = TaskSpec(
            tuple(observations),
            actions,
            body="toy",
            episode_steps=steps,
            outcomes=(DONE, SOLVED),
            success=SOLVED,
        )

    def draw(self, key):
        """What a new episode is about, and what changes with every step."""
        raise NotImplementedError

    def see(self, hidden, step):
        """name -> array."""
        raise NotImplementedError

    def pay(self, hidden, action, step):
        """The reward () of an action."""
        raise NotImplementedError

    def change(self, hidden, action, key):
        """What the world is about after a step."""
        return hidden

    def breaks(self, hidden, action):
        """Whether the episode breaks off, () bool."""
        return jnp.zeros((), bool)

    def reset(self, key, episode=None):
        key, own = jax.random.split(key)
        hidden = self.draw(own) if episode is None else episode
        zero, no = jnp.zeros(()), jnp.zeros((), bool)
        step = jnp.zeros((), jnp.int32)
        names = (EPISODES, RETURN, BROKEN, DONE, SOLVED, "paid")
        return TaskState(
            physics=hidden,
            obs=self.see(hidden, step),
            reward=zero,
            terminated=no,
            truncated=no,
            step=step,
            metrics=dict.fromkeys(names, zero),
            memory=Memory(key, hidden, zero),
        )

    def advance(self, state, action):
        key, own = jax.random.split(state.memory.key)
        before, step = state.memory.hidden, state.step + 1
        reward = self.pay(before, action, state.step)
        hidden = self.change(before, action, own)
        terminated = self.breaks(before, action)
        truncated = (step >= self.spec.episode_steps) & ~terminated
        paid = state.memory.paid + reward
        ended = (terminated | truncated).astype(jnp.float32)
        share = paid / self.spec.episode_steps
        return TaskState(
            physics=hidden,
            obs=self.see(hidden, step),
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            step=step,
            metrics={
                EPISODES: ended,
                RETURN: ended * paid,
                BROKEN: terminated.astype(jnp.float32),
                DONE: truncated.astype(jnp.float32),
                SOLVED: (truncated & (share > 0.9)).astype(jnp.float32),
                "paid": reward,
            },
            memory=Memory(key, hidden, paid),
        )

    def restart(self, state):
        fresh = self.reset(state.memory.key)
        return state.replace(
            physics=fresh.physics, obs=fresh.obs, step=fresh.step, memory=fresh.memory
        )

    def step(self, state, action):
        return restart_ended(self, self.advance(state, action))


class Follow(Toy):
    """Reward 1 - (action - observation)^2; the best action is the observation.

    A second observation of noise tells nothing; an action beyond `limit` breaks off.
    What is drawn has so few digits that no compiler has anything to round.
    """

    def __init__(self, steps=10, limit=jnp.inf):
        self.limit = limit
        observations = Observation("place", (1,)), Observation("noise", (2,))
        super().__init__(observations, steps=steps)

    def draw(self, key):
        return jax.random.randint(key, (3,), -819, 820) / 1024

    def see(self, hidden, step):
        return {"place": hidden[:1], "noise": hidden[1:]}

    def pay(self, hidden, action, step):
        return 1.0 - jnp.square(action - hidden[:1]).sum()

    def change(self, hidden, action, key):
        return self.draw(key)

    def breaks(self, hidden, action):
        return jnp.abs(action).max() > self.limit


class Bright(Toy):
    """Shows a picture of which one half is bright; pays for its sign, left is +1."""

    def __init__(self, steps=5):
        picture = Observation("picture", (1, 8, 8), "uint8", CAMERA)
        side = Observation("side", (1,), seen_by=PRIVILEGED)
        super().__init__((picture, side), steps=steps)

    def draw(self, key):
        side, noise = jax.random.split(key)
        grains = jax.random.randint(noise, (1, 8, 8), 0, 80)
        left = jnp.arange(8)[None, :, None] < 4
        bright = left == jax.random.bernoulli(side)
        return (grains + 120 * bright).astype(jnp.uint8)

    def see(self, hidden, step):
        return {"picture": hidden, "side": self._side(hidden)[None]}

    def pay(self, hidden, action, step):
        return self._side(hidden) * jnp.clip(action[0], -1.0, 1.0)

    def change(self, hidden, action, key):
        return self.draw(key)

    def _side(self, hidden):
        columns = hidden.astype(jnp.float32).sum((0, 2))
        return jnp.where(columns[:4].sum() > columns[4:].sum(), 1.0, -1.0)


class Recall(Toy):
    """Shows a cue of +-1 in the first step, zero later; pays it in the last step."""

    def __init__(self, steps=4):
        observations = Observation("cue", (1,)), Observation("late", (1,))
        super().__init__(observations, steps=steps)

    def draw(self, key):
        return jnp.where(jax.random.bernoulli(key), 1.0, -1.0)[None]

    def see(self, hidden, step):
        late = (step == self.spec.episode_steps - 1).astype(jnp.float32)
        return {"cue": jnp.where(step == 0, hidden, 0.0), "late": late[None]}

    def pay(self, hidden, action, step):
        last = step == self.spec.episode_steps - 1
        return jnp.where(last, hidden[0] * jnp.clip(action[0], -1.0, 1.0), 0.0)
