"""Shows the task before any training: `python experiments/play.py --agent random`."""

import dataclasses
import sys
from pathlib import Path

import jax
import jax.numpy as jnp

from dexjax.errors import DexjaxError, main_guard
from dexjax.hands import load_hand
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import assemble_engine, load_config_objects
from dexjax.runs.config import preset
from dexjax.runs.evaluation import Act, evaluate, every_object, fresh_task
from dexjax.runs.film import film
from dexjax.runs.folder import make_folder

AGENTS = ("zero", "random")
EPISODES = 8


@dataclasses.dataclass(frozen=True)
class Options:
    """Films an agent that knows nothing.

    Attributes:
        agent: "zero" (does nothing) or "random" (uniform actions).
        object: what lies on the table.
        hand: "shadow", "allegro", or the .yaml file that describes your own.
        size: largest extent of a mesh file in m.
        dexgraspnet: folder of DexGraspNet, for its names.
        engine: "auto", "native" or "mjx".
        seed: of start states and actions.
        out: folder for play.mp4 and play.png.
    """

    agent: str = "random"
    object: str = "mug"
    hand: str = "shadow"
    size: float | None = None
    dexgraspnet: Path | None = None
    engine: str = "auto"
    seed: int = 0
    out: Path = Path("runs/play")


def make_agent(name: str, actions: int, seed: int) -> Act:
    """An agent by name: (…, observation) -> actions (…, actions).

    Raises:
        DexjaxError: for an unknown name.
    """
    if name not in AGENTS:
        raise DexjaxError(f"agent {name!r}: choose from {', '.join(AGENTS)}")

    def act(obs: jax.Array) -> jax.Array:
        shape = (*obs.shape[:-1], actions)
        if name == "zero":
            return jnp.zeros(shape)
        # Agents are functions of the observation, so it also seeds the noise.
        noise = jax.lax.bitcast_convert_type(obs.sum(), jnp.int32)
        key = jax.random.fold_in(jax.random.key(seed), noise)
        return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)

    return act


@main_guard
def main() -> None:
    """Plays and films."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    actions = load_hand(options.hand).action_size
    agent = make_agent(options.agent, actions, options.seed)
    config = dataclasses.replace(
        preset("laptop"),
        object=options.object,
        hand=options.hand,
        size=options.size,
        dexgraspnet=options.dexgraspnet,
        engine=options.engine,
        seed=options.seed,
    )
    make_folder(options.out)
    engine = assemble_engine(config, load_config_objects(config))
    task = fresh_task(config, engine, EPISODES)
    found = evaluate(task, agent, every_object(task, EPISODES), options.seed)
    held, episodes = found.held.sum(), len(found.held)
    print(f"{options.agent} agent: held in {held} of {episodes} episodes")
    film(options.out, "play", engine.scene, found.recorded)
    print(f"wrote {options.out}/play.mp4 and play.png")


if __name__ == "__main__":
    main()
