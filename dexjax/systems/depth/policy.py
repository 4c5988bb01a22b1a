"""Policies of depth cameras: PPO from images, a critic that knows the state."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from dexjax.learners.learner import Learner
from dexjax.learners.placement import Placement
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.networks.vision_config import VisionConfig
from dexjax.runs.launch import launch
from dexjax.runs.run import GraspRun
from dexjax.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class DepthRun(GraspRun):
    """Trains a policy of depth cameras by PPO; what all runs have: `Run`.

    Attributes:
        ppo: the learner.
        network: of actor and critic.
    """

    ppo: PpoConfig = PpoConfig()
    network: VisionConfig = VisionConfig()

    @property
    def learner(self) -> PpoConfig:
        """PPO's."""
        return self.ppo


def train_depth(run: DepthRun) -> dict:
    """Trains, evaluates and reports; again, it goes on. The summary.

    Raises:
        DexjaxError: for whatever is wrong with the run or its folder.
    """
    started = time.monotonic()
    out = run.out or Path("runs/depth") / run.scene.object.replace("/", "-")
    run = dataclasses.replace(run, out=out)
    run.check()
    return launch(run, depth_learner(run), started)


def depth_learner(run: DepthRun) -> Callable[[Task, Placement | None], Learner]:
    """What makes the learner of a run."""

    def make(task: Task, placement: Placement | None) -> Learner:
        networks = Networks(
            run.network.actor(task.spec), run.network.critic_for(task.spec)
        )
        return make_ppo(task, networks, run.ppo, placement)

    return make
