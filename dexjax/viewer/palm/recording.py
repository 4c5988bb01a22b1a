"""What a person told a controller, step by step: kept and read again."""

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.networks.diffusion.film_unet import MODES
from dexjax.policies.controller import Controller
from dexjax.policies.prompt import FARTHEST_M, MOST_GUIDANCE
from dexjax.viewer.controls import LARGEST_SEED


@dataclasses.dataclass(frozen=True)
class Row:
    """What held in one control step.

    Attributes:
        step: its number in the episode.
        command: F offsets of three numbers, m, palm's frame.
        guidance: strength.
        mode: index in `MODES`.
        on: whether the controller acted.
        turn: of the palm, a name.
        push: of the object, three numbers, m/s, world frame.
    """

    step: int
    command: list[list[float]]
    guidance: float
    mode: int
    on: bool
    turn: str
    push: list[float]


@dataclasses.dataclass(frozen=True)
class Recording:
    """An episode's prompts.

    Attributes:
        policy: digest of the controller.
        object: name.
        seed: of the episode, at least 0.
        rows: of all steps from the first on.
    """

    policy: str
    object: str
    seed: int
    rows: tuple[Row, ...]

    def text(self) -> str:
        """As JSON, a line for each step."""
        rows = [json.dumps(dataclasses.asdict(row)) for row in self.rows]
        head = {"policy": self.policy, "object": self.object, "seed": self.seed}
        lines = ",\n".join(rows)
        return json.dumps(head)[:-1] + f', "rows": [\n{lines}\n]}}\n'


def policy_digest(policy: Controller) -> str:
    """Of all numbers of a controller."""
    found = hashlib.sha256(f"{policy.steps} {policy.spec}".encode())
    for leaf in jax.tree.leaves(policy):
        array = np.asarray(leaf)
        found.update(f"{array.shape} {array.dtype}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def read_recording(file: Path) -> Recording:
    """Reads what a page saved.

    Raises:
        DexjaxError: if there is no such file, or it is no recording.
    """
    try:
        found = json.loads(Path(file).expanduser().read_text())
        rows = tuple(_row(*pair) for pair in enumerate(found["rows"]))
        read = Recording(found["policy"], found["object"], found["seed"], rows)
        if not (rows and read.seed in range(LARGEST_SEED + 1)):
            raise ValueError(f"{len(rows)} rows, seed {read.seed}")
    except OSError as error:
        raise DexjaxError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        told = f"{type(error).__name__}: {error}"
        raise DexjaxError(f"{file} is no recording of prompts ({told:.80})") from None
    return read


def _row(number: int, told: Any) -> Row:
    """A row of plain values.

    Raises:
        ValueError: for values that no page writes; or TypeError, KeyError.
    """
    row = Row(**told)
    numbers = np.asarray(row.command, float)
    push = np.asarray(row.push, float)
    if not (
        row.step == number
        and numbers.ndim == 2
        and np.abs(numbers).max() <= 2 * FARTHEST_M
        and 0 <= row.guidance <= MOST_GUIDANCE
        and row.mode in range(len(MODES))
        and isinstance(row.on, bool)
        and isinstance(row.turn, str)
        and push.shape == (3,)
        and math.isfinite(push.sum())
    ):
        raise ValueError(f"row {number} is none")
    return row
