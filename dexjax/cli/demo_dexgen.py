"""`dexjax demo dexgen`: bad commands alone and through a controller, side by side."""

import dataclasses
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ClassVar

import jax
import numpy as np

from dexjax.cli.arguments import parse
from dexjax.limits import Limits
from dexjax.policies.controller import Controller
from dexjax.policies.policy import check_fits
from dexjax.render.film import frame_rate
from dexjax.render.picture import render_trajectory
from dexjax.render.video import captioned, contact_sheet, pick_frames, write_video
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.storage.files import make_folder
from dexjax.runs.stored import load_stored
from dexjax.scene import Scene
from dexjax.shipped import find
from dexjax.systems.dexgen.study import (
    StudyOptions,
    load_controller,
    studied_run,
    study_task,
)
from dexjax.systems.dexgen.trials import (
    CONTROL_S,
    DISTURBANCES,
    Acting,
    Recorded,
    make_recording,
)
from dexjax.tasks.inhand import InhandTask

HANDS = 16  # of which so many are filmed:
FILMED = 2
SHEET_FRAMES = 6
ALONE, LED = "command alone", "through the controller"


@dataclasses.dataclass(frozen=True)
class Options:
    """Films what hands do under bad commands, without and with a controller.

    Attributes:
        expert: folder or name of the policy whose actions are disturbed.
        controller: the same of the controller.
        object: other objects than the expert's own.
        grasps: grasp sets of these.
        disturbance: what is done to the actions.
        guidance: how much the controller heeds the command.
        seconds: simulated.
        seed: of start states, goals and noise.
        out: folder for the film and a picture.
    """

    expert: str = "dexgen/expert"
    controller: str = "dexgen/controller"
    object: str = ""
    grasps: Path | None = None
    disturbance: str = "+ U(±1.5)"
    guidance: float = 0.1
    seconds: int = 15
    seed: int = 0
    out: Path = Path("runs/demo")

    LIMITS: ClassVar[Limits] = {
        "disturbance": tuple(DISTURBANCES),
        "guidance": (0.0, 1e9),
        "seconds": (1, 10_000),
        "seed": (0, 2_000_000_000),
    }


def run(arguments: Sequence[str]) -> dict:
    """Films both and says how often each dropped the object."""
    options = parse(Options, arguments, Options(), "demo dexgen")
    use_compilation_cache()
    make_folder(options.out)
    recorded, task = record(options)
    minutes = HANDS * options.seconds / 60
    found = {
        name: {"drops_per_min": round(float(own.dropped.sum() / minutes), 2)}
        for name, own in recorded.items()
    }
    for name, own in found.items():
        print(f"{name}: dropped {own['drops_per_min']:.1f} times a minute")
    _film(options, recorded, task)
    return found


def record(options: Options) -> tuple[dict[str, Recorded], InhandTask]:
    """The same starts and noise without and with the controller, and their task."""
    expert = load_stored(find(options.expert))
    asked = StudyOptions(
        expert=options.expert,
        object=options.object,
        grasps=options.grasps,
        seconds=options.seconds,
        engine="native",
        seed=options.seed,
    )
    task = study_task(studied_run(expert, asked), asked)
    check_fits(expert, task.spec, options.expert)
    controller = load_controller(options.controller, task)
    steps = round(options.seconds / CONTROL_S)
    key = jax.random.key(options.seed)
    acting: dict[str, Controller | None] = {ALONE: None, LED: controller}
    recorded = {}
    for name, own in acting.items():
        recording = make_recording(Acting(task, expert.policy, HANDS, steps, own))
        recorded[name] = recording(
            key, DISTURBANCES[options.disturbance], options.guidance, 0
        )
    return recorded, task


def _film(options: Options, recorded: dict[str, Recorded], task: InhandTask) -> None:
    every, fps = frame_rate(task.engine)
    panes = [
        partial(_pane, task.engine.scene, name, own, every, number)
        for number in range(FILMED)
        for name, own in recorded.items()
    ]
    with ThreadPoolExecutor() as threads:
        drawn = list(threads.map(lambda pane: pane(), panes))
    rows = [
        [contact_sheet(pair, columns=2) for pair in zip(*drawn[i : i + 2], strict=True)]
        for i in range(0, len(drawn), 2)
    ]
    film = [contact_sheet(both, columns=1) for both in zip(*rows, strict=True)]
    video, picture = options.out / "dexgen.mp4", options.out / "dexgen.png"
    trouble = write_video(video, film, fps)
    if trouble:
        print(trouble, file=sys.stderr)
    sheet = [frame for pane in drawn[:2] for frame in pick_frames(pane, SHEET_FRAMES)]
    contact_sheet(sheet, picture, columns=SHEET_FRAMES)
    print(f"wrote {video} and {picture.name}")


def _pane(
    scene: Scene, name: str, recorded: Recorded, every: int, number: int
) -> list[np.ndarray]:
    """Frames of one hand, each saying for how long it has held the object."""
    physics = recorded.physics
    models = [scene.models[i] for i in physics.object_id[::every, number]]
    pictures = render_trajectory(models, np.asarray(physics.qpos[::every, number]))
    held = held_s(np.asarray(recorded.dropped[:, number]))[::every]
    return [
        captioned(picture, f"{name}: held for {seconds:.1f} s")
        for picture, seconds in zip(pictures, held, strict=True)
    ]


def held_s(dropped: np.ndarray) -> np.ndarray:
    """Seconds since the last drop before each step, of (steps,) bool."""
    steps = np.arange(len(dropped))
    fresh = np.concatenate([[True], dropped[:-1]])
    return (steps - np.maximum.accumulate(np.where(fresh, steps, 0))) * CONTROL_S
