"""The panel beside the picture: what a person may ask for, and what is told them."""

import html
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import mujoco
import numpy as np
import viser

from dexjax.policies.policy import Command
from dexjax.viewer.live_world import LiveWorld

SPEEDS = (0.05, 2.0)  # times real time
PUSHES = (0.1, 2.0)  # m/s
# World directions as seen from where the page first looks from.
DIRECTIONS = {
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
    "away": (0, 1, 0),
    "near": (0, -1, 0),
    "up": (0, 0, 1),
}
LARGEST_SEED = 2_000_000_000
TYPING_S = 3.0
_FULL_N = 20.0  # of a bar


class Wishes(Protocol):
    """What a person may want of a world."""

    def step_once(self) -> None:
        """Stops the clock and does one step."""

    def reset(self) -> None:
        """Begins the same episode again."""

    def seed(self, seed: int) -> None:
        """Begins the episode of a seed."""

    def choose(self, name: str) -> None:
        """Begins with another object."""

    def load(self, names: str) -> None:
        """Makes other objects, named as for a training."""

    def let_act(self, acts: bool) -> None:
        """Lets the policy act, or not."""

    def tell(self, command: dict[str, float]) -> None:
        """Gives the policy a command."""

    def push(self, speed: np.ndarray) -> None:
        """Pushes the object, so that it is faster by (3,) m/s."""


Ask = Callable[[Callable[[Wishes], None]], None]


