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
from dexjax.runs.stored import load_stored
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
        host: address to listen at; only this machine reaches the usual one.
        port: of it.
    """

    policy: Positional[str] = ""
    hand: str = ""
    object: str = ""
    size: float | None = None
    dexgraspnet: Path | None = None
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = 8080

    LIMITS: ClassVar[Limits] = {"seed": (0, 2_000_000_000), "port": (1, 65535)}


def run(arguments: Sequence[str]) -> dict:
    """Serves until interrupted; where, and how episodes ended."""
    options = parse(Options, arguments, Options(), "view")
    check_viser()
    if options.hand and options.policy:
        raise DexjaxError("give a policy or a hand, not both")
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
    from dexjax.viewer.page import Page
    from dexjax.viewer.server import serve
    from dexjax.viewer.worlds import live_world, loader, newer, usual_where

    use_compilation_cache()
    name = options.policy or "resdex/hyper"
    stored = load_stored(find(name))
    asked = Where(options.object, options.size, options.dexgraspnet)
    where = usual_where(stored, asked)
    world = live_world(stored, where, options.seed)
    server = serve(options.host, options.port, name)
    return Page(server, world, loader(stored, where), newer(stored))
