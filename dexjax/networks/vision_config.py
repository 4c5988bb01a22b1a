"""Choices of an actor that sees through cameras, and its critic."""

import dataclasses
from typing import ClassVar

from dexjax.errors import DexjaxError
from dexjax.limits import Limits
from dexjax.networks.critic import MlpCritic
from dexjax.networks.vision import CameraActor
from dexjax.spec import CAMERA, POLICY, PRIVILEGED, TaskSpec

ESTIMATORS = ("concurrent", "head", "none")
CRITICS = ("state", "own")


@dataclasses.dataclass(frozen=True)
class VisionConfig:
    """Sizes and kinds of the networks.

    Attributes:
        widths: hidden layers of actor and critic.
        initial_std: standard deviation of actions at the start.
        features: of each camera's image.
        estimator: "concurrent" learns by itself what `target` is, and the policy sees
            what it says instead of images; "head" is a further output of a policy that
            sees images; "none".
        target: the privileged observation that is estimated.
        critic_sees: "state", all that is privileged, or "own", the hand's own sensors.
    """

    widths: tuple[int, ...] = (256, 256, 128)
    initial_std: float = 0.6
    features: int = 64
    estimator: str = "concurrent"
    target: str = "object_centre"
    critic_sees: str = "state"

    LIMITS: ClassVar[Limits] = {
        "widths": (1, 16_384),
        "initial_std": (1e-3, 10.0),
        "features": (1, 16_384),
        "estimator": ESTIMATORS,
        "critic_sees": CRITICS,
    }

    def actor(self, spec: TaskSpec) -> CameraActor:
        """The actor for a task: cameras, and what a policy may see of the hand.

        Raises:
            DexjaxError: if the task has no cameras, what is to be estimated is not
                observed, or a policy would be told of the object.
        """
        _check_end_to_end(spec)
        target, size = self._target(spec)
        return CameraActor(
            (*spec.sees(POLICY), *spec.sees(CAMERA)),
            spec.actions,
            self.widths,
            self.features,
            target,
            size,
            self.estimator == "concurrent",
            self.initial_std,
        )

    def critic(self, spec: TaskSpec) -> MlpCritic:
        """The critic for a task."""
        if self.critic_sees == "own":
            return MlpCritic(spec.sees(POLICY), self.widths)
        return MlpCritic(spec.sees(POLICY, PRIVILEGED), self.widths)

    def _target(self, spec: TaskSpec) -> tuple[str, int]:
        """Name and size of what is estimated; none for no estimator."""
        if self.estimator == "none":
            return "", 0
        own = spec.observation(self.target)
        if own is None or own.seen_by != PRIVILEGED:
            there = ", ".join(spec.sees(PRIVILEGED)) or "nothing"
            raise DexjaxError(
                f"network.target is {self.target!r}, privileged here: {there}"
            )
        return self.target, own.size


def _check_end_to_end(spec: TaskSpec) -> None:
    """Refuses a task that tells a policy of cameras more than these can see."""
    if len(spec.sees(CAMERA)) != 1:
        raise DexjaxError(
            "a policy of cameras needs a task that observes one kind of image: take "
            "--task.observation depth"
        )
    for name in spec.sees(POLICY):
        own = spec.observation(name)
        if own is not None and own.of_object:
            raise DexjaxError(
                f"a policy of cameras is not told of the object: {name!r} is for "
                "critics alone, list it in --task.privileged"
            )
