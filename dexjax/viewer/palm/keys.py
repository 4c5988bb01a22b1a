"""Keys that move a fingertip in steps: what dragging does, without a mouse.

1 to 5 choose the fingertip; I and K move it along the fingers, J and L across the palm,
U and O out of it and into it; X lets all go.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import viser

STEP_M = 0.005
# Key -> where it moves the fingertip, palm's frame.
WAYS = {
    "I": (1.0, 0.0, 0.0),
    "K": (-1.0, 0.0, 0.0),
    "J": (0.0, 1.0, 0.0),
    "L": (0.0, -1.0, 0.0),
    "U": (0.0, 0.0, 1.0),
    "O": (0.0, 0.0, -1.0),
}
_NAMES = dict(
    zip(WAYS, ("forward", "back", "left", "right", "up", "down"), strict=True)
)
FREE = "X"


class Keyed(Protocol):
    """What keys ask of a page."""

    def take_finger(self, finger: int) -> None:
        """The other keys move this fingertip from now on."""

    def nudge(self, offset: np.ndarray, client: int) -> None:
        """A client moves the chosen fingertip's goal by (3,) m, palm's frame."""

    def free(self) -> None:
        """No fingertip is led any longer."""


Ask = Callable[[Callable[[Any], None]], None]


def bind_keys(server: viser.ViserServer, fingertips: Sequence[str], ask: Ask) -> None:
    """Binds the keys; the command palette of the page lists them.

    Args:
        server: of the page.
        fingertips: their names.
        ask: is called with what is wanted of a `Keyed`.
    """
    for finger, name in enumerate(fingertips):
        _bind(server, f"move {name}", str(finger + 1), _chosen(ask, finger))
    for key, way in WAYS.items():
        offset = STEP_M * np.array(way)
        _bind(server, f"fingertip {_NAMES[key]}", key, _nudged(ask, offset))
    _bind(
        server, "let all fingertips go", FREE, lambda _: ask(lambda page: page.free())
    )


def _bind(
    server: viser.ViserServer, label: str, key: Any, triggered: Callable[[Any], None]
) -> None:
    # Not a plain function: viser keeps the order of these alone.
    async def in_order(event: Any) -> None:
        triggered(event)

    server.gui.add_command(label, hotkey=key).on_trigger(in_order)


def _chosen(ask: Ask, finger: int) -> Callable[[Any], None]:
    return lambda _: ask(lambda page: page.take_finger(finger))


def _nudged(ask: Ask, offset: np.ndarray) -> Callable[[Any], None]:
    def nudged(event: Any) -> None:
        client = event.client_id
        ask(lambda page: page.nudge(offset, client))

    return nudged
