"""Hyper-policies: residual and mixture over base policies (ResDex, section 3.3)."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, ClassVar

import jax
import tyro

from dexjax.errors import DexjaxError
from dexjax.learners.learner import Learner
from dexjax.learners.mixture import MixtureTask
from dexjax.learners.placement import Placement
from dexjax.learners.ppo.learner import TrainState
from dexjax.limits import Limits
from dexjax.networks.experts import NORMALISATIONS
from dexjax.policies.actor import ActorPolicy
from dexjax.policies.mixture import BasePolicies, Mixture, MixturePolicy
from dexjax.runs.launch import launch, ppo_learner, show
from dexjax.runs.run import PpoRun
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.files import write_json
from dexjax.systems.resdex.base import check_observation
from dexjax.systems.resdex.bases import Bases, check_bases, find_bases
from dexjax.systems.resdex.presets import for_many_objects, preset
from dexjax.tasks.grasp import GraspConfig, GraspTask

STAGES = {"1": ("stage1",), "2": ("stage2",), "both": ("stage1", "stage2")}
# Control steps of the stages.
ENV_STEPS = {
    "smoke": {"stage1": 40_960, "stage2": 40_960},
    "laptop": {"stage1": 2_000_000, "stage2": 20_000_000},
    "gpu": {"stage1": 50_000_000, "stage2": 200_000_000},
    "paper": {"stage1": 1_760_000_000, "stage2": 1_760_000_000},
}
# What is mixed is half-way to the goal already: it starts with less noise than a base
# policy, and the critic learns first.
INITIAL_STD = 0.3
CRITIC_FIRST = 30


@dataclasses.dataclass(frozen=True)
class MixtureConfig:
    """What a hyper-policy mixes, and how.

    Attributes:
        bases: the objects that the base policies were trained on.
        digests: of the base policies' parameters, in the same order.
        residual: whether the hyper-policy adds an action of its own.
        normalisation: of the weights: "norm" (eq. 4) or "softmax".
    """

    bases: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    residual: bool = True
    normalisation: str = "norm"

    LIMITS: ClassVar[Limits] = {"normalisation": NORMALISATIONS}


@dataclasses.dataclass(frozen=True)
class HyperRun(PpoRun):
    """Trains one stage of a hyper-policy; what all runs have: `Run`.

    Attributes:
        mixture: of base policies.
        start: folder of the policy that the training starts from.
    """

    mixture: MixtureConfig = MixtureConfig()
    start: Path | None = None


@dataclasses.dataclass(frozen=True)
class HyperOptions:
    """Trains a hyper-policy; finds or trains its base policies first.

    Attributes:
        run: of each stage; out is the folder for both, runs/hyper/k<k>-seed<seed> by
            default, and env_steps those of each, the preset's by default.
        k: base policies.
        stage: "1" (follows grasp proposals), "2" (goes on from 1, free of them) or
            "both".
        normalisation: of the weights: "norm" (eq. 4) or "softmax".
        residual: add an action of its own; --no-residual leaves the mixture alone.
        base_seed: of the clusters of objects and the base policies.
        bases: folder in which base policies are looked for, before those that come with
            dexjax, and trained.
    """

    run: Annotated[PpoRun, tyro.conf.arg(name="")] = PpoRun()
    k: int = 4
    stage: str = "both"
    normalisation: str = "norm"
    residual: bool = True
    base_seed: int = 0
    bases: Path = Path("runs/base")

    LIMITS: ClassVar[Limits] = {
        "k": (1, 64),
        "stage": tuple(STAGES),
        "normalisation": NORMALISATIONS,
        "base_seed": (0, 2_000_000_000),
    }


def hyper_options(name: str) -> HyperOptions:
    """The options of a preset."""
    run = for_many_objects(preset(name))
    papers = name == "paper"
    ppo, network = run.ppo, run.network
    if not papers:
        ppo = dataclasses.replace(ppo, critic_first=CRITIC_FIRST)
        network = dataclasses.replace(network, initial_std=INITIAL_STD)
    observation = "full" if papers else "surface"
    return HyperOptions(
        dataclasses.replace(
            run,
            scene=dataclasses.replace(run.scene, object="everyday/train"),
            task=dataclasses.replace(run.task, observation=observation, pose=False),
            budget=dataclasses.replace(run.budget, env_steps=None, stop_at=0.0),
            ppo=ppo,
            network=network,
        )
    )


def train_hyper(options: HyperOptions) -> dict:
    """Trains stage by stage; again, it goes on. The last stage's summary.

    Raises:
        DexjaxError: for whatever is wrong with the options or a folder.
    """
    options = with_folder(options)
    options.run.check()
    check_observation(options.run)
    if options.run.task.reward != GraspConfig.reward:
        raise DexjaxError(
            f"reward {options.run.task.reward!r}: the stages of a hyper-policy have "
            "their own; choose by --stage"
        )
    bases = find_bases(options.run, options.k, options.base_seed, options.bases)
    summary: dict = {}
    for reward in STAGES[options.stage]:
        summary = train_stage(stage_run(options, bases, reward), bases)
        show(summary)
    return summary


def with_folder(options: HyperOptions) -> HyperOptions:
    """The options with the folder of their stages."""
    if options.run.out is not None:
        return options
    kind = "" if options.residual else "-no-residual"
    kind += "" if options.normalisation == "norm" else f"-{options.normalisation}"
    out = Path("runs/hyper") / f"k{options.k}{kind}-seed{options.run.seed}"
    return dataclasses.replace(options, run=dataclasses.replace(options.run, out=out))


def stage_run(options: HyperOptions, bases: Bases, reward: str) -> HyperRun:
    """The run of one stage, in its own folder."""
    run = options.run
    assert run.out is not None
    steps = run.budget.env_steps or ENV_STEPS[run.preset][reward]
    fields = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)}
    fields["task"] = dataclasses.replace(run.task, reward=reward)
    fields["budget"] = dataclasses.replace(run.budget, env_steps=steps)
    fields["out"] = run.out / reward
    return HyperRun(
        **fields,
        mixture=MixtureConfig(
            bases=tuple(base.object for base in bases),
            digests=tuple(base.digest for base in bases),
            residual=options.residual,
            normalisation=options.normalisation,
        ),
        start=run.out / "stage1" if reward == "stage2" else None,
    )


def train_stage(run: HyperRun, bases: Bases) -> dict:
    """Trains one stage, or says that it is there. The summary."""
    started = time.monotonic()
    run.check()
    check_bases(bases, run)
    check_start(run)

    def learner(task: GraspTask, placement: Placement | None) -> Learner:
        assert run.out is not None
        own = [base.summary | {"digest": base.digest} for base in bases]
        write_json(run.out / "bases.json", own)
        return make_hyper(task, bases, run, placement)

    return launch(run, learner, started)


def make_hyper(
    task: GraspTask,
    bases: Bases,
    run: HyperRun,
    placement: Placement | None = None,
) -> Learner:
    """PPO of a hyper-policy; its policy gives actions of the task, mixed already.

    Args:
        task: the grasping task.
        bases: that are mixed; see `check_bases`.
        run: of the hyper-policy; it may start where another ended.
        placement: see `make_ppo`.
    """
    stacked = BasePolicies.of([base.policy for base in bases])
    mixture = Mixture(stacked, run.mixture.residual, run.mixture.normalisation)
    steered = MixtureTask(task, mixture)
    ppo = ppo_learner(run)(steered, placement)

    def init(key: jax.Array) -> TrainState:
        state = ppo.init(key)
        return state if run.start is None else _started(state, run.start)

    def policy(state: TrainState) -> MixturePolicy:
        hyper = ppo.policy(state)
        assert isinstance(hyper, ActorPolicy)
        return steered.policy(hyper)

    return Learner(init, ppo.train, policy)


def check_start(run: HyperRun) -> None:
    """Refuses a stage that goes on from another which is not finished."""
    if run.start is None:
        return
    if not (run.start / "summary.json").exists():
        raise DexjaxError(
            f"stage 2 goes on from {run.start}, where there is no finished stage 1: "
            "train it with --stage 1 or both"
        )
    print(f"starting from {run.start}")


def _started(state: TrainState, folder: Path) -> TrainState:
    """A training's start with the networks and statistics that another ended with."""
    parts = {}
    for name in ("params", "statistics"):
        own = getattr(state, name)
        _, parts[name], _ = checkpoint.restore(
            folder / "checkpoints", own, part=f"state/{name}"
        )
    return state.replace(**parts)
