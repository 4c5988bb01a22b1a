"""All of DexterityGen in one command, each part the input of the next.

Grasp sets -> experts -> transitions -> controller -> study. Every part goes on where it
was interrupted, and does nothing once it is done.
"""

import dataclasses
from pathlib import Path
from typing import ClassVar, NamedTuple

from dexjax.learners.diffusion import preset
from dexjax.limits import Limits, one_of
from dexjax.objects.geometric import SPLITS
from dexjax.physics.choice import ENGINES
from dexjax.systems.dexgen.controller import ControllerRun, train_controller
from dexjax.systems.dexgen.expert import ExpertRun, train_expert
from dexjax.systems.dexgen.figure import draw_study
from dexjax.systems.dexgen.grasp_sets import GraspSetOptions, make_grasp_sets
from dexjax.systems.dexgen.presets import expert_preset
from dexjax.systems.dexgen.study import StudyOptions, study
from dexjax.systems.dexgen.transitions import TransitionOptions, collect

# Weights of the experts' style, by turns: different weights make different movements.
STYLES = (1.0, 0.3)


class Size(NamedTuple):
    """How much a preset makes of everything that has no preset of its own.

    Attributes:
        names: objects, of those to train on; all by default.
        grasps: of every object with every turn of the palm.
        transitions: in all.
        shard: worlds and control steps of one.
        worlds, seconds: of the study.
    """

    names: str
    grasps: int
    transitions: int
    shard: tuple[int, int]
    worlds: int
    seconds: int


SIZES = {
    "smoke": Size("cube", 30, 12_800, (64, 100), 16, 5),
    "laptop": Size("", 300, 10_000_000, (512, 300), 256, 30),
    "gpu": Size("", 2000, 100_000_000, (4096, 300), 1024, 1200),
    "paper": Size("", 20_000, 10_000_000_000, (8192, 300), 1024, 1200),
}


@dataclasses.dataclass(frozen=True)
class DexgenOptions:
    """Makes and measures the whole of DexterityGen; goes on where it was interrupted.

    Attributes:
        preset: "smoke", "laptop", "gpu" or "paper".
        seeds: one expert for each.
        hand: "allegro", "shadow" or the .yaml file that describes your own.
        engine: "auto", "native", "mjx" or "warp".
        runs: folder for everything.
        out: JSON file for the rows of the study, the figure beside it; in `runs` by
            default.
    """

    preset: str = "laptop"
    seeds: tuple[int, ...] = (0, 1)
    hand: str = "allegro"
    engine: str = "auto"
    runs: Path = Path("runs/dexgen")
    out: Path | None = None

    LIMITS: ClassVar[Limits] = {
        "preset": tuple(SIZES),
        "seeds": (0, 2_000_000_000),
        "engine": tuple(ENGINES),
    }

    @property
    def size(self) -> Size:
        """The preset's."""
        return one_of("preset", self.preset, SIZES)

    def expert(self, seed: int) -> Path:
        """Folder of an expert."""
        return self.runs / f"expert-{seed}"

    def sets(self, split: str) -> Path:
        """Folder of the grasp sets of a split."""
        return self.runs / "grasp-sets" / split


def run_dexgen(options: DexgenOptions) -> list[dict]:
    """Makes what is missing, measures what is missing; the rows of the study.

    Raises:
        DexjaxError: for whatever is wrong with a part or its folder.
    """
    for split in SPLITS:
        make_grasp_sets(set_options(options, split))
    for number, seed in enumerate(options.seeds):
        train_expert(expert_run(options, number, seed))
    collect(transition_options(options))
    train_controller(controller_options(options))
    out = options.out or options.runs / "study.json"
    rows: list[dict] = []
    for split in SPLITS:
        rows = study(study_options(options, split, out))
    draw_study(rows, out.with_suffix(".png"))
    return rows


def set_options(options: DexgenOptions, split: str) -> GraspSetOptions:
    """How the grasp sets of a split are made."""
    return GraspSetOptions(
        objects=split,
        names=options.size.names if split == "train" else "",
        hand=options.hand,
        size=options.size.grasps,
        engine=options.engine,
        out=options.sets(split),
    )


def expert_run(options: DexgenOptions, number: int, seed: int) -> ExpertRun:
    """How an expert is trained, the so-manyth."""
    usual = expert_preset(options.preset)
    scene = dataclasses.replace(
        usual.scene,
        hand=options.hand,
        engine=options.engine,
        grasps=options.sets("train") / "grasp_sets.npz",
    )
    task = dataclasses.replace(usual.task, style=STYLES[number % len(STYLES)])
    return dataclasses.replace(
        usual, scene=scene, task=task, seed=seed, out=options.expert(seed)
    )


def transition_options(options: DexgenOptions) -> TransitionOptions:
    """How transitions are collected."""
    worlds, steps = options.size.shard
    return TransitionOptions(
        experts=",".join(str(options.expert(seed)) for seed in options.seeds),
        steps=options.size.transitions,
        worlds=worlds,
        shard_steps=steps,
        engine=options.engine,
        out=options.runs / "transitions",
    )


def controller_options(options: DexgenOptions) -> ControllerRun:
    """How the controller is trained."""
    return ControllerRun(
        preset=options.preset,
        diffusion=preset(options.preset),
        transitions=options.runs / "transitions",
        out=options.runs / "controller",
    )


def study_options(options: DexgenOptions, split: str, out: Path) -> StudyOptions:
    """How the controller is measured on a split."""
    names = options.size.names
    chosen = f"geometric/{split}"
    if split == "train" and names:
        chosen += f"/{names}"
    return StudyOptions(
        expert=str(options.expert(options.seeds[0])),
        controller=str(options.runs / "controller"),
        object=chosen,
        grasps=options.sets(split) / "grasp_sets.npz",
        simple=True,
        worlds=options.size.worlds,
        seconds=options.size.seconds,
        engine=options.engine,
        out=out,
    )
