"""What a run is: a scene, a task, a learner and a budget, each with its own limits."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tyro

from dexjax import limits
from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.learners.ppo.config import PpoConfig
from dexjax.limits import Limits
from dexjax.networks.mlp_config import MlpConfig
from dexjax.physics.choice import ENGINES
from dexjax.scene import WRIST_DRIVES
from dexjax.tasks.grasp import GraspConfig
from dexjax.tasks.inhand import InhandConfig
from dexjax.tasks.task import TaskConfig

# Its options stand without a prefix on a command line.
_FLAT = tyro.conf.arg(name="")


@dataclasses.dataclass(frozen=True)
class SceneConfig:
    """What is simulated.

    Attributes:
        object: a category ("mug", "mug:3"), a mesh file, or a DexGraspNet name with
            its scale ("core-mug-8570…@0.06", "sem/Car-6690…@0.08"); or many objects:
            a part of the everyday set ("everyday/train:64"), geometric ones
            ("geometric/train", "geometric/train/cube"), or names with commas.
        size: largest extent of a mesh file in m; as it is in the file by default.
        dexgraspnet: folder of DexGraspNet, for its names.
        hand: "shadow", "allegro", or the .yaml file that describes your own.
        wrist: "servo" (speed and force limited) or "wrench" (the paper's).
        encoder: folder of the encoder that gives the object codes; the one that comes
            with dexjax by default.
        grasps: file of grasp proposals for the objects, or for a task in the hand of
            grasp sets; those that come with dexjax or with the objects by default.
        engine: "auto", "native", "mjx" or "warp".
    """

    object: str = "mug"
    size: float | None = None
    dexgraspnet: Path | None = None
    hand: str = "shadow"
    wrist: str = "wrench"
    encoder: Path | None = None
    grasps: Path | None = None
    engine: str = "auto"

    LIMITS: ClassVar[Limits] = {
        "engine": tuple(ENGINES),
        "wrist": tuple(WRIST_DRIVES),
    }

    def check_fit(self) -> None:
        """Refuses an unknown hand."""
        load_hand(self.hand)


@dataclasses.dataclass(frozen=True)
class Budget:
    """How long a run goes on, and what it measures.

    Attributes:
        env_steps: control steps of all worlds together to train for; the preset's
            where it is none.
        stop_at: stop earlier once the deterministic policy succeeds from this share of
            the training's start states; 0 never does.
        eval_episodes: fresh episodes of the deterministic policy at the end.
        checkpoint_every: s of wall time between checkpoints.
    """

    env_steps: int | None = 164_000_000
    stop_at: float = 0.0
    eval_episodes: int = 512
    checkpoint_every: float = 30.0

    # Counts of steps have to fit into 32 bits.
    LIMITS: ClassVar[Limits] = {
        "env_steps": (1, 2_000_000_000),
        "stop_at": (0.0, 1.0),
        "eval_episodes": (1, 1_000_000),
        "checkpoint_every": (0.0, 1e6),
    }


@dataclasses.dataclass(frozen=True)
class Run:
    """What every training has.

    Attributes:
        scene: what is simulated.
        task: what is to be done.
        budget: for how long.
        preset: "smoke", "laptop", "gpu" or "paper"; sets all other defaults.
        devices: GPUs or TPU cores to spread the worlds over.
        learners: so many of these hold no worlds and do all the learning; with 0 all do
            both.
        seed: of everything.
        out: run folder.
        fresh: start anew where the folder holds a run.
    """

    scene: Annotated[SceneConfig, _FLAT] = SceneConfig()
    task: TaskConfig = GraspConfig()
    budget: Annotated[Budget, _FLAT] = Budget()
    preset: str = "laptop"
    devices: int = 1
    learners: int = 0
    seed: int = 0
    out: Path | None = None
    fresh: bool = False

    LIMITS: ClassVar[Limits] = {
        "devices": (1, 4096),
        "learners": (0, 4095),
        "seed": (0, 2_000_000_000),
    }

    @property
    def learner(self) -> Any:
        """Choices of the learner, its `worlds` and `steps` among them."""
        raise TypeError(f"{type(self).__name__} names no learner")

    @property
    def env_steps(self) -> int:
        """Control steps of the budget."""
        assert self.budget.env_steps is not None
        return self.budget.env_steps

    def plain(self) -> dict:
        """All choices as plain fields, and which task they are of."""
        return {"kind": self.task.KIND} | dataclasses.asdict(self)

    def check(self) -> None:
        """Refuses a run that cannot be.

        Raises:
            DexjaxError: for an unknown name, a number outside its limits, or choices
                that do not fit together.
        """
        limits.check(self)
        if self.learners >= self.devices:
            raise DexjaxError(
                f"learners is {self.learners}, must be below devices = {self.devices}: "
                "one at least has to simulate"
            )


@dataclasses.dataclass(frozen=True)
class GraspRun(Run):
    """A run of the grasping task."""

    task: GraspConfig = GraspConfig()


@dataclasses.dataclass(frozen=True)
class InhandRun(Run):
    """A run of the in-hand task."""

    scene: Annotated[SceneConfig, _FLAT] = SceneConfig(
        "geometric/train", hand="allegro"
    )
    task: InhandConfig = InhandConfig()


# What a run of each task is, as far as every training of it has it.
RUNS: dict[str, type[GraspRun] | type[InhandRun]] = {
    GraspConfig.KIND: GraspRun,
    InhandConfig.KIND: InhandRun,
}


@dataclasses.dataclass(frozen=True)
class PpoRun(GraspRun):
    """Trains a policy by PPO; what all runs have: `Run`.

    Attributes:
        ppo: the learner.
        network: of actor and critic.
    """

    ppo: PpoConfig = PpoConfig()
    network: MlpConfig = MlpConfig()

    @property
    def learner(self) -> PpoConfig:
        """PPO's."""
        return self.ppo
