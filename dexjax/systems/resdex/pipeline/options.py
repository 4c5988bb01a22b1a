"""Choices of the whole of ResDex."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from dexjax.limits import Limits

RESULTS = Path("benchmarks/results/resdex.json")


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """Trains and measures ResDex; goes on where it was interrupted.

    Attributes:
        k: numbers of base policies, one hyper-policy for each.
        seeds: of the trainings; hyper-policies of all seeds share their base policies.
        preset: "smoke", "laptop" or "gpu".
        engine: "auto", "native", "mjx" or "warp".
        env_steps: control steps of each stage; the preset's by default.
        encoder: folder of an encoder of object codes; one is trained by default.
        vision: also distil the hyper-policy with most base policies.
        baselines: also train mixtures without residual, in stage 2 that of most base
            policies only, and plain PPO on all objects with the steps of stages and
            base policies together.
        ablations: also train the base policies of Figure 2.
        dexgraspnet: folder of DexGraspNet: measures on all objects there, too.
        runs: folder for the trainings.
        out: JSON file to complete.
    """

    k: tuple[int, ...] = (4,)
    seeds: tuple[int, ...] = (0,)
    preset: str = "laptop"
    engine: str = "auto"
    env_steps: int | None = None
    encoder: Path | None = None
    vision: bool = True
    baselines: bool = False
    ablations: bool = False
    dexgraspnet: Path | None = None
    runs: Path = Path("runs")
    out: Path = RESULTS

    LIMITS: ClassVar[Limits] = {
        "k": (1, 64),
        "seeds": (0, 2_000_000_000),
        "preset": ("smoke", "laptop", "gpu"),
        "engine": ("auto", "native", "mjx", "warp"),
        "env_steps": (1, 2_000_000_000),
    }
