"""What an actor or a policy remembers between steps."""

from typing import Any

import jax
import jax.numpy as jnp


def begun_again(carry: Any, start: Any, done: jax.Array) -> Any:
    """The carry (worlds, …), at its start where an episode has ended.

    Args:
        carry: pytree (worlds, …).
        start: the same at the start of an episode.
        done: (worlds,) bool.
    """

    def chosen(now: jax.Array, fresh: jax.Array) -> jax.Array:
        return jnp.where(done.reshape(-1, *[1] * (now.ndim - 1)), fresh, now)

    return jax.tree.map(chosen, carry, start)
