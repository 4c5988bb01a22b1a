"""Tasks made by name and choices, for the library."""

import dataclasses
import difflib
import functools
from pathlib import Path
from typing import Any, TypeVar

from dexjax import tasks
from dexjax.errors import DexjaxError
from dexjax.policies.policy import Policy
from dexjax.runs.assemble import (
    assemble_engine,
    grasp_sets,
    load_run_objects,
    use_compilation_cache,
)
from dexjax.runs.encoder import encoder_name
from dexjax.runs.kept import with_kept
from dexjax.runs.run import InhandRun, PpoRun, SceneConfig
from dexjax.runs.stored import StoredPolicy
from dexjax.systems.resdex.presets import preset as base_preset
from dexjax.tasks.grasp import GraspConfig, GraspTask
from dexjax.tasks.grasp.observations import OBSERVATIONS, RELATIVE
from dexjax.tasks.inhand import InhandConfig, InhandTask

T = TypeVar("T", GraspConfig, InhandConfig)
# What only a training does with its episodes; comes from its preset.
WHOLE_EPISODES: dict[str, Any] = {
    "near_share": 0.0,
    "retry_share": 0.0,
    "enough_steps": 0,
}


class MadeTask(GraspTask):
    """A grasping task that knows how it would be trained.

    Attributes:
        run: a training of it, by the preset "laptop".
        measured: as `fresh`; asked for the same again it gives the same task.
    """

    def __init__(self, run: PpoRun, encoder: str):
        """Makes engine and start states.

        Args:
            run: names scene and task.
            encoder: name of what gives the object codes.

        Raises:
            DexjaxError: for whatever does not exist.
        """
        engine = assemble_engine(run, load_run_objects(run))
        super().__init__(engine, run.task, run.seed, encoder)
        self.run = run
        # Another task is another program to compile: the last ones are kept.
        self.measured = functools.lru_cache(2)(self.fresh)


class MadeInhandTask(InhandTask):
    """An in-hand task that knows how it would be trained.

    Attributes:
        run: names scene and task.
        measured: as `fresh`; asked for the same again it gives the same task.
    """

    def __init__(self, run: InhandRun):
        """Makes the engine and reads the grasp sets.

        Raises:
            DexjaxError: for whatever does not exist or does not fit.
        """
        engine = assemble_engine(run, load_run_objects(run))
        super().__init__(engine, run.task, grasp_sets(run.scene))
        self.run = run
        self.measured = functools.lru_cache(2)(self.fresh)


def make(
    task: str,
    *,
    objects: str = "",
    sees: Policy | str = "geometry-unaware",
    seed: int = 0,
    **choices: Any,
) -> MadeTask | MadeInhandTask:
    """Makes a task; `jax.vmap` its `reset` over keys and its `step` over worlds.

    Args:
        task: one of `dexjax.tasks()`.
        objects: as for a training: "mug", "mug,can:2", "thing.stl" or
            "everyday/train:64"; a mug by default, and in the hand "geometric/train".
        sees: a policy, whose observations the task then gives, or one of "full",
            "surface", "points", "seen-points", "depth" and "geometry-unaware"; a task
            in the hand always observes the same, and takes hand and grasps of a policy.
        seed: of the start states.
        **choices: any field of `SceneConfig` (hand, wrist, engine, size, dexgraspnet,
            encoder, grasps) and of `GraspConfig` (reward, goal_height, starts, …) or
            `InhandConfig` (nearest, turn_every, …).

    Raises:
        DexjaxError: for whatever does not exist or does not fit; names what would.
    """
    if task not in tasks.NAMES:
        raise DexjaxError(f"task {task!r}: choose from {', '.join(tasks.NAMES)}")
    use_compilation_cache()
    if task == InhandConfig.KIND:
        return _make_inhand(objects, sees, seed, choices)
    usual = base_preset("laptop")
    scene, grasp = usual.scene, dataclasses.replace(usual.task, **WHOLE_EPISODES)
    if isinstance(sees, str):
        grasp = dataclasses.replace(grasp, observation=sees)
    else:
        scene, grasp = _as_seen_by(sees, scene, grasp)
    scene = dataclasses.replace(scene, object=objects or scene.object)
    scene, grasp = _chosen(choices, scene, grasp)
    run = dataclasses.replace(usual, scene=scene, task=grasp, seed=seed)
    run.check()
    return MadeTask(run, _encoder(run))


def _make_inhand(
    objects: str, sees: Policy | str, seed: int, choices: dict[str, Any]
) -> MadeInhandTask:
    """The in-hand task; see `make`."""
    run = InhandRun(seed=seed)
    if isinstance(sees, StoredPolicy):
        kept = with_kept(sees.folder, sees.run).scene
        scene = dataclasses.replace(run.scene, hand=kept.hand, grasps=kept.grasps)
        run = dataclasses.replace(run, scene=scene)
    scene = dataclasses.replace(run.scene, object=objects or run.scene.object)
    scene, task = _chosen(choices, scene, run.task)
    run = dataclasses.replace(run, scene=scene, task=task)
    run.check()
    return MadeInhandTask(run)


def _as_seen_by(
    policy: Policy, scene: SceneConfig, task: GraspConfig
) -> tuple[SceneConfig, GraspConfig]:
    """Scene and task with what a policy sees and moves."""
    names = {own.name for own in policy.spec.observations}
    kinds = [n for n, own in OBSERVATIONS.items() if {*own} == names - {RELATIVE}]
    if not kinds:
        raise DexjaxError(
            f"no grasping task observes just {', '.join(sorted(names))}, which the "
            "policy sees"
        )
    task = dataclasses.replace(task, observation=kinds[0], relative=RELATIVE in names)
    if isinstance(policy, StoredPolicy):
        trained = with_kept(policy.folder, policy.run).scene
        scene = dataclasses.replace(
            scene, hand=trained.hand, wrist=trained.wrist, encoder=trained.encoder
        )
        if isinstance(policy.run.task, GraspConfig):
            own = policy.run.task
            task = dataclasses.replace(task, cameras=own.cameras, pixels=own.pixels)
    return scene, task


def _chosen(
    choices: dict[str, Any], scene: SceneConfig, task: T
) -> tuple[SceneConfig, T]:
    """Scene and task with further choices, each where it belongs."""
    parts = [{f.name for f in dataclasses.fields(part)} for part in (scene, task)]
    check_names(choices, parts[0] | parts[1])
    paths = {name: choices[name] for name in _FOLDERS if choices.get(name)}
    choices = choices | {name: Path(p).expanduser() for name, p in paths.items()}
    own, other = ({n: v for n, v in choices.items() if n in part} for part in parts)
    return dataclasses.replace(scene, **own), dataclasses.replace(task, **other)


_FOLDERS = ("dexgraspnet", "encoder", "grasps")


def check_names(choices: dict[str, Any], known: set[str]) -> None:
    """Refuses a choice that there is not, and proposes others.

    Raises:
        DexjaxError: names it.
    """
    for name in choices:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = ", ".join(near or sorted(known))
            raise DexjaxError(f"no choice {name!r}: there are {hint}")


def _encoder(run: PpoRun) -> str:
    """Name of what gives the object codes of a run."""
    return encoder_name(run.scene.encoder) if run.task.observes_codes else ""
