"""The library in a few names: make a task, load a policy, train, evaluate."""

import dataclasses
import difflib
import functools
from pathlib import Path
from typing import Any

from dexjax import shipped, tasks
from dexjax.errors import DexjaxError
from dexjax.evaluation.episodes import Evaluation
from dexjax.evaluation.episodes import evaluate as run_episodes
from dexjax.policies.policy import Policy
from dexjax.render.film import film
from dexjax.runs.assemble import (
    assemble_engine,
    load_scene_objects,
    use_compilation_cache,
)
from dexjax.runs.kept import with_kept
from dexjax.runs.run import PpoRun, SceneConfig
from dexjax.runs.storage.files import make_folder
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.scene import Scene
from dexjax.systems.resdex.base import train_base
from dexjax.systems.resdex.presets import preset as base_preset
from dexjax.tasks.grasp import GraspConfig, GraspTask
from dexjax.tasks.grasp.observations import OBSERVATIONS, RELATIVE

# What only a training does with its episodes; comes from its preset.
_WHOLE_EPISODES: dict[str, Any] = {
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
        objects = load_scene_objects(run.scene, run.task.observes_codes)
        engine = assemble_engine(run.scene, objects)
        super().__init__(engine, run.task, run.seed, encoder)
        self.run = run
        # Another task is another program to compile: the last ones are kept.
        self.measured = functools.lru_cache(2)(self.fresh)


@dataclasses.dataclass(frozen=True)
class Result:
    """What an evaluation found.

    Attributes:
        evaluation: episode by episode.
        scene: what the worlds hold.
    """

    evaluation: Evaluation
    scene: Scene

    @property
    def success(self) -> float:
        """Share of the episodes that were a success."""
        return float(self.evaluation.succeeded.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of it."""
        low, high = self.evaluation.summary()["ci95"]
        return low, high

    @property
    def episodes(self) -> int:
        """How many there were."""
        return len(self.evaluation.succeeded)

    @property
    def outcomes(self) -> dict[str, float]:
        """Share of the episodes that ended as each outcome."""
        return {n: float(x.mean()) for n, x in self.evaluation.outcomes.items()}

    def film(self, path: str | Path) -> None:
        """Films a few of the episodes: an .mp4 file, and a contact sheet beside it."""
        path = Path(path).expanduser()
        make_folder(path.parent)
        film(path.parent, path.stem, self.scene, self.evaluation.recorded)

    def __str__(self) -> str:
        """One line."""
        low, high = self.interval
        return (
            f"success {self.success:.1%} (95 % interval {low:.1%} to {high:.1%}) "
            f"of {self.episodes} episodes"
        )


def load(name: str | Path) -> StoredPolicy:
    """Reads a trained policy with all that acting needs.

    Args:
        name: of a policy that comes with dexjax, or the folder of a run or an export.

    Raises:
        DexjaxError: if there is none, or something of it is missing.
    """
    return load_stored(shipped.find(name))


def make(
    task: str,
    *,
    objects: str = "mug",
    sees: Policy | str = "geometry-unaware",
    seed: int = 0,
    **choices: Any,
) -> MadeTask:
    """Makes a task; `jax.vmap` its `reset` over keys and its `step` over worlds.

    Args:
        task: one of `dexjax.tasks()`.
        objects: as for a training: "mug", "mug,can:2", "thing.stl" or
            "everyday/train:64".
        sees: a policy, whose observations the task then gives, or one of "full",
            "surface", "points", "seen-points" and "geometry-unaware".
        seed: of the start states.
        **choices: any field of `SceneConfig` (hand, wrist, engine, size, dexgraspnet,
            encoder, grasps) and of `GraspConfig` (reward, goal_height, starts, …).

    Raises:
        DexjaxError: for whatever does not exist or does not fit; names what would.
    """
    if task not in tasks.NAMES:
        raise DexjaxError(f"task {task!r}: choose from {', '.join(tasks.NAMES)}")
    use_compilation_cache()
    usual = base_preset("laptop")
    scene, grasp = usual.scene, dataclasses.replace(usual.task, **_WHOLE_EPISODES)
    if isinstance(sees, str):
        grasp = dataclasses.replace(grasp, observation=sees)
    else:
        scene, grasp = _as_seen_by(sees, scene, grasp)
    scene = dataclasses.replace(scene, object=objects)
    scene, grasp = _chosen(choices, scene, grasp)
    run = dataclasses.replace(usual, scene=scene, task=grasp, seed=seed)
    run.check()
    return MadeTask(run, _encoder(run))


def evaluate(
    task: MadeTask, policy: Policy, episodes: int = 256, seed: int = 0
) -> Result:
    """Runs a policy on fresh episodes of a task.

    Another policy of the same kind on the same episodes needs no new compilation.

    Args:
        task: what `make` made.
        policy: what acts.
        episodes: at least so many, equally many of each object.
        seed: of start states and episodes; no training has had these.

    Raises:
        DexjaxError: if the policy was not made for the task, or there are no episodes.
    """
    if episodes < 1:
        raise DexjaxError(f"{episodes} episodes: give at least 1")
    each = -(-episodes // len(task.objects))
    fresh = task.measured(each, seed)
    found = run_episodes(fresh, policy, fresh.episodes(each), seed)
    return Result(found, task.engine.scene)


def train(
    task: MadeTask, preset: str = "laptop", out: str | Path = "runs/mine", **budget: Any
) -> StoredPolicy:
    """Trains a policy on a task by PPO; again, it goes on where it stopped.

    Args:
        task: what `make` made.
        preset: "smoke", "laptop", "gpu" or "paper".
        out: run folder.
        **budget: any field of `Budget` (env_steps, stop_at, …).

    Raises:
        DexjaxError: for whatever is wrong with the choices or the folder.
    """
    usual = base_preset(preset)
    training = {name: getattr(usual.task, name) for name in _WHOLE_EPISODES}
    _check_names(budget, {f.name for f in dataclasses.fields(usual.budget)})
    run = dataclasses.replace(
        usual,
        scene=task.run.scene,
        task=dataclasses.replace(task.run.task, **training),
        budget=dataclasses.replace(usual.budget, **budget),
        seed=task.run.seed,
        out=Path(out).expanduser(),
    )
    train_base(run)
    return load_stored(Path(out))


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
    return scene, task


def _chosen(
    choices: dict[str, Any], scene: SceneConfig, task: GraspConfig
) -> tuple[SceneConfig, GraspConfig]:
    """Scene and task with further choices, each where it belongs."""
    parts = [{f.name for f in dataclasses.fields(part)} for part in (scene, task)]
    _check_names(choices, parts[0] | parts[1])
    paths = {name: choices[name] for name in _FOLDERS if choices.get(name)}
    choices = choices | {name: Path(p).expanduser() for name, p in paths.items()}
    own, other = ({n: v for n, v in choices.items() if n in part} for part in parts)
    return dataclasses.replace(scene, **own), dataclasses.replace(task, **other)


_FOLDERS = ("dexgraspnet", "encoder", "grasps")


def _check_names(choices: dict[str, Any], known: set[str]) -> None:
    for name in choices:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = ", ".join(near or sorted(known))
            raise DexjaxError(f"no choice {name!r}: there are {hint}")


def _encoder(run: PpoRun) -> str:
    """Name of what gives the object codes of a run."""
    from dexjax.runs.encoder import encoder_name

    return encoder_name(run.scene.encoder) if run.task.observes_codes else ""
