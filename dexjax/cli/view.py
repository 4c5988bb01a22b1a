"""`dexjax view`: a policy live in the browser, or a hand with sliders."""

import dataclasses
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.limits import Limits
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.shipped import find

if TYPE_CHECKING:
    from dexjax.viewer.hand_page import HandPage
    from dexjax.viewer.page import Page


@dataclasses.dataclass(frozen=True)
class Options:
    """Serves a page that shows a policy at work; Ctrl-C ends it.

    Attributes:
        policy: the run's folder, finished or not, or the name of a policy that comes
            with dexjax; "resdex/hyper" by default.
        hand: in its place: a hand, built in or your own .yaml file, with sliders.
        object: other objects than the run's own; as for a training.
        size: largest extent of a mesh file in m.
        dexgraspnet: folder of DexGraspNet; the run's own by default.
        seed: of the first episode.
        replay: file of prompts that a page of this controller has saved: says how long
            the object is held, without a page.
        host: address to listen at; only this machine reaches the usual one.
        port: of it.
    """

    policy: Positional[str] = ""
    hand: str = ""
    object: str = ""
    size: float | None = None
    dexgraspnet: Path | None = None
    seed: int = 0
    replay: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080

    LIMITS: ClassVar[Limits] = {"seed": (0, 2_000_000_000), "port": (1, 65535)}


def run(arguments: Sequence[str]) -> dict:
    """Serves until interrupted; where, and how episodes ended."""
    options = parse(Options, arguments, Options(), "view")
    check_viser()
    if options.hand and options.policy:
        raise DexjaxError("give a policy or a hand, not both")
    if options.replay is not None:
        return replay(options)
    page = hand_page(options) if options.hand else policy_page(options)
    print(f"open {page.address} in a browser; Ctrl-C ends", flush=True)
    try:
        page.run()
    except KeyboardInterrupt:
        print("\nended")
    return {"address": page.address}


def check_viser() -> None:
    """Raises DexjaxError where what serves the page is not installed."""
    try:
        importlib.import_module("viser")
    except ImportError:
        raise DexjaxError("the page needs viser: pip install 'dexjax[view]'") from None


def hand_page(options: Options) -> "HandPage":
    """A hand with sliders."""
    from dexjax.viewer.hand_page import HandPage
    from dexjax.viewer.server import serve

    hand = load_hand(options.hand)
    return HandPage(serve(options.host, options.port, f"{hand.name} hand"), hand)


def policy_page(options: Options) -> "Page":
    """A policy at work."""
    from dexjax.viewer.palm.page import make_page
    from dexjax.viewer.server import serve
    from dexjax.viewer.worlds import live_world, loader, newer

    name, stored, where = asked_for(options)
    world = live_world(stored, where, options.seed)
    server = serve(options.host, options.port, name)
    return make_page(server, world, loader(stored, where), newer(stored))


def replay(options: Options) -> dict:
    """Recorded prompts told again: seconds for which the object is held."""
    from dexjax.viewer.palm.recording import read_recording
    from dexjax.viewer.palm.replay import held
    from dexjax.viewer.worlds import live_world

    assert options.replay is not None
    recording = read_recording(options.replay)
    if options.hand:
        raise DexjaxError("prompts are told to a controller: give its run's folder")
    _, stored, where = asked_for(options)
    found = held(live_world(stored, where, 0), recording)
    print(
        f"{recording.object}, {found.recorded_s:.1f} s of prompts: held "
        f"{found.as_recorded_s:.1f} s as recorded, {found.on_s:.1f} s with the "
        f"controller on, {found.off_s:.1f} s with it off"
    )
    return dataclasses.asdict(found)


def asked_for(options: Options) -> tuple[str, StoredPolicy, Where]:
    """The policy's name, the policy, and which objects."""
    from dexjax.viewer.worlds import usual_where

    use_compilation_cache()
    name = options.policy or "resdex/hyper"
    stored = load_stored(find(name))
    asked = Where(options.object, options.size, options.dexgraspnet)
    return name, stored, usual_where(stored, asked)
