"""Networks that see through cameras."""

from collections.abc import Mapping, Sequence
from typing import Any

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from dexjax.networks.mlp import Mlp

# What an actor's estimator says, among its observations.
ESTIMATE = "estimate"
# Features of images beside many of other observations: not too loud at the start.
_QUIET = 0.3
_PATCH_FEATURES = 32


class Eye(nn.Module):
    """One camera's image as features: a convolution and a dense layer.

    The convolution has patches of a quarter of the image and strides of an eighth. It
    is written as a dense layer over gathered patches, whose gradient XLA computes
    twenty times as fast on a CPU as that of `nn.Conv`.

    Attributes:
        features: of an image.
    """

    features: int

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """(…, H, W) to (…, features)."""
        height, width = image.shape[-2:]
        pixels = _patches(height, width)
        flat = image.reshape(*image.shape[:-2], height * width)
        init = nn.initializers.orthogonal(jnp.sqrt(2.0))
        x = nn.relu(nn.Dense(_PATCH_FEATURES, kernel_init=init)(flat[..., pixels]))
        x = x.reshape(*x.shape[:-2], -1)
        return nn.elu(nn.Dense(self.features, kernel_init=init)(x))


def _patches(height: int, width: int) -> np.ndarray:
    """Indices (patches, pixels of one) into a flat image."""
    tall, wide = max(height // 4, 1), max(width // 4, 1)
    rows = np.arange(0, height - tall + 1, max(tall // 2, 1))
    columns = np.arange(0, width - wide + 1, max(wide // 2, 1))
    corner = rows[:, None] * width + columns
    within = np.arange(tall)[:, None] * width + np.arange(wide)
    return corner.reshape(-1, 1) + within.reshape(1, -1)


class Eyes(nn.Module):
    """The images of several cameras, each with weights of its own.

    Attributes:
        features: of every image.
    """

    features: int

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """(…, C, H, W) to (…, C features)."""
        found = [
            Eye(self.features, name=f"camera_{c}")(images[..., c, :, :])
            for c in range(images.shape[-3])
        ]
        return jnp.concatenate(found, axis=-1)


class Estimator(nn.Module):
    """What images and sensors tell of something else.

    Attributes:
        features: of every image.
        width: of the hidden layer.
        outputs: numbers that are estimated.
    """

    features: int
    width: int
    outputs: int

    @nn.compact
    def __call__(self, vectors: Sequence[jax.Array], images: jax.Array) -> jax.Array:
        """(…, features) each and (…, C, H, W) to (…, outputs)."""
        seen = Eyes(self.features, name="eyes")(images)
        every = jnp.concatenate([*vectors, seen], axis=-1)
        return Mlp((self.width,), self.outputs, name="layers")(every)


class CameraActor(nn.Module):
    """A Gaussian policy that sees images and the hand's own sensors.

    Attributes:
        sees: names of the observations, those of the images last.
        actions: components of an action.
        widths: hidden layers.
        features: of every image.
        target: the privileged observation that its estimator learns to give.
        estimates: how many numbers that is; 0 for an actor without an estimator.
        concurrent: the policy sees what the estimator says, which learns beside it by
            itself, and no images; otherwise it sees the images' features, and the
            estimator is a further head that helps these to come about.
        initial_std: standard deviation at the start.
    """

    sees: Sequence[str]
    actions: int
    widths: Sequence[int]
    features: int = 64
    target: str = ""
    estimates: int = 0
    concurrent: bool = False
    initial_std: float = 0.6

    def setup(self) -> None:
        """Makes its parts."""
        self.layers = Mlp(self.widths, self.actions, last_scale=0.01)
        if self.concurrent:
            self.estimator = Estimator(self.features, 128, self.estimates)
        else:
            self.eyes = Eyes(self.features)
            if self.estimates:
                self.head = nn.Dense(self.estimates)
        start = nn.initializers.constant(jnp.log(self.initial_std))
        self.log_std = self.param("log_std", start, (self.actions,))

    def __call__(
        self, obs: Mapping[str, jax.Array], carry: Any = ()
    ) -> tuple[distrax.Distribution, Any]:
        """name -> (…, features) to a policy over (…, actions), and the carry.

        An estimate among the observations stands for the images.
        """
        if self.concurrent:
            said = obs[ESTIMATE] if ESTIMATE in obs else self.estimate(obs)
            seen = jax.lax.stop_gradient(said)
        else:
            seen = _QUIET * self.eyes(obs[self.sees[-1]])
            if self.estimates:
                # Parameters are made by what is called.
                self.head(seen)
        mean = self.layers(jnp.concatenate([*self._vectors(obs), seen], axis=-1))
        std = jnp.broadcast_to(jnp.exp(self.log_std), mean.shape)
        return distrax.MultivariateNormalDiag(mean, std), carry

    def estimate(self, obs: Mapping[str, jax.Array]) -> jax.Array:
        """name -> (…, features) to (…, estimates)."""
        images = obs[self.sees[-1]]
        if self.concurrent:
            return self.estimator(self._vectors(obs), images)
        return self.head(_QUIET * self.eyes(images))

    def _vectors(self, obs: Mapping[str, jax.Array]) -> list[jax.Array]:
        """What is observed beside the images."""
        return [obs[name] for name in self.sees[:-1]]

    def initial_carry(self, batch: int) -> Any:
        """Nothing: it has no memory."""
        return ()
