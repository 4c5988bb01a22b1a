"""Running statistics of observations, by which networks see them scaled."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from brax.training.acme import running_statistics, specs

Statistics: TypeAlias = running_statistics.RunningStatisticsState

# What varies less does not: rounding alone gives a constant up to some 1e-5.
_STILL = 1e-4
# Added to the deviation of a pixel, of 255: what hardly varies is not to be loud.
_PIXEL = 8.0


class Scaling(NamedTuple):
    """What observations are shifted and divided by, name -> (features,) each.

    Those of images are (C, H, W).
    """

    mean: dict[str, jax.Array]
    std: dict[str, jax.Array]


def no_statistics(shapes: Mapping[str, tuple[int, ...]]) -> Statistics:
    """Statistics of vectors and images before the first one: these change nothing.

    Arrays of a fixed type, as a checkpoint gives them back: else a training compiles
    once more when it is resumed.

    Args:
        shapes: of each by name.
    """
    float32 = jnp.dtype("float32")
    spec = {name: specs.Array(shape, float32) for name, shape in shapes.items()}
    return running_statistics.init_state(spec, std_eps=jnp.zeros(()))


def updated(statistics: Statistics, obs: Mapping[str, jax.Array]) -> Statistics:
    """The statistics with further observations, name -> (…, features)."""
    known = {name: obs[name].astype(jnp.float32) for name in statistics.mean}
    return running_statistics.update(statistics, known)


def scaling_of(statistics: Statistics) -> Scaling:
    """Means and standard deviations.

    What has never varied, as the code of a policy's only object, keeps its own scale:
    divided by next to nothing, every other object's would be out of all bounds.
    """

    def spread(std: jax.Array) -> jax.Array:
        return std + _PIXEL if std.ndim == 3 else jnp.where(std > _STILL, std, 1.0)

    std = jax.tree.map(spread, statistics.std)
    return Scaling(dict(statistics.mean), dict(std))


def scaled(
    scaling: Scaling, obs: Mapping[str, jax.Array], clip: float
) -> dict[str, jax.Array]:
    """Observations of mean 0 and deviation 1, clipped; what has no scale as it is.

    Args:
        scaling: of some of the observations.
        obs: name -> (…, features), or any array without a scale.
        clip: largest magnitude.
    """
    return dict(obs) | {
        name: jnp.clip((obs[name] - mean) / scaling.std[name], -clip, clip)
        for name, mean in scaling.mean.items()
        if name in obs
    }
