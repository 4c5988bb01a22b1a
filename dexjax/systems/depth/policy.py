"""Policies of depth cameras: PPO from images, a critic that knows the state."""

import dataclasses
import time
from pathlib import Path

from dexjax.learners.ppo.config import PpoConfig
from dexjax.networks.vision_config import VisionConfig
from dexjax.runs.launch import launch, ppo_learner
from dexjax.runs.run import GraspRun


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
    return launch(run, ppo_learner(run), started)
