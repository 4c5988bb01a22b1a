"""Choices of the DAgger learner."""

import dataclasses
from typing import ClassVar

from dexjax.errors import DexjaxError
from dexjax.limits import Limits


@dataclasses.dataclass(frozen=True)
class DaggerConfig:
    """Choices of the learner.

    Attributes:
        worlds: parallel copies of the task.
        steps: control steps of each world per iteration.
        buffer: samples that are kept; a multiple of worlds x steps.
        updates: gradient steps per iteration.
        minibatch: samples of each.
        points: of a cloud that are learned from.
        learning_rate: of Adam at the start; falls to a twentieth along a cosine.
        guided: iterations over which the teacher drives fewer and fewer worlds.
        widths: hidden layers of the student behind the cloud's features.
        observation_clip: largest normalised observation.
    """

    worlds: int = 512
    steps: int = 16
    buffer: int = 262_144
    updates: int = 16
    minibatch: int = 512
    points: int = 128
    learning_rate: float = 1e-3
    guided: int = 50
    widths: tuple[int, ...] = (256, 256, 128)
    observation_clip: float = 5.0

    LIMITS: ClassVar[Limits] = {
        "worlds": (1, 1_000_000),
        "steps": (1, 10_000),
        "buffer": (1, 1_000_000_000),
        "updates": (1, 100_000),
        "minibatch": (1, 1_000_000),
        "points": (1, 512),
        "learning_rate": (1e-9, 1.0),
        "guided": (0, 1_000_000),
        "widths": (1, 16_384),
        "observation_clip": (1e-3, 1e6),
    }

    def check_fit(self) -> None:
        """Refuses a buffer that does not hold a whole number of iterations."""
        if self.buffer % (self.worlds * self.steps):
            raise DexjaxError(
                f"a buffer of {self.buffer} samples is no multiple of {self.worlds} "
                f"worlds x {self.steps} steps"
            )
