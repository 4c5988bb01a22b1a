"""Choices of actors and critics of dense layers, and these networks for a task."""

import dataclasses
from typing import ClassVar

from dexjax.limits import Limits
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic
from dexjax.spec import POLICY, PRIVILEGED, TaskSpec


@dataclasses.dataclass(frozen=True)
class MlpConfig:
    """Sizes of the networks; the defaults are the paper's (ResDex, Table 6).

    Attributes:
        widths: hidden layers of actor and critic.
        initial_std: standard deviation of actions at the start.
    """

    widths: tuple[int, ...] = (1024, 1024, 512, 512)
    initial_std: float = 0.8

    LIMITS: ClassVar[Limits] = {
        "widths": (1, 16_384),
        "initial_std": (1e-3, 10.0),
    }

    def actor(self, spec: TaskSpec) -> MlpActor:
        """The actor for a task: sees what a policy may see."""
        sees = spec.sees(POLICY)
        return MlpActor(sees, spec.actions, self.widths, self.initial_std)

    def critic(self, spec: TaskSpec) -> MlpCritic:
        """The critic for a task: sees privileged observations as well."""
        return MlpCritic(spec.sees(POLICY, PRIVILEGED), self.widths)
