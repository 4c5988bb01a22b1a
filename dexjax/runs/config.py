"""The typed configuration of a base-policy run, and its presets."""

import dataclasses
from pathlib import Path

from dexjax.errors import DexjaxError
from dexjax.learners.ppo import PpoConfig
from dexjax.tasks.grasp import GraspConfig


@dataclasses.dataclass(frozen=True)
class BaseConfig:
    """Trains a base policy on one object by PPO.

    Attributes:
        object: a category ("mug", "mug:3"), a mesh file, or a DexGraspNet name with
            its scale ("core-mug-8570…@0.06", "sem/Car-6690…@0.08").
        preset: "smoke", "laptop", "gpu" or "paper"; sets all other defaults.
        hand: "shadow".
        engine: "auto", "native" or "mjx".
        size: largest extent of a mesh file in m; as it is in the file by default.
        dexgraspnet: folder of DexGraspNet, for its names.
        wrist: "servo" (speed and force limited) or "wrench" (the paper's).
        task: the grasping task.
        ppo: the learner.
        env_steps: control steps of all worlds together to train for.
        stop_at: stop earlier once this share of the last 1,024 training episodes held
            the object; 0 never does.
        eval_episodes: fresh episodes of the deterministic policy at the end.
        checkpoint_every: s of wall time between checkpoints.
        seed: of everything.
        out: run folder; runs/base/<object> by default.
        fresh: start anew where the folder holds a run.
    """

    object: str = "mug"
    preset: str = "laptop"
    hand: str = "shadow"
    engine: str = "auto"
    size: float | None = None
    dexgraspnet: Path | None = None
    wrist: str = "wrench"
    task: GraspConfig = GraspConfig()
    ppo: PpoConfig = PpoConfig()
    env_steps: int = 164_000_000
    stop_at: float = 0.0
    eval_episodes: int = 512
    checkpoint_every: float = 30.0
    seed: int = 0
    out: Path | None = None
    fresh: bool = False


# What makes learning fast with few worlds: a slow, force-limited wrist, observations
# relative to the object and normalised, small networks and many small updates.
_FAST_TASK = GraspConfig(relative=True, pose=False)
_FAST_PPO = PpoConfig(
    worlds=512,
    steps=16,
    epochs=4,
    value_clip=True,
    learning_rate_range=(1e-5, 1e-3),
    bound_scale=0.01,
    initial_std=0.6,
    widths=(256, 256, 128),
    normalise=True,
    reward_scale=0.1,
)

PRESETS = {
    "smoke": BaseConfig(
        preset="smoke",
        wrist="servo",
        task=dataclasses.replace(_FAST_TASK, starts=16),
        ppo=dataclasses.replace(_FAST_PPO, worlds=64, widths=(64, 64)),
        env_steps=64 * 16 * 40,
        eval_episodes=200,
        checkpoint_every=2.0,
    ),
    "laptop": BaseConfig(
        preset="laptop",
        wrist="servo",
        task=_FAST_TASK,
        ppo=_FAST_PPO,
        env_steps=4_000_000,
        stop_at=0.96,
    ),
    "gpu": BaseConfig(
        preset="gpu",
        wrist="servo",
        task=_FAST_TASK,
        ppo=dataclasses.replace(_FAST_PPO, worlds=2048, steps=16, minibatches=8),
        env_steps=20_000_000,
        stop_at=0.99,
    ),
    "paper": BaseConfig(preset="paper"),
}


def preset(name: str) -> BaseConfig:
    """The configuration of a preset.

    Raises:
        DexjaxError: for an unknown name.
    """
    if name not in PRESETS:
        raise DexjaxError(f"preset {name!r}: choose from {', '.join(PRESETS)}")
    return PRESETS[name]
