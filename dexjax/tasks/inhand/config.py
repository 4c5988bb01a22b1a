"""The choices of the in-hand task."""

import dataclasses
from typing import ClassVar

from dexjax.errors import DexjaxError
from dexjax.limits import Limits

# rad, so far may a target lead its joint.
LEAD_RAD = 0.5


@dataclasses.dataclass(frozen=True)
class InhandConfig:
    """Choices of the in-hand task.

    The object's distance to a goal is 1 for 2 cm of place or 0.4 rad of turn, and both
    add up.

    Attributes:
        nearest: distance to a goal at least: nearer ones are all but reached.
        easiest: the same of the easiest goals of a training, which has all from these
            to those that are `nearest`; an evaluation has the latter alone.
        farthest: and at most, if there is such a one.
        part: grasps drawn of a set, the nearest of which becomes the goal.
        goal_steps: control steps after which a goal that is not reached is replaced.
        inside_steps: control steps within all tolerances that reach a goal.
        near_m, near_rad, near_joints_rad: tolerances of place, turn and joints (root
            mean square).
        turn_every: control steps between turns of the palm, on average; 0 never turns.
        still_share: of the episodes of a training, in which the palm is never turned:
            how to move things is learned there, and how to keep them in the others. An
            evaluation has none.
        rotation_share: of the episodes, in which goals turn the object in its place
            (fine rotation) instead of being any near grasp. An evaluation has none.
        free_share: of the episodes, in which the object is kept out of reach and the
            fingers go to any joints of a grasp. An evaluation has none.
        episode_steps: control steps of an episode.
        physics: how many different ones each object has, see `palm.drawn_physics`.
        noise: share of DexterityGen's noise: of joint readings normal 0.025 rad and
            0.005 rad that stay for an episode, of actions normal 0.05, of the joints
            at the start up to 0.05 rad, and of forces that push the object.
        drop_m: farther from the palm's centre the object counts as dropped.
        style: weight of the penalties on actions, work and the object's speed.
        joints_weight: of the joints in the progress towards a goal; place and turn
            have 1.
    """

    KIND: ClassVar[str] = "inhand"

    nearest: float = 1.2
    easiest: float = 1.2
    farthest: float = 3.0
    part: int = 64
    goal_steps: int = 40
    inside_steps: int = 2
    near_m: float = 0.01
    near_rad: float = 0.2
    near_joints_rad: float = 0.2
    turn_every: int = 50
    still_share: float = 0.0
    rotation_share: float = 0.0
    free_share: float = 0.0
    episode_steps: int = 300
    physics: int = 1
    noise: float = 0.0
    drop_m: float = 0.1
    style: float = 1.0
    joints_weight: float = 0.5

    LIMITS: ClassVar[Limits] = {
        "nearest": (0.0, 100.0),
        "easiest": (0.0, 100.0),
        "farthest": (0.0, 1000.0),
        "part": (1, 100_000),
        "goal_steps": (1, 10_000),
        "inside_steps": (1, 1000),
        "near_m": (1e-4, 1.0),
        "near_rad": (1e-3, 3.2),
        "near_joints_rad": (1e-3, 3.2),
        "turn_every": (0, 1_000_000),
        "still_share": (0.0, 1.0),
        "rotation_share": (0.0, 1.0),
        "free_share": (0.0, 1.0),
        "episode_steps": (20, 100_000),
        "physics": (1, 1000),
        "noise": (0.0, 10.0),
        "drop_m": (0.01, 1.0),
        "style": (0.0, 1000.0),
        "joints_weight": (0.0, 1000.0),
    }

    @property
    def observes_codes(self) -> bool:
        """Whether the objects' codes are observed: never."""
        return False

    @property
    def of_evaluation(self) -> "InhandConfig":
        """The same, without what is for a training alone."""
        return dataclasses.replace(
            self,
            easiest=self.nearest,
            still_share=0.0,
            rotation_share=0.0,
            free_share=0.0,
        )

    def check_fit(self) -> None:
        """Refuses distances that leave no goal."""
        if self.nearest >= self.farthest:
            raise DexjaxError(
                f"task.nearest is {self.nearest}, must be below task.farthest = "
                f"{self.farthest}"
            )
        if self.easiest > self.nearest:
            raise DexjaxError(
                f"task.easiest is {self.easiest}, must be at most task.nearest = "
                f"{self.nearest}"
            )
        if self.inside_steps > self.goal_steps:
            raise DexjaxError(
                f"task.inside_steps is {self.inside_steps}, must be at most "
                f"task.goal_steps = {self.goal_steps}"
            )
