"""`dexjax play`: the task before any training, filmed."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import tyro
from flax import struct

from dexjax.cli.arguments import parse
from dexjax.evaluation.episodes import evaluate
from dexjax.limits import Limits
from dexjax.render.film import film
from dexjax.runs.assemble import assemble_engine, fresh_task, load_run_objects
from dexjax.runs.run import SceneConfig
from dexjax.runs.storage.files import make_folder
from dexjax.spec import PolicySpec
from dexjax.systems.resdex.presets import preset

AGENTS = ("zero", "random")
EPISODES = 8


class Agent(struct.PyTreeNode):
    """A policy that knows nothing: does nothing, or anything.

    Attributes:
        spec: it sees nothing.
        largest: magnitude of its actions.
    """

    spec: PolicySpec = struct.field(pytree_node=False)
    largest: float = struct.field(pytree_node=False)

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return jnp.zeros(batch)

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`."""
        shape = (len(carry), self.spec.actions)
        assert key is not None
        drawn = jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
        return self.largest * drawn, carry


@dataclasses.dataclass(frozen=True)
class Options:
    """Films an agent that knows nothing.

    Attributes:
        agent: "zero" (does nothing) or "random" (uniform actions).
        scene: what is simulated.
        seed: of start states and actions.
        out: folder for play.mp4 and play.png.
    """

    agent: str = "random"
    scene: Annotated[SceneConfig, tyro.conf.arg(name="")] = SceneConfig(wrist="servo")
    seed: int = 0
    out: Path = Path("runs/play")

    LIMITS: ClassVar[Limits] = {"agent": AGENTS, "seed": (0, 2_000_000_000)}


def run(arguments: Sequence[str]) -> dict:
    """Plays and films; what was held."""
    options = parse(Options, arguments, Options(), "play")
    asked = dataclasses.replace(
        preset("laptop"), scene=options.scene, seed=options.seed
    )
    make_folder(options.out)
    engine = assemble_engine(asked, load_run_objects(asked))
    task = fresh_task(asked, engine, EPISODES)
    spec = PolicySpec.of(task.spec, ())
    agent = Agent(spec, float(options.agent == "random"))
    found = evaluate(task, agent, task.episodes(EPISODES), options.seed)
    held, episodes = found.succeeded.sum(), len(found.succeeded)
    print(f"{options.agent} agent: held in {held} of {episodes} episodes")
    film(options.out, "play", engine, found.recorded)
    print(f"wrote {options.out}/play.mp4 and play.png")
    return found.summary()
