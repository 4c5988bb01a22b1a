"""What a controller is told while it acts."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands import Hand
from dexjax.networks.diffusion.film_unet import MODES
from dexjax.policies.policy import Command

FARTHEST_M = 0.03  # that a person may send a fingertip within a control step
# With 0.1 a motion goes some half of the way to its command, with 2 nearly all of it.
MOST_GUIDANCE, START_GUIDANCE = 2.0, 0.1
_LAST_MODE = len(MODES) - 1


class Prompt(NamedTuple):
    """What a controller is told.

    Attributes:
        command: (batch, F, 3) m, where the fingertips are to go within the next control
            step, palm's frame.
        guidance: (batch,) strength alpha >= 0 with which a motion is pulled there.
        mode: (batch,) int32, index in `film_unet.MODES`.
        on: (batch,) bool, whether the models act; else the bare command does.
    """

    command: jax.Array
    guidance: jax.Array
    mode: jax.Array
    on: jax.Array


def first_prompt(batch: int, hand: Hand) -> Prompt:
    """To stay where it is, guided as `commands` starts."""
    return Prompt(
        jnp.zeros((batch, len(hand.fingertips), 3)),
        # Of the type that `prompted` gives: else a told controller compiles anew.
        jnp.full(batch, START_GUIDANCE, jnp.float32),
        jnp.zeros(batch, jnp.int32),
        jnp.ones(batch, bool),
    )


def prompted(
    carry: Prompt,
    command: Any = None,
    guidance: Any = None,
    mode: Any = None,
    on: Any = None,
) -> Prompt:
    """A prompt with what is given in the place of what was there.

    Numbers that are traced are not checked.

    Args:
        carry: what was there.
        command: (F, 3) or (batch, F, 3) m.
        guidance: () or (batch,).
        mode: () or (batch,) int.
        on: () or (batch,) bool.

    Raises:
        DexjaxError: for a command or guidance that is not finite, a guidance below 0,
            an unknown mode, or another number of worlds or fingertips.
    """
    _check("command", command, "finite", -math.inf)
    _check("guidance", guidance, "finite and at least 0", 0.0)
    _check("mode", mode, f"0 to {_LAST_MODE}", 0.0, _LAST_MODE)
    given = Prompt(command, guidance, mode, on)
    return Prompt(*map(_replaced, Prompt._fields, carry, given))


def commands(hand: Hand) -> tuple[Command, ...]:
    """The numbers of a prompt: m for each fingertip and axis; how that is followed."""
    offsets = (Command(name, -FARTHEST_M, FARTHEST_M) for name in _offsets(hand))
    return (
        *offsets,
        Command("guidance", 0.0, MOST_GUIDANCE, START_GUIDANCE),
        Command("mode", 0.0, _LAST_MODE),
        Command("on", 0.0, 1.0, 1.0),
    )


def told_prompt(carry: Prompt, hand: Hand, command: Mapping[str, Any]) -> Prompt:
    """A prompt of such numbers, by name; mode and on are rounded.

    Raises:
        DexjaxError: see `prompted`.
    """
    offsets = [command[name] for name in _offsets(hand)]
    switches = {"mode": _LAST_MODE, "on": 1}
    for name, most in switches.items():
        _check(name, command[name], f"0 to {most}", 0.0, most)
    return prompted(
        carry,
        np.reshape(offsets, (-1, 3)),
        command["guidance"],
        round(command["mode"]),
        round(command["on"]) == 1,
    )


def _offsets(hand: Hand) -> list[str]:
    """Names of the numbers of a command."""
    return [f"{tip} {axis}, m" for tip in hand.fingertips for axis in "xyz"]


def _replaced(name: str, old: jax.Array, new: Any) -> jax.Array:
    """What is given for every world, or what was there."""
    if new is None:
        return old
    try:
        return jnp.broadcast_to(jnp.asarray(new, old.dtype), old.shape)
    except ValueError:
        raise DexjaxError(
            f"{name} has shape {np.shape(new)}, does not fit {old.shape}"
        ) from None


def _check(
    name: str, given: Any, must: str, least: float, most: float = math.inf
) -> None:
    """Refuses numbers outside their limits, or not finite."""
    if given is None or isinstance(given, jax.core.Tracer):
        return
    numbers = np.asarray(given, float)
    if not (np.isfinite(numbers) & (numbers >= least) & (numbers <= most)).all():
        told = " ".join(str(given).split())
        raise DexjaxError(f"{name} {told:.40}: must be {must}")
