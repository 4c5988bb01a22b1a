"""Balls at the fingertips that a person drags."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import mujoco
import numpy as np
import viser

from dexjax.viewer.stage import WORLD, Poses, Stage

_BALL, _LINE = (40, 110, 235), (20, 60, 160)
_RADIUS = 0.0155  # m, more than a fingertip's


class Dragging(Protocol):
    """What dragging asks of a page."""

    def reach(self, finger: int, point: np.ndarray, client: int) -> None:
        """A client drags a fingertip to a point (3,) m, world frame."""

    def let_go(self, finger: int, client: int) -> None:
        """A client drags a fingertip no longer."""


Ask = Callable[[Callable[[Any], None]], None]


class TipHandles:
    """A ball at every fingertip; where it is dragged, it stays under the pointer."""

    def __init__(
        self, server: viser.ViserServer, stage: Stage, names: Sequence[str], ask: Ask
    ):
        """Makes them.

        Args:
            server: of the page.
            stage: that they are on.
            names: of the fingertips.
            ask: is called with what is wanted of a `Dragging`.
        """
        self._stage, self._ask = stage, ask
        # (finger, client) -> from the ball's centre to where it was grabbed, m.
        self._grabbed: dict[tuple[int, int], np.ndarray] = {}
        self.balls = [
            server.scene.add_icosphere(
                f"{WORLD}/tips/{name}",
                radius=_RADIUS,
                color=_BALL,
                opacity=0.45,
                cast_shadow=False,
            )
            for name in names
        ]
        for finger, ball in enumerate(self.balls):
            ball.on_drag(self._dragged(finger))
        self._lines = server.scene.add_line_segments(
            f"{WORLD}/ways",
            np.zeros((1, 2, 3), np.float32),
            _LINE,
            thickness=0.002,
            thickness_units="world",
            visible=False,
        )

    def place(self, tips: np.ndarray, reached: dict[int, np.ndarray]) -> None:
        """Moves the balls to where they belong.

        Args:
            tips: (F, 3) m, where the fingertips are, world frame.
            reached: finger -> where it is dragged to, (3,) m.
        """
        for finger, ball in enumerate(self.balls):
            ball.position = reached.get(finger, tips[finger])
        ways = [[tips[finger], point] for finger, point in reached.items()]
        self._lines.visible = bool(ways)
        if ways:
            self._lines.points = np.array(ways, np.float32)

    def _dragged(self, finger: int) -> Callable[[Any], Any]:
        """What follows the dragging of one ball."""

        # Not a plain function: viser keeps the order of these alone.
        async def dragged(event: viser.SceneNodeDragEvent) -> None:
            client = event.client_id
            if event.phase == "end":
                self._grabbed.pop((finger, client), None)
                self._ask(lambda page: page.let_go(finger, client))
                return
            if event.phase == "start":
                grabbed = self._stage.into_world(event.start_position)
                self._grabbed[finger, client] = grabbed - self.balls[finger].position
            point = self._stage.into_world(event.end_position)
            point -= self._grabbed[finger, client]
            self._ask(lambda page: page.reach(finger, point, client))

        return dragged


def tip_places(model: mujoco.MjModel, names: Sequence[str], poses: Poses) -> np.ndarray:
    """Where fingertips are when bodies are so, (F, 3) m, world frame."""
    found = np.zeros((len(names), 3))
    for i, name in enumerate(names):
        site = model.site(name)
        body = int(site.bodyid[0])
        mujoco.mju_rotVecQuat(found[i], site.pos, poses.quaternion[body])
        found[i] += poses.position[body]
    return found
