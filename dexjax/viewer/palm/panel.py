"""The panel of a hand whose palm is turned and whose controller is told what to do."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import viser

from dexjax.networks.diffusion.film_unet import MODES
from dexjax.policies.prompt import MOST_GUIDANCE
from dexjax.viewer.palm.world import PalmWorld

FILE = "prompts.json"


class PalmWishes(Protocol):
    """What a person may want of a hand beside `Wishes`."""

    def take_turn(self, turn: str) -> None:
        """Turns the palm."""

    def prompt(self, name: str, number: float) -> None:
        """Gives one of the controller's commands another number."""

    def offset(self, name: str, number: float, client: int) -> None:
        """Likewise, as long as a client is there."""

    def record(self) -> None:
        """Begins the episode again and records it."""

    def save(self, client: viser.ClientHandle) -> None:
        """Sends a client what has been recorded."""


Ask = Callable[[Callable[[Any], None]], None]


class PromptPanel:
    """Turn of the palm; for a controller also how it is told, and the recording."""

    def __init__(self, server: viser.ViserServer, world: PalmWorld, ask: Ask):
        """Builds it.

        Args:
            server: of the page.
            world: that it is about.
            ask: is called with what is wanted of a page.
        """
        self._gui, self._ask = server.gui, ask
        self._offsets: dict[str, Any] = {}
        # Above what all pages have.
        with self._gui.add_folder("Hand", order=-1.0):
            if world.is_prompted:
                self._switches(world)
            self._turn: Any = self._gui.add_dropdown(
                "palm",
                world.turns,
                initial_value=world.turn,
                hint="gravity pulls down in the picture",
            )
            self._turn.on_update(self._turned)
            if world.is_prompted:
                self._sliders(world)
                self._recordings()

    def tell(self, world: PalmWorld) -> None:
        """Shows how the world does."""
        if self._turn.value != world.turn:
            self._turn.value = world.turn
        if world.is_prompted:
            now = "recording" if world.records else "recorded"
            self._recorded.content = f"{now}: {world.recorded_s:.1f} s"

    def still(self, name: str) -> None:
        """Puts a fingertip's slider back in the middle."""
        self._offsets[name].value = 0.0

    def _switches(self, world: PalmWorld) -> None:
        self._gui.add_markdown("**Drag the blue balls:** the fingertips follow.")
        on = self._gui.add_checkbox(
            "controller", True, hint="off: the fingertips follow the bare commands"
        )
        on.on_update(partial(self._told, name="on"))
        guidance = self._gui.add_slider(
            "guidance",
            0.0,
            MOST_GUIDANCE,
            0.05,
            world.wanted["guidance"],
            hint="how far a motion goes towards the command",
        )
        guidance.on_update(partial(self._told, name="guidance"))
        mode: Any = self._gui.add_dropdown("mode", MODES)
        mode.on_update(self._mode_chosen)

    def _sliders(self, world: PalmWorld) -> None:
        size = 3 * len(world.scene.hand.fingertips)
        with self._gui.add_folder("Fingertips by number", expand_by_default=False):
            for own in world.commands[:size]:
                slider = self._gui.add_slider(
                    own.name, own.low, own.high, (own.high - own.low) / 60, own.start
                )
                slider.on_update(partial(self._moved, name=own.name))
                self._offsets[own.name] = slider

    def _recordings(self) -> None:
        record = self._gui.add_button(
            "record", hint="the episode again, and all that the controller is told"
        )
        record.on_click(lambda _: self._ask(lambda page: page.record()))
        save = self._gui.add_button("save", hint="as a file for dexjax view --replay")
        save.on_click(self._saved)
        self._recorded = self._gui.add_markdown("")

    def _turned(self, event: Any) -> None:
        # What the page itself sets has no client.
        if event.client is not None:
            turn = str(self._turn.value)
            self._ask(lambda page: page.take_turn(turn))

    def _told(self, event: Any, name: str) -> None:
        if event.client is not None:
            number = float(event.target.value)
            self._ask(lambda page: page.prompt(name, number))

    def _moved(self, event: Any, name: str) -> None:
        if event.client is not None:
            number, client = float(event.target.value), event.client_id
            self._ask(lambda page: page.offset(name, number, client))

    def _mode_chosen(self, event: Any) -> None:
        if event.client is not None:
            number = float(MODES.index(event.target.value))
            self._ask(lambda page: page.prompt("mode", number))

    def _saved(self, event: Any) -> None:
        if event.client is not None:
            client = event.client
            self._ask(lambda page: page.save(client))
