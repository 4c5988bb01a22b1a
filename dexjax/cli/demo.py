"""`dexjax demo`: the policies that come with dexjax, filmed on unseen objects."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from dexjax.cli.arguments import parse
from dexjax.evaluation.episodes import evaluate
from dexjax.limits import Limits
from dexjax.render.film import film
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measuring_task
from dexjax.runs.storage.files import make_folder
from dexjax.runs.stored import load_stored
from dexjax.shipped import find

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
        policies: folders or names of policies.
        seed: of start states and episodes.
        out: folder for a film and a picture of each policy.
    """

    object: str = UNSEEN
    size: float | None = None
    dexgraspnet: Path | None = None
    policies: tuple[str, ...] = ("resdex/hyper", "resdex/student")
    seed: int = 0
    out: Path = Path("runs/demo")

    LIMITS: ClassVar[Limits] = {"seed": (0, 2_000_000_000)}


def run(arguments: Sequence[str]) -> list[dict]:
    """Shows one policy after the other; what each held."""
    options = parse(Options, arguments, Options(), "demo")
    use_compilation_cache()
    make_folder(options.out)
    return [show(name, options) for name in options.policies]


def show(name: str, options: Options) -> dict:
    """Evaluates and films one policy and says what was held."""
    stored = load_stored(find(name))
    # At this size the CPU's engine is the quickest on any device.
    where = Where(
        options.object,
        options.size,
        options.dexgraspnet,
        engine="native",
        episodes=1,
        seed=options.seed,
    )
    task, _ = measuring_task(stored, where)
    each = max(EPISODES // len(task.objects), 1)
    task = task.fresh(each, options.seed)
    found = evaluate(task, stored, task.episodes(each), options.seed)
    print(
        f"{name} on {options.object}: held in {found.succeeded.sum()} of "
        f"{len(found.succeeded)} episodes (trained on {stored.run.scene.object})"
    )
    file = name.strip("/").replace("/", "-")
    film(options.out, file, task.engine, found.recorded)
    print(f"wrote {options.out}/{file}.mp4 and {file}.png")
    return {"policy": name, "object": options.object, **found.summary()}
