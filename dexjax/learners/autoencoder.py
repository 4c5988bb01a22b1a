"""Object codes: a point-cloud autoencoder trained with the Chamfer distance.

ResDex (appendix) describes an object by 64 numbers of an autoencoder's PointNet. Clouds
are taken in the object's own frame and at its size, in units of `UNIT`: a hyper-policy
sees the orientation of that frame, and small things have to be told from large ones. A
cloud is turned at random in training, so that no frame is preferred to another.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dexjax.limits import Limits
from dexjax.networks.pointnet import PointAutoencoder

UNIT = 0.1  # m


@dataclasses.dataclass(frozen=True)
class AutoencoderConfig:
    """Choices of the autoencoder.

    Attributes:
        code: features of a code.
        points: of a cloud that is encoded, and of the decoded one.
        batch: clouds of a gradient step.
        steps: gradient steps.
        learning_rate: at the start; it falls to zero along a cosine.
    """

    code: int = 64
    points: int = 512
    batch: int = 64
    steps: int = 4000
    learning_rate: float = 1e-3

    LIMITS: ClassVar[Limits] = {
        "code": (1, 4096),
        "points": (1, 1024),
        "batch": (1, 100_000),
        "steps": (1, 10_000_000),
        "learning_rate": (1e-9, 1.0),
    }


class AutoencoderState(struct.PyTreeNode):
    """Everything that a step changes."""

    params: dict
    optimiser: optax.OptState
    key: jax.Array
    step: jax.Array


class Autoencoder(NamedTuple):
    """The learner's jitted functions.

    Attributes:
        init: key -> state.
        train: (state, clouds (n, P, 3) m) -> state and the Chamfer distance () of the
            batch, m^2.
        encode: (params, clouds (…, P, 3) m) -> codes (…, code).
        reconstruct: (params, clouds (…, P, 3) m) -> clouds (…, points, 3) m.
    """

    init: Callable[[jax.Array], AutoencoderState]
    train: Callable[[AutoencoderState, jax.Array], tuple[AutoencoderState, jax.Array]]
    encode: Callable[[dict, jax.Array], jax.Array]
    reconstruct: Callable[[dict, jax.Array], jax.Array]


def make_autoencoder(config: AutoencoderConfig) -> Autoencoder:
    """Makes the learner."""
    network = PointAutoencoder(config.code, config.points)
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.steps)
    optimiser = optax.adam(schedule)

    def init(key: jax.Array) -> AutoencoderState:
        key, net_key = jax.random.split(key)
        params = dict(network.init(net_key, jnp.zeros((config.points, 3))))
        zero = jnp.zeros((), jnp.int32)
        return AutoencoderState(params, optimiser.init(params), key, zero)

    def encode(params: dict, clouds: jax.Array) -> jax.Array:
        return jnp.asarray(network.apply(params, clouds / UNIT, method="encode"))

    def reconstruct(params: dict, clouds: jax.Array) -> jax.Array:
        return UNIT * jnp.asarray(network.apply(params, clouds / UNIT))

    def train(
        state: AutoencoderState, clouds: jax.Array
    ) -> tuple[AutoencoderState, jax.Array]:
        key, batch_key = jax.random.split(state.key)
        batch = _draw(config, clouds, batch_key) / UNIT

        def loss(params: dict) -> jax.Array:
            made = jnp.asarray(network.apply(params, batch))
            return jax.vmap(chamfer)(made, batch).mean()

        value, gradient = jax.value_and_grad(loss)(state.params)
        updates, moments = optimiser.update(gradient, state.optimiser, state.params)
        params = optax.apply_updates(state.params, updates)
        state = AutoencoderState(params, moments, key, state.step + 1)
        return state, UNIT**2 * value

    return Autoencoder(
        jax.jit(init),
        jax.jit(train, donate_argnums=0),
        jax.jit(encode),
        jax.jit(reconstruct),
    )


def chamfer(first: jax.Array, second: jax.Array) -> jax.Array:
    """Chamfer distance (): mean squared distance to the other's nearest, both ways.

    Args:
        first: (n, 3).
        second: (m, 3).
    """
    # (a - b)^2 as a product of matrices: the cloud of differences is never stored.
    squares = jnp.square(first).sum(-1)[:, None] + jnp.square(second).sum(-1)
    far = jnp.maximum(squares - 2.0 * first @ second.T, 0.0)
    return far.min(axis=1).mean() + far.min(axis=0).mean()


def _draw(config: AutoencoderConfig, clouds: jax.Array, key: jax.Array) -> jax.Array:
    """A batch (batch, points, 3) of some points of some clouds, each turned."""
    which_key, *keys = jax.random.split(key, 1 + 2 * config.batch)
    which = jax.random.randint(which_key, (config.batch,), 0, len(clouds))
    points_keys, turn_keys = jnp.stack(keys).reshape(2, config.batch)
    pick = partial(jax.random.choice, shape=(config.points,), replace=False)
    batch = jax.vmap(pick)(points_keys, clouds[which])
    turns = jax.vmap(_random_turn)(turn_keys)
    return batch @ turns


def _random_turn(key: jax.Array) -> jax.Array:
    """A rotation matrix (3, 3), uniform over all rotations."""
    q, r = jnp.linalg.qr(jax.random.normal(key, (3, 3)))
    q = q * jnp.sign(jnp.diagonal(r))
    return q * jnp.linalg.det(q)
