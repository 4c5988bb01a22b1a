"""Learns to denoise keypoint motions and to follow them (DexterityGen, IV-B)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dexjax.learners.diffusion.config import DiffusionConfig
from dexjax.networks.diffusion.ddim import cosine_signal, noised, velocity
from dexjax.networks.diffusion.motions import (
    STEP_RAD,
    Example,
    MotionModels,
    Sizes,
    scaled_history,
    scaled_motion,
    scaling_of_examples,
)
from dexjax.networks.scaling import Scaling

Metrics = dict[str, jax.Array]


class DiffusionState(struct.PyTreeNode):
    """Everything that an update changes or needs: a training goes on from it.

    Attributes:
        params: of both models.
        ema: their average, which acts and is evaluated.
        optimiser: moments of AdamW.
        scaling: of histories and motions, by the first batch.
        step: () int32, updates so far.
    """

    params: dict
    ema: dict
    optimiser: optax.OptState
    scaling: Scaling
    step: jax.Array


class Diffusion(NamedTuple):
    """The learner: its networks and its jitted functions.

    Attributes:
        models: the networks.
        init: (key, examples) -> state, scaled by these examples.
        update: (state, examples, key) -> state, and losses by name: "denoising", the
            mean squared error of the velocity, 1 for knowing nothing; "inverse", the
            negative logarithm of the likelihood of an action's component. The state
            that was given is used up.
        evaluate: (state, examples) -> "denoising" as above, and "inverse_rad", the
            mean absolute error of a target, of the average parameters. It draws the
            same noise each time.
    """

    models: MotionModels
    init: Callable[[jax.Array, Example], DiffusionState]
    update: Callable[
        [DiffusionState, Example, jax.Array], tuple[DiffusionState, Metrics]
    ]
    evaluate: Callable[[DiffusionState, Example], Metrics]


def make_diffusion(config: DiffusionConfig, sizes: Sizes) -> Diffusion:
    """Makes the learner."""
    models = config.models(sizes)
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.steps)
    optimiser = optax.adamw(schedule, weight_decay=config.weight_decay)
    denoising, losses = _denoising_loss(models), _losses(models, config.motion_noise)

    def init(key: jax.Array, first: Example) -> DiffusionState:
        params = models.init(key, sizes.features)
        return DiffusionState(
            params=params,
            # Arrays of its own: those of a used state are given away, each once.
            ema=jax.tree.map(jnp.copy, params),
            optimiser=optimiser.init(params),
            scaling=scaling_of_examples(first),
            step=jnp.zeros((), jnp.int32),
        )

    def update(
        state: DiffusionState, batch: Example, key: jax.Array
    ) -> tuple[DiffusionState, Metrics]:
        batch = scaled_example(state.scaling, batch)
        slope = jax.grad(losses, has_aux=True)
        gradient, metrics = slope(state.params, batch, key)
        updates, moments = optimiser.update(gradient, state.optimiser, state.params)
        params: Any = optax.apply_updates(state.params, updates)
        ema = averaged(state.ema, params, state.step, config.ema_decay)
        after = DiffusionState(params, ema, moments, state.scaling, state.step + 1)
        return after, metrics

    def evaluate(state: DiffusionState, batch: Example) -> Metrics:
        batch = scaled_example(state.scaling, batch)
        mean = _inverse(models, state.ema, batch.history, batch.motion).mean()
        return {
            "denoising": denoising(state.ema, batch, jax.random.key(0)),
            "inverse_rad": STEP_RAD * jnp.abs(mean - batch.action).mean(),
        }

    return Diffusion(
        models, jax.jit(init), jax.jit(update, donate_argnums=0), jax.jit(evaluate)
    )


def averaged(average: dict, params: dict, step: jax.Array, decay: float) -> dict:
    """The exponential average of parameters after another step.

    The first steps count more, so that the start is soon forgotten.

    Args:
        average: so far.
        params: to be added.
        step: () updates before this one.
        decay: of the average in the long run.
    """
    kept = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda a, p: kept * a + (1.0 - kept) * p, average, params)


def _losses(
    models: MotionModels, motion_noise: float
) -> Callable[[dict, Example, jax.Array], tuple[jax.Array, Metrics]]:
    """(params, scaled batch, key) -> the sum of both losses, and each."""
    denoising = _denoising_loss(models)

    def losses(
        params: dict, batch: Example, key: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        denoise_key, shake_key = jax.random.split(key)
        shake = jax.random.normal(shake_key, batch.motion.shape)
        near = batch.motion + motion_noise * shake
        actions = _inverse(models, params, batch.history, near)
        parts = {
            "denoising": denoising(params, batch, denoise_key),
            "inverse": -actions.log_prob(batch.action).mean(),
        }
        # The models share no parameters: neither loss disturbs the other.
        return parts["denoising"] + parts["inverse"], parts

    return losses


def _denoising_loss(
    models: MotionModels,
) -> Callable[[dict, Example, jax.Array], jax.Array]:
    """(params, scaled batch, key) -> mean squared error of the velocity, ()."""
    levels = models.diffusion_steps
    schedule = jnp.asarray(cosine_signal(levels))

    def loss(params: dict, batch: Example, key: jax.Array) -> jax.Array:
        level_key, noise_key = jax.random.split(key)
        level = jax.random.randint(level_key, batch.mode.shape, 0, levels)
        noise = jax.random.normal(noise_key, batch.motion.shape)
        signal = schedule[level][:, None, None, None]
        said: Any = models.denoiser.apply(
            params["denoiser"],
            batch.history,
            batch.mode,
            noised(batch.motion, noise, signal),
            level,
        )
        return jnp.square(said - velocity(batch.motion, noise, signal)).mean()

    return loss


def scaled_example(scaling: Scaling, batch: Example) -> Example:
    """Examples as the networks see them."""
    return batch._replace(
        history=scaled_history(scaling, batch.history),
        motion=scaled_motion(scaling, batch.motion),
    )


def _inverse(
    models: MotionModels, params: dict, history: jax.Array, motion: jax.Array
) -> Any:
    """The inverse dynamics' distribution over actions."""
    return models.inverse.apply(params["inverse"], history, motion)
