"""Shows the policies that come with the repository: `python experiments/demo.py`."""

import dataclasses
import sys
from pathlib import Path

from dexjax.errors import main_guard
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import (
    assemble_engine,
    load_config_objects,
    use_compilation_cache,
)
from dexjax.runs.evaluation import evaluate, every_object, fresh_task
from dexjax.runs.film import film
from dexjax.runs.folder import make_folder
from dexjax.runs.policies import load_policy

SHIPPED = Path(__file__).resolve().parents[1] / "policies"
# What no training has seen: an object of each of these many categories.
UNSEEN = "everyday/unseen-category:16"
EPISODES = 64


@dataclasses.dataclass(frozen=True)
class Options:
    """Evaluates trained policies on a few episodes and films some of them.

    Attributes:
        object: what to grasp; objects of categories that none of them was trained on
            by default.
        size: largest extent of a mesh file in m.
        dexgraspnet: folder of DexGraspNet, for its names.
        runs: folders of policies; those that come with the repository by default.
        seed: of start states and episodes.
        out: folder for a film and a picture of each policy.
    """

    object: str = UNSEEN
    size: float | None = None
    dexgraspnet: Path | None = None
    runs: tuple[Path, ...] = ()
    seed: int = 0
    out: Path = Path("runs/demo")


def shipped() -> tuple[Path, ...]:
    """The hyper-policy and its vision student."""
    return tuple(SHIPPED / name for name in ("hyper", "student"))


def show(run: Path, options: Options) -> None:
    """Evaluates and films one policy and says what was held."""
    trained = load_policy(run)
    config = dataclasses.replace(
        trained.config,
        # At this size the CPU's engine is the quickest on any device.
        engine="native",
        object=options.object,
        size=options.size,
        seed=options.seed,
        dexgraspnet=options.dexgraspnet or trained.config.dexgraspnet,
    )
    engine = assemble_engine(config, load_config_objects(config))
    each = max(EPISODES // len(engine.scene.objects), 1)
    task = fresh_task(config, engine, each)
    found = evaluate(task, trained.act, every_object(task, each), options.seed)
    print(
        f"{run.name} on {config.object}: held in {found.held.sum()} of "
        f"{len(found.held)} episodes (trained on {trained.config.object})"
    )
    film(options.out, run.name, engine.scene, found.recorded)
    print(f"wrote {options.out}/{run.name}.mp4 and {run.name}.png")


@main_guard
def main() -> None:
    """Shows one policy after the other."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    use_compilation_cache()
    make_folder(options.out)
    for run in options.runs or shipped():
        show(run, options)


if __name__ == "__main__":
    main()
