"""The library in a few names: make a task, load a policy, train, evaluate."""

import dataclasses
from pathlib import Path
from typing import Any

from dexjax import shipped
from dexjax.errors import DexjaxError
from dexjax.evaluation.episodes import Evaluation
from dexjax.evaluation.episodes import evaluate as run_episodes
from dexjax.making import (
    WHOLE_EPISODES,
    MadeInhandTask,
    MadeTask,
    check_names,
    make,
)
from dexjax.physics.engine import Engine
from dexjax.policies.policy import Policy
from dexjax.render.film import film
from dexjax.runs.storage.files import make_folder
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.systems.dexgen.expert import ExpertRun, train_expert
from dexjax.systems.dexgen.presets import expert_preset
from dexjax.systems.resdex.base import train_base
from dexjax.systems.resdex.presets import preset as base_preset

__all__ = ["MadeInhandTask", "MadeTask", "Result", "evaluate", "load", "make", "train"]


@dataclasses.dataclass(frozen=True)
class Result:
    """What an evaluation found.

    Attributes:
        evaluation: episode by episode.
        engine: what stepped the worlds.
    """

    evaluation: Evaluation
    engine: Engine

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
        film(path.parent, path.stem, self.engine, self.evaluation.recorded)

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


def evaluate(
    task: MadeTask | MadeInhandTask, policy: Policy, episodes: int = 256, seed: int = 0
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
    return Result(found, task.engine)


def train(
    task: MadeTask | MadeInhandTask,
    preset: str = "laptop",
    out: str | Path = "runs/mine",
    **budget: Any,
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
    if isinstance(task, MadeInhandTask):
        train_expert(_expert_run(task, preset, Path(out).expanduser(), budget))
        return load_stored(Path(out))
    usual = base_preset(preset)
    training = {name: getattr(usual.task, name) for name in WHOLE_EPISODES}
    check_names(budget, {f.name for f in dataclasses.fields(usual.budget)})
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


def _expert_run(
    task: MadeInhandTask, preset: str, out: Path, budget: dict[str, Any]
) -> ExpertRun:
    """A training of an in-hand task."""
    usual = expert_preset(preset)
    check_names(budget, {f.name for f in dataclasses.fields(usual.budget)})
    own = dataclasses.replace(
        task.run.task,
        easiest=usual.task.easiest,
        still_share=usual.task.still_share,
        rotation_share=usual.task.rotation_share,
        free_share=usual.task.free_share,
    )
    return dataclasses.replace(
        usual,
        scene=task.run.scene,
        task=own,
        budget=dataclasses.replace(usual.budget, **budget),
        seed=task.run.seed,
        out=out,
    )
