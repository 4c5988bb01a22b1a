"""Choices of the diffusion learner, and presets of them."""

import dataclasses
from typing import ClassVar

from dexjax.errors import DexjaxError
from dexjax.limits import Limits, one_of
from dexjax.networks.diffusion.film_unet import GROUPS, FilmUnet
from dexjax.networks.diffusion.inverse_dynamics import InverseDynamics
from dexjax.networks.diffusion.motions import FUTURE, MotionModels, Sizes


@dataclasses.dataclass(frozen=True)
class DiffusionConfig:
    """Choices of the learner; the defaults are the paper's where it says them.

    Attributes:
        width: features of the denoiser's blocks.
        blocks: of the denoiser on the way down, and as many on the way up.
        encoder: layers of its encoder of histories.
        inverse_width: features of the inverse dynamics' blocks.
        inverse_blocks: of the inverse dynamics.
        diffusion_steps: levels of noise.
        learning_rate: at the start; it falls to zero along a cosine.
        weight_decay: of AdamW.
        ema_decay: of the average of parameters that acts in the end.
        motion_noise: on the motion that the inverse dynamics sees in training, in
            standard deviations: in the end it sees motions that are drawn.
        batch: examples of a gradient step.
        steps: gradient steps.
    """

    width: int = 768
    blocks: int = 3
    encoder: tuple[int, ...] = (1024,) * 6
    inverse_width: int = 1024
    inverse_blocks: int = 3
    diffusion_steps: int = 100
    learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    ema_decay: float = 0.999
    motion_noise: float = 0.05
    batch: int = 4096
    steps: int = 1_000_000

    LIMITS: ClassVar[Limits] = {
        # A group of one feature would always be 0.
        "width": (2 * GROUPS, 16_384),
        "blocks": (1, 32),
        "encoder": (1, 16_384),
        "inverse_width": (1, 16_384),
        "inverse_blocks": (1, 32),
        "diffusion_steps": (4, 10_000),
        "learning_rate": (1e-9, 1.0),
        "weight_decay": (0.0, 10.0),
        "ema_decay": (0.0, 1.0 - 1e-7),
        "motion_noise": (0.0, 10.0),
        "batch": (2, 1_000_000),
        "steps": (1, 1_000_000_000),
    }

    def check_fit(self) -> None:
        """Refuses a width that is not that of a GroupNorm, and no encoder."""
        if self.width % GROUPS:
            raise DexjaxError(
                f"diffusion.width is {self.width}, must be a multiple of {GROUPS}"
            )
        if not self.encoder:
            raise DexjaxError("diffusion.encoder has no layers, must have one at least")

    def models(self, sizes: Sizes) -> MotionModels:
        """The networks for a hand."""
        unet = FilmUnet(FUTURE, sizes.keypoints, self.width, self.blocks, self.encoder)
        inverse = InverseDynamics(
            sizes.actions, self.inverse_width, self.inverse_blocks
        )
        return MotionModels(unet, inverse, self.diffusion_steps)


PRESETS = {
    "smoke": DiffusionConfig(
        width=16,
        blocks=1,
        encoder=(32,),
        inverse_width=32,
        inverse_blocks=1,
        batch=64,
        steps=50,
    ),
    "laptop": DiffusionConfig(
        width=96,
        encoder=(256, 128),
        inverse_width=192,
        inverse_blocks=2,
        learning_rate=1e-3,
        weight_decay=1e-4,
        batch=1024,
        steps=6_000,
    ),
    "gpu": DiffusionConfig(
        width=256,
        encoder=(512, 512, 512),
        inverse_width=512,
        learning_rate=1e-3,
        weight_decay=1e-3,
        steps=200_000,
    ),
    "paper": DiffusionConfig(),
}


def preset(name: str) -> DiffusionConfig:
    """The choices of a preset.

    Raises:
        DexjaxError: for an unknown name.
    """
    return one_of("preset", name, PRESETS)
