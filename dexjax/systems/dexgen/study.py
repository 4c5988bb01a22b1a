"""The study: what a controller makes of bad commands (DexterityGen, Figure 8)."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import jax
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.limits import Limits
from dexjax.networks.diffusion.film_unet import MODES, ROTATION
from dexjax.physics.choice import ENGINES
from dexjax.policies.controller import Controller
from dexjax.policies.policy import Policy, check_fits
from dexjax.runs.assemble import assemble_engine, grasp_sets, load_run_objects
from dexjax.runs.kept import with_kept
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import InhandRun
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.shipped import find
from dexjax.systems.dexgen.trials import (
    CONTROL_S,
    DISTURBANCES,
    Acting,
    Simple,
    Trial,
    make_trial,
    rates,
    simple,
)
from dexjax.tasks.inhand import InhandTask

# Guidance: from none to all but the command alone.
GUIDANCES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclasses.dataclass(frozen=True)
class StudyOptions:
    """Measures an expert whose actions are disturbed, with and without a controller.

    Attributes:
        expert: folder of the expert, or its name if it comes with dexjax.
        controller: the same of the controller; empty measures without one.
        object: other objects than the expert's own.
        grasps: grasp sets of these.
        guidance: strengths to measure.
        disturbances: some of those that there are; all by default.
        mode: of goals and the controller: "default", any near grasp, or "precision
            rotation", the object turned in its place.
        simple: also measure doing nothing, anything, and setting the targets to the
            goal's.
        worlds: hands at once.
        seconds: simulated, of each.
        engine: "auto", "native", "mjx" or "warp".
        seed: of everything.
        out: JSON file for the rows; those that are there already are kept.
    """

    expert: str = "runs/dexgen/expert-0"
    controller: str = "runs/dexgen/controller"
    object: str = ""
    grasps: Path | None = None
    guidance: tuple[float, ...] = GUIDANCES
    disturbances: tuple[str, ...] = tuple(DISTURBANCES)
    mode: str = MODES[0]
    simple: bool = False
    worlds: int = 256
    seconds: int = 120
    engine: str = "auto"
    seed: int = 0
    out: Path = Path("runs/dexgen/study.json")

    LIMITS: ClassVar[Limits] = {
        "disturbances": tuple(DISTURBANCES),
        "guidance": (0.0, 1e9),
        "mode": MODES,
        "worlds": (1, 100_000),
        "seconds": (1, 100_000),
        "engine": tuple(ENGINES),
        "seed": (0, 2_000_000_000),
    }


@dataclasses.dataclass(frozen=True)
class Cell:
    """One row to measure.

    Attributes:
        policy: what acts or commands.
        disturbance: of its actions.
        controlled: whether a controller acts in its place.
        guidance: of that.
    """

    policy: str
    disturbance: str
    controlled: bool = False
    guidance: float = 0.0


def study(options: StudyOptions) -> list[dict]:
    """Measures what is missing, row by row; again, it goes on. All rows.

    Raises:
        DexjaxError: for policies that do not fit the task.
    """
    expert = load_stored(find(options.expert))
    run = studied_run(expert, options)
    task = study_task(run, options)
    check_fits(expert, task.spec, options.expert)
    controller = load_controller(options.controller, task)
    rows = read_json(options.out) if options.out.exists() else []
    trials: dict[tuple[str, bool], Trial] = {}
    for cell in tqdm(list(cells(options)), unit=" rows"):
        key = _key(cell, run.scene.object, options)
        if any(all(row.get(n) == v for n, v in key.items()) for row in rows):
            continue
        made = (cell.policy, cell.controlled)
        if made not in trials:
            trials[made] = _trial(cell, task, expert, controller, options)
        rows.append(_row(cell, trials[made], task, controller, key, options))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(options.out, rows)
    return rows


def cells(options: StudyOptions) -> Iterator[Cell]:
    """All rows in order."""
    if options.simple:
        for kind in Simple.KINDS:
            yield Cell(kind, "none")
    for name in options.disturbances:
        yield Cell("expert", name)
        if options.controller:
            for guidance in options.guidance:
                yield Cell("expert", name, True, guidance)


def studied_run(expert: StoredPolicy, options: StudyOptions) -> InhandRun:
    """The expert's run with what is asked for on top.

    Raises:
        DexjaxError: for a policy of another task, or objects without grasps.
    """
    run = with_kept(expert.folder, expert.run)
    if not isinstance(run, InhandRun):
        raise DexjaxError(f"{options.expert} is no expert of moving things in the hand")
    scene = dataclasses.replace(
        run.scene,
        engine=options.engine,
        object=options.object or run.scene.object,
        grasps=options.grasps or run.scene.grasps,
    )
    return dataclasses.replace(run, scene=scene, seed=options.seed)


def study_task(run: InhandRun, options: StudyOptions) -> InhandTask:
    """The task of a study: an episode ends where the object is dropped, or at the end.

    All goals are of its mode and as far as usual, and the palm is turned in all.
    """
    config = dataclasses.replace(
        run.task.of_evaluation,
        episode_steps=round(options.seconds / CONTROL_S) + 1,
        rotation_share=float(options.mode == MODES[ROTATION]),
    )
    engine = assemble_engine(run, load_run_objects(run))
    return InhandTask(engine, config, grasp_sets(run.scene))


def load_controller(name: str, task: InhandTask) -> Controller | None:
    """A controller for a task; none for no name.

    Raises:
        DexjaxError: for a policy that is none, or of another hand.
    """
    if not name:
        return None
    stored = load_stored(find(name))
    if not isinstance(stored.policy, Controller):
        raise DexjaxError(f"{name} is no controller")
    check_fits(stored.policy, task.spec, name)
    return stored.policy


def _trial(
    cell: Cell,
    task: InhandTask,
    expert: StoredPolicy,
    controller: Controller | None,
    options: StudyOptions,
) -> Trial:
    policy: Policy = expert.policy
    if cell.policy != "expert":
        policy = simple(cell.policy, task)
    steps = round(options.seconds / CONTROL_S)
    own = controller if cell.controlled else None
    return make_trial(Acting(task, policy, options.worlds, steps, own))


def _key(cell: Cell, objects: str, options: StudyOptions) -> dict:
    """What a row is found by."""
    return {
        "policy": cell.policy,
        "disturbance": cell.disturbance,
        "controller": options.controller if cell.controlled else "",
        "guidance": cell.guidance,
        "objects": objects,
        "mode": options.mode,
        "worlds": options.worlds,
        "seconds": options.seconds,
        "seed": options.seed,
    }


def _row(
    cell: Cell,
    trial: Trial,
    task: InhandTask,
    controller: Controller | None,
    key: dict,
    options: StudyOptions,
) -> dict:
    steps = round(options.seconds / CONTROL_S)
    began = time.monotonic()
    disturbance, mode = DISTURBANCES[cell.disturbance], MODES.index(options.mode)
    counts = trial(jax.random.key(options.seed), disturbance, cell.guidance, mode)
    return {
        **key,
        "sampler": controller.steps if controller and cell.controlled else 0,
        **rates(counts, steps),
        "wall_s": round(time.monotonic() - began, 1),
        "engine": task.engine.name,
        **provenance(),
    }
