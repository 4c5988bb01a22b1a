"""What trained controllers have learned, and how long one sample takes.

    python benchmarks/diffusion.py runs/dexgen/controller [MORE...]

Each row is a controller's own summary with the median time in which it answers one
hand, compiled and on this device. Completes benchmarks/results/diffusion.json: a row
replaces the one of the same preset, keypoints, touch and sampler.
"""

import dataclasses
import statistics
import time
from pathlib import Path

import jax
import numpy as np
import tyro
from result_tables.completing import DIFFUSION, complete
from tyro.conf import Positional

from dexjax.errors import DexjaxError, main_guard
from dexjax.policies.controller import Controller
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json
from dexjax.runs.stored import load_stored
from dexjax.shipped import find

OUT = Path(__file__).resolve().parent / "results" / "diffusion.json"
SAMPLES, WARM = 200, 20


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        controllers: folders or names of controllers.
        out: JSON file to complete.
    """

    controllers: Positional[tuple[str, ...]] = ("runs/dexgen/controller",)
    out: Path = OUT


def sample_ms(controller: Controller) -> list[float]:
    """Milliseconds of each answer to one hand, after what is compiled."""
    act = jax.jit(controller.act)
    obs = {
        own.name: np.zeros((1, *own.shape), np.float32)
        for own in controller.spec.observations
    }
    carry, taken = controller.init(1), []
    for number in range(WARM + SAMPLES):
        key = jax.random.key(number)
        began = time.perf_counter()
        action, carry = act(obs, carry, key)
        jax.block_until_ready(action)
        taken.append(1000 * (time.perf_counter() - began))
    return taken[WARM:]


def measured(name: str) -> dict:
    """One row.

    Raises:
        DexjaxError: for a policy that is no controller.
    """
    folder = find(name)
    stored = load_stored(folder)
    if not isinstance(stored.policy, Controller):
        raise DexjaxError(f"{name} is no controller")
    taken = sample_ms(stored.policy)
    trained = read_json(folder / "summary.json")
    return {
        **trained,
        "train_commit": trained["commit"],
        "sample_ms": round(statistics.median(taken), 2),
        "sample_ms_p99": round(float(np.percentile(taken, 99)), 2),
        **provenance(),
    }


@main_guard
def main() -> None:
    """Measures one after the other, and writes after each."""
    options = tyro.cli(Options)
    for name in options.controllers:
        new = measured(name)
        complete(options.out, [new], DIFFUSION)
        print(
            f"{name}: inverse dynamics {new['inverse_rad']:.4f} rad, "
            f"{new['sample_ms']:.1f} ms a sample"
        )


if __name__ == "__main__":
    main()
