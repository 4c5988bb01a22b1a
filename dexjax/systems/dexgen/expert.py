"""Experts that go from grasp to grasp: PPO on all objects (DexterityGen, III-B).

The actor may begin by imitating who moves the targets straight to the goal's, who
reaches goals and drops things; without that it first learns to hold still.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from dexjax.errors import DexjaxError
from dexjax.learners.imitation import ImitationConfig, with_imitation
from dexjax.learners.learner import Learner
from dexjax.learners.placement import Placement
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.loss import Networks
from dexjax.networks.mlp_config import MlpConfig
from dexjax.runs.launch import launch, ppo_learner
from dexjax.runs.run import InhandRun
from dexjax.systems.dexgen.trials import simple
from dexjax.tasks.inhand import InhandTask

# The folder of an expert unless another is given, by its seed.
FOLDER = "runs/dexgen/expert-{seed}"


@dataclasses.dataclass(frozen=True)
class ExpertRun(InhandRun):
    """Trains an expert by PPO; what all runs have: `Run`.

    Attributes:
        ppo: the learner.
        network: of actor and critic.
        imitation: of the actor's beginning.
    """

    ppo: PpoConfig = PpoConfig()
    network: MlpConfig = MlpConfig()
    imitation: ImitationConfig = ImitationConfig()

    @property
    def learner(self) -> PpoConfig:
        """PPO's."""
        return self.ppo


def train_expert(run: ExpertRun) -> dict:
    """Trains, evaluates and reports; again, it goes on. The summary.

    Raises:
        DexjaxError: for whatever is wrong with the run or its folder.
    """
    started = time.monotonic()
    out = run.out or Path(FOLDER.format(seed=run.seed))
    run = dataclasses.replace(run, out=out)
    run.check()
    return launch(run, expert_learner(run), started)


def expert_learner(run: ExpertRun) -> Callable[[InhandTask, Placement | None], Learner]:
    """What makes the learner of a run.

    Raises:
        DexjaxError: where the beginning is asked for on several devices.
    """
    if run.imitation.rounds and run.devices > 1:
        raise DexjaxError(
            f"devices is {run.devices}: imitation works on one, set "
            "--imitation.rounds 0 for more"
        )
    make = ppo_learner(run)

    def learner(task: InhandTask, placement: Placement | None) -> Learner:
        networks = Networks(run.network.actor(task.spec), run.network.critic(task.spec))
        shown = simple("straight", task)
        return with_imitation(
            make(task, placement), task, networks, run.ppo, run.imitation, shown
        )

    return learner