class Controls:
    """Buttons and sliders. All pages that are open share them.

    Attributes:
        playing: whether time goes on.
        speed: times real time.
        cameras: whether pictures of the cameras are wanted.
        points: whether points are wanted.
        follows: whether a newer checkpoint is to take the policy's place.
    """

    def __init__(
        self, server: viser.ViserServer, world: LiveWorld, ask: Ask, trains: bool
    ):
        """Builds the panel.

        Args:
            server: of the page.
            world: that it is about.
            ask: is called with each wish, from a thread of the server's.
            trains: whether newer checkpoints may come.
        """
        self._gui, self._ask = server.gui, ask
        self.playing = True
        self._seed_told, self._seed_typed = world.seed, -TYPING_S
        self._time(world.step_s)
        self._world(world, trains)
        if world.can_push:
            self._pushes()
        if world.commands and not world.is_prompted:
            self._commands(world.commands)
        self._senses(world)

    @property
    def speed(self) -> float:
        """See above."""
        return float(self._speed.value)

    @property
    def cameras(self) -> bool:
        """See above."""
        return bool(self._cameras.value)

    @property
    def points(self) -> bool:
        """See above."""
        return bool(self._points.value)

    @property
    def follows(self) -> bool:
        """See above."""
        return bool(self._follows.value)

    @property
    def push_speed(self) -> float:
        """m/s that a push gives."""
        return float(self._strength.value)

    def play(self, playing: bool) -> None:
        """Lets time go on, or not."""
        self.playing = playing
        self._play.label = "pause" if playing else "play"

    def hold(self, names: Sequence[str]) -> None:
        """Lists what the world may hold."""
        self._object.options = tuple(names)
        self._object.value = names[0]

    def say(self, text: str) -> None:
        """Shows one line; an empty one takes it away."""
        self._said.content = text
        self._said.visible = bool(text)

    def tell(self, world: LiveWorld, lag_ms: float) -> None:
        """Shows how the world does."""
        # The number of the next episode does not overwrite what is being typed.
        typing = time.monotonic() - self._seed_typed < TYPING_S
        if self._seed_told != world.seed and not typing:
            self._seed_told = world.seed
            self._seed.value = world.seed
        self._tally.content = world.report()
        step_ms = 1e3 * world.step_s
        self._pace.content = (
            f"policy and physics: {lag_ms:.0f} ms a step of {step_ms:.0f} ms"
        )
        _, forces = world.fingertips()
        newtons = np.linalg.norm(forces, axis=1)
        self._bars.content = bars(world.scene.hand.fingertips, newtons)

    def show(self, name: str, picture: np.ndarray) -> None:
        """Shows what a camera sees."""
        self._pictures[name].image = picture

    def _time(self, step_s: float) -> None:
        with self._gui.add_folder("Time"):
            self._play = self._gui.add_button("pause")
            self._play.on_click(lambda _: self.play(not self.playing))
            step = self._gui.add_button(
                "step", hint=f"one control step of {1e3 * step_s:.0f} ms"
            )
            step.on_click(lambda _: self._ask(lambda page: page.step_once()))
            reset = self._gui.add_button("reset", hint="this episode again")
            reset.on_click(lambda _: self._ask(lambda page: page.reset()))
            low, high = SPEEDS
            self._speed = self._gui.add_slider("speed", low, high, 0.05, 1.0)

    def _world(self, world: LiveWorld, trains: bool) -> None:
        with self._gui.add_folder("World"):
            self._object: Any = self._gui.add_dropdown("object", world.names)
            self._object.on_update(self._chosen)
            self._other = self._gui.add_text(
                "others", "", hint="other built-in objects, such as mug,can:2"
            )
            others = self._gui.add_button("load others")
            others.on_click(lambda _: self._others())
            self._seed: Any = self._gui.add_number(
                "seed",
                world.seed,
                min=0,
                max=LARGEST_SEED,
                step=1,
                hint=f"of the episode, 0 to {LARGEST_SEED:,}",
            )
            self._seed.on_update(self._seeded)
            acts = self._gui.add_checkbox(
                "policy acts",
                True,
                visible=not world.is_prompted,
                hint="off: the hand keeps its last command",
            )
            acts.on_update(lambda _: self._let_act(bool(acts.value)))
            self._follows = self._gui.add_checkbox(
                "follow the training",
                trains,
                visible=trains,
                hint="take newer checkpoints as they come",
            )
            self._said = self._gui.add_markdown("", visible=False)
            self._tally = self._gui.add_markdown("")
            self._pace = self._gui.add_markdown("")

    def _pushes(self) -> None:
        with self._gui.add_folder("Push the object"):
            low, high = PUSHES
            self._strength = self._gui.add_slider("m/s", low, high, 0.1, 0.5)
            group = self._gui.add_button_group("to the", tuple(DIRECTIONS))
            group.on_click(lambda _: self._pushed(str(group.value)))
            self._gui.add_markdown("Or click on the object.")

    def _commands(self, commands: Sequence[Command]) -> None:
        with self._gui.add_folder("Command"):
            sliders = {
                own.name: self._gui.add_slider(
                    own.name, own.low, own.high, (own.high - own.low) / 100, own.start
                )
                for own in commands
            }
            for slider in sliders.values():
                slider.on_update(lambda _: self._told(sliders))

    def _senses(self, world: LiveWorld) -> None:
        has_points = world.shown().points is not None
        with self._gui.add_folder("Senses"):
            self._bars = self._gui.add_html("")
            self._points = self._gui.add_checkbox(
                "points", has_points, visible=has_points, hint="that the policy sees"
            )
            self._cameras = self._gui.add_checkbox("cameras", False)
            blank = np.full((90, 120, 3), 235, np.uint8)
            self._pictures = {
                name: self._gui.add_image(blank, label=name, visible=False)
                for name in camera_names(world.model)
            }
            self._cameras.on_update(self._pictured)

    def _pictured(self, _: Any) -> None:
        for picture in self._pictures.values():
            picture.visible = self.cameras

    def _chosen(self, event: Any) -> None:
        # What the page itself sets has no client.
        if event.client is not None:
            name = str(self._object.value)
            self._ask(lambda page: page.choose(name))

    def _seeded(self, event: Any) -> None:
        if event.client is not None:
            self._seed_typed = time.monotonic()
            seed = int(self._seed.value)
            self._ask(lambda page: page.seed(seed))

    def _others(self) -> None:
        names = str(self._other.value)
        self._ask(lambda page: page.load(names))

    def _let_act(self, acts: bool) -> None:
        self._ask(lambda page: page.let_act(acts))

    def _told(self, sliders: dict[str, Any]) -> None:
        command = {name: float(slider.value) for name, slider in sliders.items()}
        self._ask(lambda page: page.tell(command))

    def _pushed(self, direction: str) -> None:
        speed = self.push_speed * np.array(DIRECTIONS[direction], float)
        self._ask(lambda page: page.push(speed))


def camera_names(model: mujoco.MjModel) -> tuple[str, ...]:
    """The cameras of a world."""
    return tuple(model.camera(i).name for i in range(model.ncam))


def bars(names: Sequence[str], newtons: np.ndarray) -> str:
    """HTML of a bar for each fingertip."""
    rows = []
    for name, force in zip(names, newtons, strict=True):
        share = min(force / _FULL_N, 1.0)
        rows.append(
            f"<tr><td>{html.escape(name)}</td><td style='width:55%'>"
            f"<div style='background:#c8283c;height:8px;width:{share:.0%}'></div></td>"
            f"<td style='text-align:right'>{force:.1f} N</td></tr>"
        )
    return (
        "<table style='width:100%;font-size:12px;padding:0 6px'>"
        f"{''.join(rows)}</table>"
    )
