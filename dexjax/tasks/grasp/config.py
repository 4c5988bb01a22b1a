"""The choices of the grasping task, and the grasp proposals that it may need."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import limits
from dexjax.errors import DexjaxError
from dexjax.hands import Hand
from dexjax.limits import Limits
from dexjax.objects.object_set import ObjectSet
from dexjax.scene import Scene
from dexjax.tasks.grasp.cameras import CAMERAS
from dexjax.tasks.grasp.observations import OBJECT_CODE, OBSERVATIONS, observed_names
from dexjax.tasks.grasp.rewards import NEAR_TO, REWARDS, Proposal


@dataclasses.dataclass(frozen=True)
class GraspConfig:
    """Choices of the grasping task; the defaults are the paper's.

    Attributes:
        observation: "geometry-unaware" (base policies), "full" (hyper-policy),
            "surface" (the same and the object's surface as it lies), "points" or
            "seen-points" (vision policies), "depth" (policies of cameras).
        relative: observe object - palm and object - fingertips as well.
        privileged: names of further observations, for critics and teachers alone.
        reward: "base", "full-pose", "stage1" or "stage2".
        near: "centre" (the paper's) or "surface" of the object, from which the reward
            measures how near palm and fingertips are.
        pose: compare joint angles with the object's grasp proposals in the base
            reward; objects without proposals for this hand are never compared.
        goal_height: m above the table's centre.
        episode_steps: control steps of an episode.
        held_steps: last steps that all have to be near the goal for "held".
        enough_steps: an episode of the training ends once the object has been near the
            goal for so many steps, which leaves the time to the others; 0 never ends
            one early.
        starts: settled start states per object; a training on hundreds of objects
            takes fewer of each.
        retry_share: of the failed episodes of a training that are followed by another
            with the same object, which gives the difficult ones more of them; these do
            not count in its success.
        near_share: of the episodes of a training that start just before a grasp
            proposal or with the object in it; they do not count in its success.
        offset: m, largest horizontal offset of the dropped object.
        cameras: "front" and "palm", of an observation of depth.
        pixels: width and height of their images.
        camera_noise: of depth, pixels without any and where cameras stand; 1 is 3 mm,
            1 %, 5 mm and 0.02 rad.
        blind: leave the images empty, to learn what can be done without any.
    """

    KIND: ClassVar[str] = "grasp"

    observation: str = "geometry-unaware"
    relative: bool = False
    privileged: tuple[str, ...] = ()
    reward: str = "base"
    near: str = "centre"
    pose: bool = True
    goal_height: float = 0.2
    episode_steps: int = 200
    held_steps: int = 20
    enough_steps: int = 0
    starts: int = 256
    retry_share: float = 0.0
    near_share: float = 0.0
    offset: float = 0.03
    cameras: tuple[str, ...] = CAMERAS
    pixels: tuple[int, int] = (32, 32)
    camera_noise: float = 0.0
    blind: bool = False

    LIMITS: ClassVar[Limits] = {
        "observation": tuple(OBSERVATIONS),
        "reward": REWARDS,
        "near": NEAR_TO,
        "goal_height": (0.0, 1.0),
        "episode_steps": (20, 10_000),
        "held_steps": (1, 10_000),
        "enough_steps": (0, 10_000),
        "starts": (1, 1_000_000),
        "retry_share": (0.0, 1.0),
        "near_share": (0.0, 1.0),
        "offset": (0.0, 0.1),
        "cameras": CAMERAS,
        "pixels": (8, 1024),
        "camera_noise": (0.0, 10.0),
    }

    @property
    def observes_codes(self) -> bool:
        """Whether the objects' codes are observed."""
        names = observed_names(self.observation, self.relative, self.privileged)
        return OBJECT_CODE in names

    def check_fit(self) -> None:
        """Refuses numbers of steps that do not fit together."""
        if self.held_steps > self.episode_steps:
            raise DexjaxError(
                f"task.held_steps is {self.held_steps}, must be at most "
                f"task.episode_steps = {self.episode_steps}"
            )
        if 0 < self.enough_steps < self.held_steps:
            raise DexjaxError(
                f"task.enough_steps is {self.enough_steps}, must be 0 or at least "
                f"task.held_steps = {self.held_steps}"
            )


def check_task(config: GraspConfig, scene: Scene) -> None:
    """Refuses choices that do not exist, or a reward without what it needs.

    Raises:
        DexjaxError: names it, and says what would do.
    """
    limits.check(config, "task.")
    hand, objects = scene.hand, scene.objects
    _, counts = proposals_of(hand, objects)
    bare = [
        name for name, count in zip(objects.names, counts, strict=True) if count == 0
    ]
    if config.reward in ("stage1", "full-pose") and bare:
        raise DexjaxError(
            f"reward {config.reward!r} needs grasp proposals, object {bare[0]!r} has "
            f"none for hand {hand.name!r}: take reward 'base' or 'stage2', or an "
            "object with proposals"
        )


def proposals_of(hand: Hand, objects: ObjectSet) -> tuple[Proposal, np.ndarray]:
    """The set's grasp proposals for a hand and how many each object has.

    Arrays (objects, proposals, …), at least one column of them. Proposals with another
    number of joints are another hand's, and left out.
    """
    arrays = Proposal(
        objects.grasp_translation, objects.grasp_rotation, objects.grasp_joints
    )
    count = np.asarray(objects.grasp_count)
    if arrays.joints.shape[2] != len(hand.joints):
        arrays = jax.tree.map(lambda x: x[:, :0], arrays)
        none = np.zeros((len(objects), 0, len(hand.joints)), np.float32)
        arrays, count = arrays._replace(joints=none), np.zeros_like(count)
    pad = 1 if arrays.joints.shape[1] == 0 else 0
    return jax.tree.map(
        lambda x: jnp.asarray(np.pad(x, ((0, 0), (0, pad), (0, 0)))), arrays
    ), count
