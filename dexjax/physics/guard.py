"""Telling a world that blew up from a sound one."""

import jax
import jax.numpy as jnp

from dexjax.physics.engine import PhysicsState

# Far above anything the task reaches (the wrist moves at 2 m/s, a finger at 30 rad/s).
MAX_SPEED = 1e3


def is_broken(before: PhysicsState, after: PhysicsState) -> jax.Array:
    """() bool: not finite, absurdly fast, or refused by the engine.

    MuJoCo C stops a world that it warns about, the engine "warp" one for which it had
    too little room: its time then stands still.
    """
    finite = (
        jnp.isfinite(after.qpos).all()
        & jnp.isfinite(after.qvel).all()
        & jnp.isfinite(after.sensordata).all()
    )
    slow = (jnp.abs(after.qvel) < MAX_SPEED).all()
    advanced = after.time > before.time
    return ~(finite & slow & advanced)
