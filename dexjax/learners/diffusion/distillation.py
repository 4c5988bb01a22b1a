"""Fewer steps for a sampler: progressive distillation (Salimans & Ho 2022).

A student learns to do in one of its steps what its teacher does in several. It stays a
denoiser of the same kind: guidance is given to it as to its teacher.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dexjax.errors import DexjaxError
from dexjax.learners.diffusion.config import DiffusionConfig
from dexjax.learners.diffusion.learner import (
    Diffusion,
    DiffusionState,
    Metrics,
    averaged,
    scaled_example,
)
from dexjax.networks.diffusion.ddim import (
    clean,
    cosine_signal,
    ddim,
    levels_of,
    noised,
)
from dexjax.networks.diffusion.motions import STEP_RAD, Example, MotionModels
from dexjax.policies.controller import Controller


def make_distillation(
    config: DiffusionConfig, teacher: Controller, steps: int
) -> Diffusion:
    """A learner of a sampler of few steps; the inverse dynamics stays as it is.

    Its "denoising" is the mean squared error of the velocities in an update; in an
    evaluation that of whole samples, unguided, in standard deviations.

    Args:
        config: choices of the learner; the networks are the teacher's.
        teacher: whose sampler has a multiple of `steps`.
        steps: of the student's sampler.

    Raises:
        DexjaxError: for steps that do not divide the teacher's.
    """
    if teacher.steps % steps or steps >= teacher.steps:
        raise DexjaxError(
            f"sampler is {steps}, must divide the teacher's {teacher.steps} steps and "
            "be less"
        )
    models = teacher.models
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.steps)
    optimiser = optax.adamw(schedule, weight_decay=config.weight_decay)
    denoise = partial(_denoised, models)

    def init(key: jax.Array, first: Example) -> DiffusionState:
        params = jax.tree.map(jnp.asarray, teacher.params)
        return DiffusionState(
            params=params,
            ema=jax.tree.map(jnp.copy, params),
            optimiser=optimiser.init(params["denoiser"]),
            scaling=teacher.scaling,
            step=jnp.zeros((), jnp.int32),
        )

    def loss(params: dict, batch: Example, key: jax.Array) -> jax.Array:
        noisy, level, signal, target = _lesson(teacher, steps, batch, key)
        said: Any = models.denoiser.apply(
            params, batch.history, batch.mode, noisy, level
        )
        true = (jnp.sqrt(signal) * noisy - target) / _rest(signal)
        return jnp.square(said - true).mean()

    def update(
        state: DiffusionState, batch: Example, key: jax.Array
    ) -> tuple[DiffusionState, Metrics]:
        batch = scaled_example(state.scaling, batch)
        own = state.params["denoiser"]
        error, gradient = jax.value_and_grad(loss)(own, batch, key)
        updates, moments = optimiser.update(gradient, state.optimiser, own)
        moved: Any = optax.apply_updates(own, updates)
        params = state.params | {"denoiser": moved}
        mean = averaged(state.ema["denoiser"], moved, state.step, config.ema_decay)
        ema = state.ema | {"denoiser": mean}
        after = DiffusionState(params, ema, moments, state.scaling, state.step + 1)
        return after, {"denoising": error}

    def evaluate(state: DiffusionState, batch: Example) -> Metrics:
        batch = scaled_example(state.scaling, batch)
        noise = jax.random.normal(jax.random.key(0), batch.motion.shape)
        signal = cosine_signal(models.diffusion_steps)
        samples = [
            ddim(partial(denoise, params["denoiser"], batch), noise, signal, count)
            for params, count in ((state.ema, steps), (teacher.params, teacher.steps))
        ]
        inverse = state.ema["inverse"]
        acted: Any = models.inverse.apply(inverse, batch.history, batch.motion)
        return {
            "denoising": jnp.square(samples[0] - samples[1]).mean(),
            "inverse_rad": STEP_RAD * jnp.abs(acted.mean() - batch.action).mean(),
        }

    return Diffusion(
        models, jax.jit(init), jax.jit(update, donate_argnums=0), jax.jit(evaluate)
    )


def _lesson(
    teacher: Controller, steps: int, batch: Example, key: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Noisy motions of a student's step, and the clean ones that lead as far.

    Returns:
        noisy (batch, T, K, 3), level (batch,), signal (batch, 1, 1, 1), and the clean
        motion with which one step of DDIM goes where the teacher's several do.
    """
    part_key, noise_key = jax.random.split(key)
    signal = cosine_signal(teacher.models.diffusion_steps)
    fine = levels_of(signal, teacher.steps)
    each = teacher.steps // steps
    signals = np.append(signal[fine], np.float32(1.0))
    part = jax.random.randint(part_key, batch.mode.shape, 0, steps)

    def at(number: jax.Array) -> jax.Array:
        return jnp.asarray(signals)[number][:, None, None, None]

    start = at(part * each)
    noise = jax.random.normal(noise_key, batch.motion.shape)
    first = noised(batch.motion, noise, start)
    now, params = first, teacher.params["denoiser"]
    for step in range(each):
        number = part * each + step
        level = jnp.asarray(fine)[number]
        motion = _denoised(teacher.models, params, batch, now, level)
        left = (now - jnp.sqrt(at(number)) * motion) / _rest(at(number))
        now = noised(motion, left, at(number + 1))
    end = at(part * each + each)
    ratio = _rest(end) / _rest(start)
    target = (now - ratio * first) / (jnp.sqrt(end) - ratio * jnp.sqrt(start))
    return first, jnp.asarray(fine)[part * each], start, target


def _rest(signal: jax.Array) -> jax.Array:
    """How much noise is beside a signal."""
    return jnp.sqrt(1.0 - signal)


def _denoised(
    models: MotionModels,
    params: dict,
    batch: Example,
    noisy: jax.Array,
    level: jax.Array,
) -> jax.Array:
    """The clean motion that is likely; `level` is () or (batch,)."""
    levels = jnp.broadcast_to(level, batch.mode.shape)
    said: Any = models.denoiser.apply(params, batch.history, batch.mode, noisy, levels)
    signal = jnp.asarray(cosine_signal(models.diffusion_steps))[levels]
    return clean(noisy, said, signal[:, None, None, None])
