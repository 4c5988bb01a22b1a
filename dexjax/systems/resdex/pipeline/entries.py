"""The policies of ResDex's tables, in the order in which they need each other."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dexjax.learners.autoencoder import AutoencoderConfig
from dexjax.runs.run import PpoRun
from dexjax.runs.storage.files import read_json
from dexjax.systems.resdex.base import train_base
from dexjax.systems.resdex.encoder_training import EncoderOptions
from dexjax.systems.resdex.hyper import hyper_options, train_hyper
from dexjax.systems.resdex.pipeline.options import Pipeline
from dexjax.systems.resdex.presets import for_many_objects, preset
from dexjax.systems.resdex.student import student_options, train_student

# Figure 2: base policies of an object of each of these categories, of three kinds.
ABLATED = ("phone", "toy_figure", "bottle", "game_console", "toilet_paper", "mug")
KINDS: dict[str, dict[str, Any]] = {
    "geometry-unaware": {},
    "full observation": {"observation": "full"},
    "full pose reward": {"reward": "full-pose"},
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One policy of the tables.

    Attributes:
        train: trains it, or does nothing if that is done.
        folder: where it leaves the run.
        fields: of its rows.
        seed: of the training.
        only: split that it is measured on; all by default.
    """

    train: Callable[[], object]
    folder: Path
    fields: dict
    seed: int
    only: str | None = None


def entries(options: Pipeline) -> Iterator[Entry]:
    """All policies, seed after seed."""
    most = max(options.k)
    for seed in options.seeds:
        for k in options.k:
            yield from hyper(options, k, seed, residual=True)
        if options.vision and most > 1:
            yield from students(options, most, seed)
        if options.baselines:
            for k in options.k:
                stages = (1, 2) if k == most else (1,)
                yield from hyper(options, k, seed, residual=False, stages=stages)
            yield plain(options, seed)
        if options.ablations:
            yield from bases(options, seed)


def encoder_options(name: str, out: Path) -> EncoderOptions:
    """How the encoder of a preset is trained."""
    few = AutoencoderConfig(steps=50) if name == "smoke" else AutoencoderConfig()
    return EncoderOptions(autoencoder=few, out=out)


def hyper(
    options: Pipeline,
    k: int,
    seed: int,
    residual: bool,
    stages: tuple[int, ...] = (1, 2),
) -> Iterator[Entry]:
    """Stages of a hyper-policy."""
    folder = hyper_folder(options, k, seed, residual)
    usual = hyper_options(options.preset)
    run = placed(usual.run, options, seed, folder)
    budget = dataclasses.replace(run.budget, env_steps=options.env_steps)
    asked = dataclasses.replace(
        usual,
        run=dataclasses.replace(run, budget=budget),
        k=k,
        residual=residual,
        bases=options.runs / "base",
    )
    for stage in stages:
        one = dataclasses.replace(asked, stage=str(stage))
        yield Entry(
            lambda one=one: train_hyper(one),  # type: ignore[misc]
            folder / f"stage{stage}",
            {"policy": "hyper", "k": k, "stage": stage, "residual": residual},
            seed,
        )


def hyper_folder(options: Pipeline, k: int, seed: int, residual: bool) -> Path:
    """Where the stages of a hyper-policy are."""
    kind = "" if residual else "-no-residual"
    return options.runs / "hyper" / f"k{k}{kind}-seed{seed}"


def students(options: Pipeline, k: int, seed: int) -> Iterator[Entry]:
    """The vision students of a hyper-policy."""
    teacher = str(hyper_folder(options, k, seed, True) / "stage2")
    for cloud in ("points", "seen-points"):
        folder = options.runs / "distill" / f"{cloud}-seed{seed}"

        def train(cloud: str = cloud, folder: Path = folder) -> dict:
            usual = student_options(options.preset, teacher, cloud)
            scene = dataclasses.replace(usual.run.scene, engine=options.engine)
            run = dataclasses.replace(usual.run, scene=scene, seed=seed, out=folder)
            return train_student(dataclasses.replace(usual, run=run))

        fields = {"policy": "student", "k": k, "cloud": cloud, "teacher": teacher}
        yield Entry(train, folder, fields, seed)


def plain(options: Pipeline, seed: int) -> Entry:
    """PPO on all objects at once, tuned alike, at the same cost.

    That is the steps of both stages and of the base policies that are mixed; those that
    were passed over are not counted.
    """
    folder = options.runs / "plain" / f"seed{seed}"

    def train() -> dict:
        mixture = hyper_folder(options, max(options.k), seed, True)
        stages = [mixture / "stage1", mixture / "stage2"]
        spent = [read_json(stage / "summary.json") for stage in stages]
        spent += read_json(stages[0] / "bases.json")
        run = placed(for_many_objects(preset(options.preset)), options, seed, folder)
        budget = dataclasses.replace(
            run.budget, env_steps=sum(each["env_steps"] for each in spent), stop_at=0.0
        )
        scene = dataclasses.replace(run.scene, object="everyday/train")
        task = dataclasses.replace(run.task, observation="surface")
        return train_base(
            dataclasses.replace(run, scene=scene, task=task, budget=budget)
        )

    return Entry(train, folder, {"policy": "ppo"}, seed)


def bases(options: Pipeline, seed: int) -> Iterator[Entry]:
    """Base policies that see or are rewarded for more than ours.

    They are measured on all objects to train on, of which each has seen one.
    """
    for category in ABLATED:
        for kind, choices in KINDS.items():
            name = f"{category}-{kind}-seed{seed}".replace(" ", "-")
            folder = options.runs / "ablations" / name
            run = placed(preset(options.preset), options, seed, folder)
            one = f"everyday/train/{category}:1"
            run = dataclasses.replace(
                run,
                scene=dataclasses.replace(run.scene, object=one),
                task=dataclasses.replace(run.task, **choices),
            )
            yield Entry(
                lambda run=run: train_base(run),  # type: ignore[misc]
                folder,
                {"policy": "base", "object": category, "kind": kind},
                seed,
                only="train",
            )


def placed(run: PpoRun, options: Pipeline, seed: int, out: Path) -> PpoRun:
    """A run with what all runs of the pipeline have in common."""
    encoder = options.encoder or options.runs / "codes"
    scene = dataclasses.replace(run.scene, encoder=encoder, engine=options.engine)
    return dataclasses.replace(run, scene=scene, seed=seed, out=out)
