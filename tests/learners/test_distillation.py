"""A sampler of few steps learns to go where one of several goes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from policy_samples import controller_policy

from dexjax.errors import DexjaxError
from dexjax.learners.diffusion import DiffusionConfig, make_distillation
from dexjax.learners.diffusion.distillation import _lesson
from dexjax.networks.diffusion.ddim import cosine_signal
from dexjax.networks.diffusion.motions import Example

BATCH = 64
CONFIG = DiffusionConfig(learning_rate=3e-3, ema_decay=0.9, batch=BATCH, steps=200)


@pytest.fixture(scope="module")
def teacher():
    """Eight steps; what it has learned is nothing, what it does is not linear."""
    return controller_policy(steps=8)


def examples(teacher, seed=0):
    rng = np.random.default_rng(seed)
    sizes = teacher.sizes
    shapes = ((4, sizes.features), (2, sizes.keypoints, 3), (sizes.actions,))
    parts = [
        jnp.asarray(rng.normal(size=(BATCH, *shape)), jnp.float32) for shape in shapes
    ]
    return Example(*parts, jnp.asarray(rng.integers(0, 2, BATCH), jnp.int32))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_lesson_is_where_several_steps_of_the_teacher_lead(teacher, steps):
    batch, models = examples(teacher), teacher.models
    found = jax.jit(lambda b, k: _lesson(teacher, steps, b, k))(
        batch, jax.random.key(1)
    )
    noisy, level, signal, target = jax.device_get(found)
    schedule = cosine_signal(models.diffusion_steps).astype(float)
    levels = np.rint(len(schedule) * np.arange(8, 0, -1) / 8).astype(int) - 1
    denoise = jax.jit(
        lambda x, level: models.denoiser.apply(
            teacher.params["denoiser"], batch.history, batch.mode, x, level
        )
    )
    each = 8 // steps
    for row in range(0, BATCH, 7):
        start = int(np.flatnonzero(levels == level[row])[0])
        assert start % each == 0 and signal[row, 0, 0, 0] == schedule[
            level[row]
        ].astype(np.float32)
        now = noisy.astype(float)
        for number in range(start, start + each):
            s = schedule[levels[number]]
            after = schedule[levels[number + 1]] if number < 7 else 1.0
            at = jnp.full(BATCH, levels[number], jnp.int32)
            v = np.asarray(denoise(jnp.asarray(now, jnp.float32), at), float)
            clean = np.sqrt(s) * now - np.sqrt(1 - s) * v
            left = (now - np.sqrt(s) * clean) / np.sqrt(1 - s)
            now = np.sqrt(after) * clean + np.sqrt(1 - after) * left
        # One step with the motion of the lesson.
        s = schedule[level[row]]
        left = (noisy[row] - np.sqrt(s) * target[row]) / np.sqrt(1 - s)
        led = np.sqrt(after) * target[row] + np.sqrt(1 - after) * left
        np.testing.assert_allclose(led, now[row], atol=2e-3)


def test_two_steps_come_to_do_what_eight_did(teacher):
    learner = make_distillation(CONFIG, teacher, 2)
    state = learner.init(jax.random.key(0), examples(teacher))
    test = examples(teacher, seed=1000)
    before = jax.device_get(learner.evaluate(state, test))
    for i in range(CONFIG.steps):
        state, _ = learner.update(state, examples(teacher, i), jax.random.key(i))
    after = jax.device_get(learner.evaluate(state, test))
    assert after["denoising"] < 0.5 * before["denoising"]
    assert after["inverse_rad"] == before["inverse_rad"]
    kept, taught = (
        jax.device_get(params["inverse"]) for params in (state.ema, teacher.params)
    )
    jax.tree.map(np.testing.assert_array_equal, kept, taught)


@pytest.mark.parametrize("steps", [3, 8])
def test_steps_that_do_not_divide_are_refused(teacher, steps):
    with pytest.raises(
        DexjaxError, match=f"sampler is {steps}, must divide .* 8 steps"
    ):
        make_distillation(dataclasses.replace(CONFIG), teacher, steps)
