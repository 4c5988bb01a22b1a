"""Diffusion of keypoint motions, and inverse dynamics, from data (DexterityGen, IV)."""

from dexjax.learners.diffusion.config import PRESETS, DiffusionConfig, preset
from dexjax.learners.diffusion.distillation import make_distillation
from dexjax.learners.diffusion.learner import (
    Diffusion,
    DiffusionState,
    make_diffusion,
)
from dexjax.learners.diffusion.windows import Windows, prepare

__all__ = [
    "PRESETS",
    "Diffusion",
    "DiffusionConfig",
    "DiffusionState",
    "Windows",
    "make_diffusion",
    "make_distillation",
    "prepare",
    "preset",
]
