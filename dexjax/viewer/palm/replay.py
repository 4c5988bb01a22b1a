"""Recorded prompts told again, and how long the object is held."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from dexjax.errors import DexjaxError
from dexjax.policies.controller import Controller
from dexjax.viewer.live_world import LiveWorld
from dexjax.viewer.palm.recording import Recording, policy_digest
from dexjax.viewer.palm.world import PalmWorld


@dataclasses.dataclass(frozen=True)
class Held:
    """How long an object was held, s.

    Attributes:
        recorded_s: all of the recording.
        as_recorded_s: with the controller on and off as it was.
        on_s: with the controller on throughout.
        off_s: with the bare commands throughout.
    """

    recorded_s: float
    as_recorded_s: float
    on_s: float
    off_s: float


def replayed(
    world: PalmWorld, recording: Recording, on: bool | None = None
) -> Iterator[np.ndarray]:
    """Does a recording again, until the object drops.

    Args:
        world: with the controller that was recorded.
        recording: what it is told.
        on: whether the controller acts, in the place of what was recorded.

    Yields:
        (nq,) after each step in which the object is held.

    Raises:
        DexjaxError: if the world has another controller, or not the object or a turn.
    """
    _check(world, recording)
    world.reached.clear()
    world.acts = True
    world.choose(world.names.index(recording.object), recording.seed)
    for row in recording.rows:
        switches = (row.guidance, row.mode, row.on if on is None else on)
        numbers = (*np.ravel(row.command).tolist(), *map(float, switches))
        world.wanted = dict(zip(world.wanted, numbers, strict=True))
        world.take_turn(row.turn)
        world.push(np.array(row.push))
        world.step()
        if bool(world.state.terminated):
            return
        yield np.array(world.state.physics.qpos)


def held(world: LiveWorld, recording: Recording) -> Held:
    """How long the object is held, as it was recorded and otherwise.

    Raises:
        DexjaxError: if no controller acts in the world; see `replayed`.
    """
    if not isinstance(world, PalmWorld):
        raise DexjaxError("prompts are told to a controller: this policy is none")
    as_was, on, off = (
        sum(1 for _ in replayed(world, recording, acts)) * world.step_s
        for acts in (None, True, False)
    )
    return Held(len(recording.rows) * world.step_s, as_was, on, off)


def _check(world: PalmWorld, recording: Recording) -> None:
    """Refuses a world that the recording is not of."""
    if not isinstance(world.policy, Controller):
        raise DexjaxError("prompts are told to a controller: this policy is none")
    digest = policy_digest(world.policy)
    if digest != recording.policy:
        raise DexjaxError(
            f"the prompts were told to controller {recording.policy}, this is {digest}"
        )
    if recording.object not in world.names:
        raise DexjaxError(
            f"the prompts were recorded with {recording.object!r}, the world has "
            f"{', '.join(world.names)}"
        )
    shape = (len(world.scene.hand.fingertips), 3)
    if any(np.shape(row.command) != shape for row in recording.rows):
        raise DexjaxError(f"the recording's commands are not all of shape {shape}")
