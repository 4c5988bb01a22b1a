"""Choices of the PPO learner."""

import dataclasses


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
        desired_kl: KL divergence per update that the rate is adapted to; 0 keeps the
            rate.
        gradient_clip: largest global gradient norm.
        bound_scale: weight of the penalty on action means beyond +-1.1.
        initial_std: of the policy at the start.
        critic_first: iterations at the start that train the critic alone: a policy
            that is good already would follow an ignorant one away from that.
        widths: hidden layers of actor and critic.
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
    desired_kl: float = 0.016
    gradient_clip: float = 1.0
    bound_scale: float = 0.0
    initial_std: float = 0.8
    critic_first: int = 0
    widths: tuple[int, ...] = (1024, 1024, 512, 512)
    normalise: bool = False
    observation_clip: float = 5.0
    reward_scale: float = 1.0
