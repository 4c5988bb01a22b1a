"""What tasks and policies say of themselves, so that they can be held together."""

import dataclasses
import math

# Who may see an observation.
POLICY = "policy"
PRIVILEGED = "privileged"  # critics and teachers: nothing that acts in the end
CAMERA = "camera"
CONTROLLER = "controller"  # what turns commands into motions and knows the hand alone


@dataclasses.dataclass(frozen=True)
class Observation:
    """One array that a task observes.

    Attributes:
        name: its key in a task's observations.
        shape: of one world's array.
        dtype: of its elements.
        seen_by: `POLICY`, `PRIVILEGED`, `CAMERA` or `CONTROLLER`.
        source: what else its meaning depends on, such as the encoder of a code.
        of_object: whether it tells of the object what no camera and no sensor of a hand
            does.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    seen_by: str = POLICY
    source: str = ""
    of_object: bool = False

    @property
    def size(self) -> int:
        """Elements of one world's array."""
        return math.prod(self.shape)

    @property
    def is_image(self) -> bool:
        """Whether it is what cameras see, (C, H, W)."""
        return len(self.shape) == 3 and self.dtype == "uint8"

    @property
    def is_scaled(self) -> bool:
        """Whether networks see it by its statistics: vectors and images."""
        return self.is_image or (len(self.shape) == 1 and self.dtype == "float32")


@dataclasses.dataclass(frozen=True)
class TaskSpec:
    """All that a learner, a policy or an evaluation needs to know of a task.

    Attributes:
        observations: what it observes.
        actions: components of an action, each in [-1, 1].
        body: what the actions move, such as "shadow hand, servo wrist".
        episode_steps: control steps until the time limit.
        outcomes: what an episode may end as; a metric of each name is 1 in the step
            that ends such an episode.
        success: the outcome that counts as success.
    """

    observations: tuple[Observation, ...]
    actions: int
    body: str
    episode_steps: int
    outcomes: tuple[str, ...]
    success: str

    def observation(self, name: str) -> Observation | None:
        """The observation of that name, if there is one."""
        return next((own for own in self.observations if own.name == name), None)

    def sees(self, *who: str) -> tuple[str, ...]:
        """Names of what is there for the given readers."""
        return tuple(own.name for own in self.observations if own.seen_by in who)


@dataclasses.dataclass(frozen=True)
class PolicySpec:
    """What a policy acts on.

    Attributes:
        observations: that it sees.
        actions: components of its actions.
        body: what they move.
    """

    observations: tuple[Observation, ...]
    actions: int
    body: str

    @staticmethod
    def of(task: TaskSpec, sees: tuple[str, ...]) -> "PolicySpec":
        """The spec of a policy that acts in a task and sees part of it."""
        seen = tuple(own for own in task.observations if own.name in sees)
        return PolicySpec(seen, task.actions, task.body)

    def misfits(self, task: TaskSpec) -> list[str]:
        """What keeps the policy from acting in a task, a phrase each; none: it fits."""
        found = []
        if self.body != task.body:
            found.append(f"it moves the {self.body}, the task has the {task.body}")
        elif self.actions != task.actions:
            found.append(
                f"it gives {self.actions} actions, the task takes {task.actions}"
            )
        for own in self.observations:
            there = task.observation(own.name)
            if there is None:
                found.append(f"it sees {own.name!r}, which the task does not observe")
            elif (own.shape, own.dtype) != (there.shape, there.dtype):
                found.append(
                    f"its {own.name!r} is {own.dtype}{list(own.shape)}, the task's "
                    f"{there.dtype}{list(there.shape)}"
                )
            elif own.source != there.source:
                found.append(
                    f"its {own.name!r} is of {own.source or 'no encoder'}, the task's "
                    f"of {there.source or 'no encoder'}"
                )
        return found
