"""How fast a Gymnasium environment steps, beside the jitted task that it wraps.

    python benchmarks/gym_steps.py [--worlds 64 512]

Both sides step the same worlds with the same actions, in turn; medians are kept. Writes
benchmarks/results/gym.json, one row per number of worlds.
"""

import dataclasses
import statistics
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from throughput import seconds

from dexjax.errors import main_guard
from dexjax.gym import TaskVectorEnv, make_vec
from dexjax.learners.worlds import batched
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "gym.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        worlds: of the environments.
        steps: of one measurement.
        rounds: measurements of each side.
        out: JSON file.
    """

    worlds: tuple[int, ...] = (64, 512)
    steps: int = 16
    rounds: int = 21
    out: Path = OUT


def row(worlds: int, options: Options) -> dict:
    """Control steps/s of both sides."""
    envs = make_vec("grasp", objects="mug", num_envs=worlds)
    rng = np.random.default_rng(0)
    shape = (options.steps, *envs.action_space.shape)
    actions = rng.uniform(-0.6, 0.6, shape).astype(np.float32)
    jitted, start = jax_side(envs, actions)
    envs.reset(seed=0)

    def step_envs() -> None:
        for action in actions:
            envs.step(action)

    step_envs()
    jax.block_until_ready(jitted(start))
    ours, theirs = [], []
    for _ in range(options.rounds):
        envs.reset(seed=0)
        ours.append(seconds(step_envs))
        theirs.append(seconds(lambda: jitted(start)))
    count = options.steps * worlds
    return {
        "worlds": worlds,
        "gym_steps_per_s": round(count / statistics.median(ours)),
        "jax_steps_per_s": round(count / statistics.median(theirs)),
        "share": round(
            statistics.median(b / a for a, b in zip(ours, theirs, strict=True)), 3
        ),
        **provenance(),
    }


def jax_side(envs: TaskVectorEnv, actions: np.ndarray):
    """The same steps in one jitted scan, and where they start."""
    together = batched(envs.task)
    keys = jnp.stack([jax.random.key(i) for i in range(envs.num_envs)])
    start = jax.jit(jax.vmap(envs.task.reset))(keys)

    @jax.jit
    def roll(state):
        def step(state, action):
            state = together.restart(together.advance(state, action))
            return state, (state.obs, state.reward)

        return jax.lax.scan(step, state, jnp.asarray(actions))

    return roll, start


@main_guard
def main() -> None:
    """Reads the command line and measures."""
    options = tyro.cli(Options)
    rows = []
    for worlds in options.worlds:
        rows.append(row(worlds, options))
        print(rows[-1], flush=True)
        write_json(options.out, rows)


if __name__ == "__main__":
    main()
