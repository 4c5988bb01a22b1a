"""A hand without a policy: its joints on sliders."""

import threading
from typing import Any

import mujoco
import numpy as np
import viser

from dexjax.hands import Hand
from dexjax.scene.build import compiled
from dexjax.scene.carriers import FixedPalm, carry
from dexjax.viewer.server import close
from dexjax.viewer.stage import Poses, Stage

_HEIGHT = 0.12  # m, of the palm


class HandPage:
    """A hand with its palm up, and a slider for every joint that is driven.

    Joints that follow others do so as the hand's description says.

    Attributes:
        address: to be opened in a browser.
        angles: (joints,) rad, as the sliders stand.
    """

    def __init__(self, server: viser.ViserServer, hand: Hand):
        """Shows the hand as it starts.

        Args:
            server: from `serve`.
            hand: that is shown.
        """
        self.address = f"http://{server.get_host()}:{server.get_port()}"
        self._server, self._hand = server, hand
        self._stop = threading.Event()
        self._changed = threading.Lock()
        model = compiled(carry(hand, FixedPalm(position=(0.0, 0.0, _HEIGHT))))
        self._model, self._data = model, mujoco.MjData(model)
        self._qpos = [model.joint(joint).qposadr[0] for joint in hand.joints]
        self._stage = Stage(server)
        self._stage.fill(model)
        self._sliders = self._make_sliders()
        self.take(hand.poses["open"])

    def run(self) -> None:
        """Waits until `stop` is called or it is interrupted; then the server ends."""
        try:
            while not self._stop.wait(0.5):
                pass
        finally:
            close(self._server)

    def stop(self) -> None:
        """Ends `run`; may be called from any thread."""
        self._stop.set()

    def take(self, angles: np.ndarray) -> None:
        """Moves sliders and hand to a pose, (joints,) rad."""
        for joint, slider in self._sliders.items():
            angle = float(angles[self._hand.joints.index(joint)])
            slider.value = float(np.clip(round(angle, 3), slider.min, slider.max))
        self._follow()

    @property
    def angles(self) -> np.ndarray:
        """See above."""
        found = np.zeros(len(self._hand.joints))
        for joint, slider in self._sliders.items():
            found[self._hand.joints.index(joint)] = slider.value
        for driving, following, ratio in self._hand.couplings:
            index = self._hand.joints.index
            found[index(following)] = ratio * found[index(driving)]
        return found

    def position(self, body: str) -> np.ndarray:
        """(3,) m, world frame, of a body as it is shown."""
        return np.array(self._stage.bodies[body].position)

    def _make_sliders(self) -> dict[str, Any]:
        gui, hand = self._server.gui, self._hand
        group = gui.add_button_group("pose", tuple(hand.poses))
        group.on_click(lambda _: self.take(hand.poses[str(group.value)]))
        sliders: dict[str, Any] = {}
        for joint in hand.actuated:
            low, high = np.round(hand.joint_range[hand.joints.index(joint)], 3)
            slider = gui.add_slider(
                joint, float(low), float(high), 0.001, float(np.clip(0, low, high))
            )
            slider.on_update(lambda _: self._follow())
            sliders[joint] = slider
        return sliders

    def _follow(self) -> None:
        """Moves the hand to where the sliders are."""
        with self._changed:
            qpos = self._data.qpos.copy()
            qpos[self._qpos] = self.angles
            self._stage.place(Poses.of(self._model, self._data, qpos))
