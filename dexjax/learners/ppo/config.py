"""Choices of the PPO learner."""

import dataclasses
from typing import ClassVar

from dexjax.errors import DexjaxError
from dexjax.limits import Limits


@dataclasses.dataclass(frozen=True)
class PpoConfig:
    """Choices of the learner; the defaults are the paper's (ResDex, Table 6).

    Attributes:
        worlds: parallel copies of the task.
        steps: control steps of each world per iteration.
        epochs: passes over the data of an iteration.
        minibatches: updates per pass.
        discount: gamma.
        gae_lambda: lambda of generalised advantage estimation.
        clip: of the probability ratio.
        value_clip: clip value changes alike.
        value_scale: weight of the value loss.
        learning_rate: of Adam at the start.
        learning_rate_range: bounds of the adaptive rate.
        critic_learning_rate: of the critic alone; 0 gives it the adaptive rate, which
            is small where actions hardly vary.
        desired_kl: KL divergence per update that the rate is adapted to; 0 keeps the
            rate.
        gradient_clip: largest global gradient norm.
        bound_scale: weight of the penalty on action means beyond +-1.1.
        estimate_scale: weight of an actor's estimation loss, where it is part of PPO's.
        critic_first: iterations at the start that train the critic alone: a policy
            that is good already would follow an ignorant one away from that.
        normalise: subtract and divide observations by running statistics.
        observation_clip: largest magnitude of an observation afterwards.
        reward_scale: of all rewards, for the learner only.
    """

    worlds: int = 4096
    steps: int = 8
    epochs: int = 5
    minibatches: int = 4
    discount: float = 0.96
    gae_lambda: float = 0.95
    clip: float = 0.2
    value_clip: bool = False
    value_scale: float = 2.0
    learning_rate: float = 3e-4
    learning_rate_range: tuple[float, float] = (1e-5, 1e-2)
    critic_learning_rate: float = 0.0
    desired_kl: float = 0.016
    gradient_clip: float = 1.0
    bound_scale: float = 0.0
    estimate_scale: float = 1.0
    critic_first: int = 0
    normalise: bool = False
    observation_clip: float = 5.0
    reward_scale: float = 1.0

    LIMITS: ClassVar[Limits] = {
        "worlds": (1, 1_000_000),
        "steps": (1, 10_000),
        "epochs": (1, 1000),
        "minibatches": (1, 100_000),
        "discount": (0.0, 1.0),
        "gae_lambda": (0.0, 1.0),
        "clip": (1e-3, 10.0),
        "value_scale": (0.0, 1e6),
        "learning_rate": (1e-9, 1.0),
        "learning_rate_range": (1e-9, 1.0),
        "critic_learning_rate": (0.0, 1.0),
        "desired_kl": (0.0, 10.0),
        "gradient_clip": (1e-6, 1e6),
        "bound_scale": (0.0, 1e6),
        "estimate_scale": (0.0, 1e6),
        "critic_first": (0, 1_000_000),
        "observation_clip": (1e-3, 1e6),
        "reward_scale": (1e-6, 1e6),
    }

    def check_fit(self) -> None:
        """Refuses samples that do not divide into minibatches, and a reversed range."""
        samples = self.worlds * self.steps
        if samples % self.minibatches:
            raise DexjaxError(
                f"ppo.minibatches is {self.minibatches}, must divide ppo.worlds x "
                f"ppo.steps = {samples}"
            )
        low, high = self.learning_rate_range
        if low > high:
            raise DexjaxError(f"ppo.learning_rate_range goes from {low} down to {high}")


# What makes learning fast with few worlds: normalised observations, and many small
# iterations, since each moves the policy only so far.
FEW_WORLDS = PpoConfig(
    worlds=256,
    steps=16,
    epochs=2,
    minibatches=4,
    value_clip=True,
    learning_rate_range=(1e-5, 1e-3),
    bound_scale=0.01,
    normalise=True,
    reward_scale=0.1,
)
