"""From named observations to what dense layers take."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp


def joined(obs: Mapping[str, jax.Array], sees: Sequence[str]) -> jax.Array:
    """Vectors (…, features) of these names, one behind the other, (…, all features)."""
    return jnp.concatenate([obs[name] for name in sees], axis=-1)
