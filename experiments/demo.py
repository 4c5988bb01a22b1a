"""Shows the policy that comes with the repository: `python experiments/demo.py`."""

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

SHIPPED = Path(__file__).resolve().parents[1] / "policies" / "mug"
EPISODES = 64


@dataclasses.dataclass(frozen=True)
class Options:
    """Evaluates a trained policy on a few episodes and films the first of them.

    Attributes:
        object: what to grasp; what the policy was trained on by default.
        size: largest extent of a mesh file in m.
        dexgraspnet: folder of DexGraspNet, for its names.
        run: folder of the policy; the one that comes with the repository by default.
        seed: of start states and episodes.
        out: folder for demo.mp4 and demo.png.
    """

    object: str = ""
    size: float | None = None
    dexgraspnet: Path | None = None
    run: Path = SHIPPED
    seed: int = 0
    out: Path = Path("runs/demo")


@main_guard
def main() -> None:
    """Evaluates, films and says what was held."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    use_compilation_cache()
    trained = load_policy(options.run)
    config = dataclasses.replace(
        trained.config,
        # At this size the CPU's engine is the quickest on any device.
        engine="native",
        seed=options.seed,
        dexgraspnet=options.dexgraspnet or trained.config.dexgraspnet,
    )
    if options.object:
        config = dataclasses.replace(config, object=options.object, size=options.size)
    make_folder(options.out)
    engine = assemble_engine(config, load_config_objects(config))
    task = fresh_task(config, engine, EPISODES)
    found = evaluate(task, trained.act, every_object(task, EPISODES), options.seed)
    print(
        f"{config.object}: held in {found.held.sum()} of {len(found.held)} episodes "
        f"(policy trained on {trained.config.object})"
    )
    film(options.out, "demo", engine.scene, found.recorded)
    print(f"wrote {options.out}/demo.mp4 and demo.png")


if __name__ == "__main__":
    main()
