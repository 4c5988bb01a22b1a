"""The grasping task on a script: actions say where the object is, and what breaks."""

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.physics.choice import make_engine
from dexjax.tasks.grasp import GraspConfig

CONFIG = GraspConfig(starts=64)
STEPS = CONFIG.episode_steps
GOAL = np.array([0.0, 0.0, 0.2])


class ScriptedEngine:
    """Puts the object where the action says: 20 cm * action[:3] from the goal.

    action[3] = 1 breaks the world, action[4] = 1 lets it fly off too fast, action[5] =
    1 stops its clock.
    """

    name = "scripted"
    substeps = 4

    def __init__(self, scene):
        self.scene = scene
        self.reset = make_engine(scene, "native").reset

    def step(self, state, ctrl):
        place = self.scene.sensors["object_pos"]
        position = jnp.asarray(GOAL) + 0.2 * ctrl[:3]
        sensordata = state.sensordata.at[place].set(position)
        qpos = jnp.where(ctrl[3] > 0.5, jnp.nan, state.qpos)
        qvel = jnp.where(ctrl[4] > 0.5, 1e4, state.qvel)
        time = jnp.where(ctrl[5] > 0.5, state.time, state.time + 0.02)
        return state._replace(qpos=qpos, qvel=qvel, sensordata=sensordata, time=time)


def player(task):
    """A function from actions (steps, worlds, 24) to the states after each step."""

    @jax.jit
    def play(actions):
        keys = jax.random.split(jax.random.key(0), actions.shape[1])
        worlds = jax.vmap(task.reset)(keys)

        def step(worlds, action):
            worlds = jax.vmap(task.step)(worlds, action)
            return worlds, worlds

        return jax.lax.scan(step, worlds, actions)[1]

    return play


def script(near):
    """Actions (201, 8, 24): the object is near the goal where `near` is true.

    Always eight worlds, the last ones repeated, so that it is compiled once.
    """
    near = np.asarray([*near, *[near[-1]] * (8 - len(near))])
    actions = np.zeros((STEPS + 1, len(near), 24), np.float32)
    # 4 or 6 cm from the goal: on either side of the 5 cm.
    actions[:STEPS, :, 0] = np.where(near.T, 0.2, 0.3)
    actions[STEPS] = actions[STEPS - 1]
    return jnp.asarray(actions)
