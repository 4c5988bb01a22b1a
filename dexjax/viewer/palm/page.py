"""A hand live in the browser, its palm turned and its fingertips dragged."""

from typing import Any

import numpy as np
import viser

from dexjax.errors import DexjaxError
from dexjax.render.upright import upright
from dexjax.scene.carriers import PALM_EYE, PALM_MIDDLE
from dexjax.scene.objects import OBJECT
from dexjax.tasks.inhand import InhandTask
from dexjax.viewer.bodies import body_meshes
from dexjax.viewer.page import Page
from dexjax.viewer.palm.handles import TipHandles, tip_places
from dexjax.viewer.palm.keys import bind_keys
from dexjax.viewer.palm.panel import FILE, PromptPanel
from dexjax.viewer.palm.world import PalmWorld
from dexjax.viewer.stage import WORLD, Poses

_GHOST = (70, 170, 90)


class PalmPage(Page):
    """A world of the in-hand task; see `Page`.

    The picture turns with the palm, so that gravity pulls down in it.

    Attributes:
        ghost: of the object where an expert brings it; a controller has no goal.
    """

    _world: PalmWorld
    # An object hides a ball within it: a ghost of the object is at the goal.
    _marks_goal = False

    def _furnish(self) -> None:
        world = self._world
        self._stage.look(
            tuple(world.centre + PALM_EYE), tuple(world.centre + PALM_MIDDLE)
        )
        self._panel = PromptPanel(self._server, world, self._asked.put)
        self.ghost: Any = None
        self._handles: TipHandles | None = None
        # finger -> the client that drags it, offset -> the one that gave it by number.
        self._dragging: dict[int, int] = {}
        self._given: dict[str, int] = {}
        self._chosen = 0
        if world.is_prompted:
            bind_keys(self._server, world.scene.hand.fingertips, self._asked.put)
            self._handles = TipHandles(
                self._server, self._stage, world.scene.hand.fingertips, self._asked.put
            )
        self._server.on_client_disconnect(
            lambda client: self._asked.put(lambda _: self.gone(client.client_id))
        )

    def take_turn(self, turn: str) -> None:
        """See `PalmWishes`, like those below."""
        self._world.take_turn(turn)
        self._tell()

    def prompt(self, name: str, number: float) -> None:
        """See `PalmWishes`."""
        self._world.wanted[name] = number

    def offset(self, name: str, number: float, client: int) -> None:
        """See `PalmWishes`."""
        self._given[name] = client
        self._world.wanted[name] = number

    def record(self) -> None:
        """See `PalmWishes`."""
        self._world.record()
        self._controls.say("")
        self._stand()

    def save(self, client: viser.ClientHandle) -> None:
        """See `PalmWishes`."""
        try:
            text = self._world.recording().text()
        except DexjaxError as error:
            self._controls.say(str(error))
            return
        self._world.records = False
        client.send_file_download(FILE, text.encode(), save_immediately=True)

    def reach(self, finger: int, point: np.ndarray, client: int) -> None:
        """See `Dragging`."""
        self._dragging[finger] = client
        self._world.reached[finger] = point

    def let_go(self, finger: int, client: int) -> None:
        """See `Dragging`."""
        if self._dragging.get(finger) == client:
            del self._dragging[finger]
            self._world.reached.pop(finger, None)

    def take_finger(self, finger: int) -> None:
        """See `Keyed`, like those below."""
        self._chosen = finger

    def nudge(self, offset: np.ndarray, client: int) -> None:
        """See `Keyed`."""
        finger = self._chosen
        start = self._world.reached.get(finger)
        if start is None:
            start = self._world.fingertips()[0][finger]
        self.reach(finger, start + self._world.out_of_palm(offset), client)

    def free(self) -> None:
        """See `Keyed`."""
        self._dragging.clear()
        self._world.reached.clear()

    def gone(self, client: int) -> None:
        """A client is there no longer: what it told the fingertips ends."""
        for finger in [*self._dragging]:
            self.let_go(finger, client)
        for name in [own for own, giver in self._given.items() if giver == client]:
            del self._given[name]
            self._world.wanted[name] = 0.0
            self._panel.still(name)

    def ball(self, finger: int) -> np.ndarray:
        """(3,) m, picture's frame, of the ball at a fingertip."""
        assert self._handles is not None
        return self._stage.into_picture(self._handles.balls[finger].position)

    def _fill(self) -> None:
        super()._fill()
        if self.ghost is not None:
            self.ghost.remove()
        if not self._world.is_prompted:
            mesh = body_meshes(self._world.model)[OBJECT]
            self.ghost = self._server.scene.add_mesh_simple(
                f"{WORLD}/ghost",
                mesh.vertices,
                mesh.faces,
                color=_GHOST,
                opacity=0.3,
            )
            self._tell()

    def _place(self, poses: Poses) -> None:
        super()._place(poses)
        if self._handles is not None:
            names = self._world.scene.hand.fingertips
            tips = tip_places(self._world.model, names, poses)
            self._handles.place(tips, self._world.reached)

    def _tell(self) -> None:
        super()._tell()
        self._panel.tell(self._world)
        self._stage.turn(upright(self._world.gravity), self._world.centre)
        if self.ghost is not None:
            self.ghost.position, self.ghost.wxyz = self._world.goal_pose()


def make_page(server: viser.ViserServer, world: Any, load: Any, newer: Any) -> Page:
    """The page that a world needs; see `Page`."""
    kind = PalmPage if isinstance(world.task, InhandTask) else Page
    return kind(server, world, load, newer)
