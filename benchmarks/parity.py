"""Whether the engines agree, over many worlds and in the success of a trained policy.

`python benchmarks/parity.py` takes about ten minutes on two cores, most of it on MJX.
All engines start from the same states. Without contact the trajectories are compared
with the native engine's; in contact the distributions over episodes are, by two-sample
Kolmogorov-Smirnov tests, and the share of successful episodes with its interval. Writes
benchmarks/results/parity.json, one row per engine.
"""

import dataclasses
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from scipy.stats import ks_2samp

from dexjax.errors import main_guard
from dexjax.evaluation.episodes import evaluate
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measuring_task
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json
from dexjax.runs.stored import load_stored
from dexjax.scene import Scene
from dexjax.shipped import find
from dexjax.tasks.grasp.settle import hold

ROOT = Path(__file__).resolve().parents[1]
LIFTED = 0.5  # m, hand and object into the air, where nothing touches
FREE_STEPS = 10  # control steps; the object falls 20 cm


@dataclasses.dataclass(frozen=True)
class Options:
    """Compares engines with the native one.

    Attributes:
        policy: folder of a trained policy, or the name of one that comes with dexjax.
        objects: to evaluate it on; its own by default.
        engines: names, separated by commas; native is always measured first.
        episodes: fresh episodes of each object on each engine.
        seed: of start states and episodes.
        out: JSON file, overwritten.
    """

    policy: str = "resdex/mug"
    objects: str = ""
    engines: str = "native,mjx,warp"
    episodes: int = 256
    seed: int = 0
    out: Path = ROOT / "benchmarks" / "results" / "parity.json"


def fly(engine: Engine, start: PhysicsState, seed: int) -> PhysicsState:
    """Worlds after a few control steps in the air, fingers moving moderately."""
    scene, worlds = engine.scene, len(start.qpos)
    rng = np.random.default_rng(seed)
    qpos = np.array(start.qpos)
    for place in (scene.root_qpos, scene.object_qpos):
        qpos[:, place.start + 2] += LIFTED
    # Farther apart than the object falls.
    qpos[:, scene.root_qpos.start + 2] += LIFTED
    qvel = 0.3 * rng.normal(size=(worlds, scene.model.nv))
    low, high = scene.model.actuator_ctrlrange.T
    shape = (FREE_STEPS, worlds, scene.model.nu)
    ctrl = hold(scene) + 0.1 * rng.uniform(low, high, shape)

    @jax.jit
    def run(qpos, qvel, ctrl):
        states = jax.vmap(engine.reset)(qpos, qvel, start.object_id)

        def step(states, ctrl):
            return jax.vmap(engine.step)(states, ctrl), None

        return jax.lax.scan(step, states, ctrl)[0]

    given = (jnp.asarray(x, jnp.float32) for x in (qpos, qvel, ctrl))
    return jax.device_get(run(*given))


def in_contact(scene: Scene, holding: PhysicsState) -> dict[str, np.ndarray]:
    """Quantities (episodes,) that contact decides, shortly before an episode's end."""
    tips = [scene.sensors[f"{tip}_force"] for tip in scene.hand.fingertips]
    forces = [np.linalg.norm(holding.sensordata[:, tip], axis=1) for tip in tips]
    return {
        "object_height_m": np.asarray(holding.qpos[:, scene.object_qpos][:, 2]),
        "fingertip_force_n": np.sum(forces, axis=0),
    }


def measure_engine(options: Options, name: str) -> tuple[dict, PhysicsState, dict]:
    """Success, states after flight, and quantities in contact of one engine."""
    began = time.monotonic()
    stored = load_stored(find(options.policy))
    where = Where(
        options.objects, engine=name, episodes=options.episodes, seed=options.seed
    )
    task, each = measuring_task(stored, where)
    every = task.episodes(each)
    keys = jax.random.split(jax.random.key(options.seed), len(every.start))
    starts = jax.vmap(task.reset)(keys, every).physics
    flown = fly(task.engine, starts, options.seed)
    found = evaluate(task, stored.policy, every, options.seed)
    row = {
        "engine": name,
        "policy": options.policy,
        "object": options.objects or stored.run.scene.object,
        **found.summary(),
        "seed": options.seed,
        "wall_s": round(time.monotonic() - began, 1),
    }
    return row, flown, in_contact(task.engine.scene, found.holding)


def compare(one: PhysicsState, two: PhysicsState) -> dict:
    """How far two engines' free trajectories are apart at the end."""
    return {
        "free_worlds": len(one.qpos),
        "free_seconds": float(one.time.max()),
        "free_qpos_max": float(np.abs(two.qpos - one.qpos).max()),
        "free_qvel_max": float(np.abs(two.qvel - one.qvel).max()),
    }


def distributions(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> dict:
    """Mean, spread and the p-value of "as on the native engine" of each quantity."""
    found = {}
    for name, values in two.items():
        found |= {
            f"{name}_mean": float(values.mean()),
            f"{name}_std": float(values.std()),
            f"{name}_ks_p": float(ks_2samp(one[name], values).pvalue),
        }
    return found


def parity(options: Options) -> None:
    """Measures every engine and writes what is known after each."""
    names = [name.strip() for name in options.engines.split(",") if name.strip()]
    rows: list[dict] = []
    reference = None
    for name in ["native", *(n for n in names if n != "native")]:
        row, flown, contact = measure_engine(options, name)
        reference = reference or (flown, contact)
        row |= compare(reference[0], flown) | distributions(reference[1], contact)
        rows.append(row | provenance())
        write_json(options.out, rows)
        low, high = row["ci95"]
        print(
            f"{name}: held {row['success_held']:.1%} ({low:.1%} to {high:.1%}), free "
            f"trajectories within {row['free_qpos_max']:.1e}, object height p = "
            f"{row['object_height_m_ks_p']:.2f}, force p = "
            f"{row['fingertip_force_n_ks_p']:.2f} ({row['wall_s']:.0f} s)",
            flush=True,
        )


@main_guard
def main() -> None:
    """Reads the command line and measures."""
    use_compilation_cache()
    parity(tyro.cli(Options))


if __name__ == "__main__":
    main()
