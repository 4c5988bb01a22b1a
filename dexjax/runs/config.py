"""The typed configurations of runs, and the presets of base policies."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.learners.ppo_config import PpoConfig
from dexjax.physics.choice import ENGINES
from dexjax.scene import WRIST_DRIVES
from dexjax.tasks.grasp_config import GraspConfig
from dexjax.tasks.observations import CODED, OBSERVATIONS
from dexjax.tasks.rewards import NEAR_TO, REWARDS


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """What every training has.

    Attributes:
        object: a category ("mug", "mug:3"), a mesh file, or a DexGraspNet name with
            its scale ("core-mug-8570…@0.06", "sem/Car-6690…@0.08"); or many objects:
            a part of the everyday set ("everyday/train:64"), or names with commas.
        preset: "smoke", "laptop", "gpu" or "paper"; sets all other defaults.
        hand: "shadow", "allegro", or the .yaml file that describes your own.
        engine: "auto", "native", "mjx" or "warp".
        devices: GPUs or TPU cores to spread the worlds over.
        size: largest extent of a mesh file in m; as it is in the file by default.
        dexgraspnet: folder of DexGraspNet, for its names.
        encoder: folder of the encoder that gives the object codes of observations
            "full" and "surface"; the one that comes with the repository by default.
        grasps: file of grasp proposals for the objects; those that come with dexjax or
            with the objects by default.
        wrist: "servo" (speed and force limited) or "wrench" (the paper's).
        task: the grasping task.
        env_steps: control steps of all worlds together to train for.
        stop_at: stop earlier once the deterministic policy holds the object from this
            share of the training's start states; 0 never does.
        eval_episodes: fresh episodes of the deterministic policy at the end.
        checkpoint_every: s of wall time between checkpoints.
        seed: of everything.
        out: run folder; runs/base/<object> by default, runs/base/<hand>-<object> with
            another hand than the ShadowHand.
        fresh: start anew where the folder holds a run.
    """

    object: str = "mug"
    preset: str = "laptop"
    hand: str = "shadow"
    engine: str = "auto"
    devices: int = 1
    size: float | None = None
    dexgraspnet: Path | None = None
    encoder: Path | None = None
    grasps: Path | None = None
    wrist: str = "wrench"
    task: GraspConfig = GraspConfig()
    env_steps: int = 164_000_000
    stop_at: float = 0.0
    eval_episodes: int = 512
    checkpoint_every: float = 30.0
    seed: int = 0
    out: Path | None = None
    fresh: bool = False

    @property
    def sees_codes(self) -> bool:
        """Whether the objects' codes are seen in the training."""
        return self.task.observation in CODED

    @property
    def learner(self) -> Any:
        """Choices of the learner, its `worlds` and `steps` among them."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class BaseConfig(RunConfig):
    """Trains a base policy by PPO, on one object or many.

    Attributes:
        ppo: the learner.
    """

    ppo: PpoConfig = PpoConfig()

    @property
    def learner(self) -> PpoConfig:
        """PPO's."""
        return self.ppo


# What makes learning fast with few worlds: a slow, force-limited wrist, observations
# relative to the object and normalised, small networks, and many small iterations,
# since each moves the policy only so far.
_FAST_TASK = GraspConfig(relative=True, pose=False, near_share=0.5)
_FAST_PPO = PpoConfig(
    worlds=256,
    steps=16,
    epochs=2,
    minibatches=4,
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
        ppo=dataclasses.replace(_FAST_PPO, worlds=64, minibatches=8, widths=(64, 64)),
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
        stop_at=0.98,
    ),
    "gpu": BaseConfig(
        preset="gpu",
        wrist="servo",
        task=_FAST_TASK,
        ppo=dataclasses.replace(_FAST_PPO, worlds=2048, minibatches=8, epochs=4),
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


def for_many_objects(config: BaseConfig) -> BaseConfig:
    """A preset's configuration for a training on hundreds of objects.

    Twice the worlds in half the minibatches: with another object in each the same
    number of samples says less about every one of them, and fewer updates move the
    policy as far. And an episode ends once the object has been held for five times the
    time that is asked for, which leaves more of them to the difficult ones; after less
    a grip that slips slowly would never be found out. For the same end half of the
    failed objects are tried again. A wide object can be held by its rim, so nearness is
    to its surface. All start as usual: where base policies or easy objects show how to
    lift, starts near a grasp only cost time. The policy has to know many grasps, so its
    network is twice as wide; and whether one lasts shows long after it is taken, so the
    learner looks further ahead. The paper's choices stay as they are.
    """
    if config.preset == "paper":
        return config
    task = dataclasses.replace(
        config.task,
        enough_steps=5 * config.task.held_steps,
        near="surface",
        retry_share=0.5,
        near_share=0.0,
    )
    ppo = dataclasses.replace(
        config.ppo,
        worlds=2 * config.ppo.worlds,
        minibatches=config.ppo.minibatches // 2,
        widths=tuple(2 * width for width in config.ppo.widths),
        discount=0.99,
        gae_lambda=0.97,
    )
    return dataclasses.replace(config, task=task, ppo=ppo)


_CHOICES: dict[str, Iterable[str]] = {
    "preset": PRESETS,
    "engine": ENGINES,
    "wrist": WRIST_DRIVES,
    "task.observation": OBSERVATIONS,
    "task.reward": REWARDS,
    "task.near": NEAR_TO,
}
# Both ends are allowed. Counts of steps and seeds have to fit into 32 bits.
_LIMITS = {
    "devices": (1, 4096),
    "env_steps": (1, 2_000_000_000),
    "stop_at": (0.0, 1.0),
    "eval_episodes": (1, 1_000_000),
    "checkpoint_every": (0.0, 1e6),
    "seed": (0, 2_000_000_000),
    "task.goal_height": (0.0, 1.0),
    "task.episode_steps": (20, 10_000),
    "task.held_steps": (1, 10_000),
    "task.enough_steps": (0, 10_000),
    "task.starts": (1, 1_000_000),
    "task.retry_share": (0.0, 1.0),
    "task.near_share": (0.0, 1.0),
    "task.offset": (0.0, 0.1),
    "ppo.worlds": (1, 1_000_000),
    "ppo.steps": (1, 10_000),
    "ppo.epochs": (1, 1000),
    "ppo.minibatches": (1, 100_000),
    "ppo.discount": (0.0, 1.0),
    "ppo.gae_lambda": (0.0, 1.0),
    "ppo.clip": (1e-3, 10.0),
    "ppo.value_scale": (0.0, 1e6),
    "ppo.learning_rate": (1e-9, 1.0),
    "ppo.learning_rate_range": (1e-9, 1.0),
    "ppo.desired_kl": (0.0, 10.0),
    "ppo.gradient_clip": (1e-6, 1e6),
    "ppo.bound_scale": (0.0, 1e6),
    "ppo.initial_std": (1e-3, 10.0),
    "ppo.critic_first": (0, 1_000_000),
    "ppo.widths": (1, 16_384),
    "ppo.observation_clip": (1e-3, 1e6),
    "ppo.reward_scale": (1e-6, 1e6),
}


def check(config: RunConfig) -> None:
    """Refuses a configuration that cannot be run.

    Raises:
        DexjaxError: for an unknown name, a number outside its limits, or numbers that
            do not fit together.
    """
    load_hand(config.hand)
    for name, choices in _CHOICES.items():
        if (value := _value(config, name)) not in choices:
            what = name.split(".")[-1]
            raise DexjaxError(f"{what} {value!r}: choose from {', '.join(choices)}")
    for name, (low, high) in _LIMITS.items():
        if not hasattr(config, name.split(".")[0]):
            continue
        value = _value(config, name)
        kind = int if isinstance(low, int) else (int, float)
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, kind) or not low <= number <= high:
                raise DexjaxError(
                    f"{name} is {number}, must be between {low:,} and {high:,}"
                )
    if config.task.held_steps > config.task.episode_steps:
        raise DexjaxError(
            f"task.held_steps is {config.task.held_steps}, must be at most "
            f"task.episode_steps = {config.task.episode_steps}"
        )
    if 0 < config.task.enough_steps < config.task.held_steps:
        raise DexjaxError(
            f"task.enough_steps is {config.task.enough_steps}, must be 0 or at least "
            f"task.held_steps = {config.task.held_steps}"
        )
    if isinstance(config, BaseConfig):
        _check_ppo(config.ppo)


def _check_ppo(ppo: PpoConfig) -> None:
    samples = ppo.worlds * ppo.steps
    if samples % ppo.minibatches:
        raise DexjaxError(
            f"ppo.minibatches is {ppo.minibatches}, must divide ppo.worlds x "
            f"ppo.steps = {samples}"
        )
    low, high = ppo.learning_rate_range
    if low > high:
        raise DexjaxError(f"ppo.learning_rate_range goes from {low} down to {high}")


def _value(config: RunConfig, name: str) -> Any:
    """The field of that dotted name."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value
