"""Tells how a policy fails: `python benchmarks/failures.py resdex/hyper`.

An episode that does not hold its object has never lifted it, has dropped it again, or
still has it in the air at the end, off the goal. The result,
benchmarks/results/failures.json, holds one row for all objects, one for each quarter of
them by mass and by friction, and one for each category, the worst first.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tyro.conf import Positional

from dexjax.errors import main_guard
from dexjax.policies.policy import Policy
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measuring_task
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json
from dexjax.runs.stored import load_stored
from dexjax.shipped import find
from dexjax.tasks.grasp import Episode, GraspTask

ROOT = Path(__file__).resolve().parents[1]
LIFTED = 0.02  # m above where it lay: more than a finger's nudge
IN_THE_AIR = 0.05  # m above where it lay, at an episode's end
GROUPS = 4  # of objects, by mass and by friction
OUTCOMES = ("held", "never_lifted", "dropped", "off_goal")


@dataclasses.dataclass(frozen=True)
class Options:
    """Sorts the failed episodes of a policy by what happened in them.

    Attributes:
        policy: folder of a trained policy, or the name of one that comes with dexjax.
        split: of the everyday set: "train", "unseen-object" or "unseen-category".
        seed: of start states and episodes.
        out: JSON file.
    """

    policy: Positional[str] = "resdex/hyper"
    split: str = "train"
    seed: int = 0
    out: Path = ROOT / "benchmarks" / "results" / "failures.json"


def outcomes(task: GraspTask, policy: Policy, seed: int) -> dict[str, np.ndarray]:
    """What became of one episode of every object; name -> (objects,) bool."""
    every = jax.tree.map(lambda x: jnp.asarray(x, jnp.int32), task.episodes(1))
    keys = jax.random.split(jax.random.key(seed), len(every.start))
    height = task.engine.scene.object_qpos.start + 2

    @jax.jit
    def run(policy: Policy, keys: jax.Array, episodes: Episode):
        def step(now, key):
            worlds, carry = now
            lies_at = worlds.physics.qpos[:, height]
            action, carry = policy.act(worlds.obs, carry, key)
            worlds = jax.vmap(task.step)(worlds, action)
            return (worlds, carry), (lies_at, worlds.metrics[task.spec.success] > 0)

        now = jax.vmap(task.reset)(keys, episodes), policy.init(len(keys))
        steps = jax.random.split(keys[0], task.spec.episode_steps)
        return jax.lax.scan(step, now, steps)[1]

    lies_at, held = map(np.asarray, run(policy, keys, every))
    held, rise = held.any(axis=0), lies_at - lies_at[0]
    lifted, up = rise.max(axis=0) >= LIFTED, rise[-1] >= IN_THE_AIR
    failed = ~held & ~lifted, ~held & lifted & ~up, ~held & lifted & up
    return dict(zip(OUTCOMES, (held, *failed), strict=True))


def rows(task: GraspTask, found: dict[str, np.ndarray]) -> list[dict]:
    """The rows of the result file, but for their provenance."""
    objects = task.objects
    mass, friction = np.asarray(objects.mass), np.asarray(objects.friction)

    def of(kind: str, group: str, which: np.ndarray) -> dict:
        head = {"kind": kind, "objects": group, "episodes": int(which.sum())}
        shares = {
            outcome: float(is_so[which].mean()) for outcome, is_so in found.items()
        }
        return head | shares | {"median_mass_kg": float(np.median(mass[which]))}

    made = [of("all", "all", np.ones(len(objects), bool))]
    for kind, values, unit in (("mass", mass, " kg"), ("friction", friction, "")):
        for part in np.array_split(np.argsort(values, kind="stable"), GROUPS):
            low, high = values[part].min(), values[part].max()
            which = np.isin(np.arange(len(objects)), part)
            made.append(of(kind, f"{kind} {low:.2f} to {high:.2f}{unit}", which))
    categories = np.array(objects.categories)
    own = [of("category", c, categories == c) for c in sorted(set(categories))]
    return made + sorted(own, key=lambda row: row["held"])


@main_guard
def main() -> None:
    """Reads the command line and measures."""
    options = tyro.cli(Options)
    use_compilation_cache()
    stored = load_stored(find(options.policy))
    where = Where(f"everyday/{options.split}", episodes=1, seed=options.seed)
    task, _ = measuring_task(stored, where)
    found = rows(task, outcomes(task, stored.policy, options.seed))
    for one in found:
        shares = ", ".join(f"{o.replace('_', ' ')} {one[o]:.1%}" for o in OUTCOMES)
        print(f"{one['objects']} ({one['episodes']}): {shares}")
    head = {"policy": options.policy, "split": options.split, "seed": options.seed}
    write_json(options.out, [head | one | provenance() for one in found])
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
