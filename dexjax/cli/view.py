"""`dexjax view`: a policy live in the browser, or a hand with sliders."""

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.limits import Limits
from dexjax.objects.loading import names_builtin
from dexjax.policies.policy import Policy
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measuring_task
from dexjax.runs.storage import checkpoint
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.shipped import find

if TYPE_CHECKING:
    from dexjax.viewer.hand_page import HandPage
    from dexjax.viewer.live_world import LiveWorld
    from dexjax.viewer.page import Page

# More objects than this are not listed on a page.
MOST_OBJECTS = 64
# What is shown of policies that were trained on more.
USUAL = "mug,bottle,can,bowl,box,apple,banana,hammer"


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

    use_compilation_cache()
    name = options.policy or "resdex/hyper"
    stored = load_stored(find(name))
    where = _where(stored, options)
    print(f"making {where.object or stored.run.scene.object} …", flush=True)
    world = live_world(stored, where, options.seed)
    server = serve(options.host, options.port, name)
    return Page(server, world, loader(stored, where), newer(stored))


def _where(stored: StoredPolicy, options: Options) -> Where:
    """What the page begins with. At one world the CPU's engine is the quickest."""
    names = options.object
    if not names and stored.run.scene.object.startswith("everyday/"):
        names = USUAL
    return Where(names, options.size, options.dexgraspnet, engine="native")


def live_world(stored: StoredPolicy, where: Where, seed: int) -> "LiveWorld":
    """A world of some objects, with the policy in it.

    Raises:
        DexjaxError: for objects that are not there, or too many for a page.
    """
    from dexjax.viewer.live_world import STARTS, LiveWorld

    task, _ = measuring_task(stored, dataclasses.replace(where, episodes=STARTS))
    if len(task.objects) > MOST_OBJECTS:
        raise DexjaxError(
            f"{len(task.objects)} objects: a page lists at most {MOST_OBJECTS}; name "
            "fewer, as in everyday/train:16"
        )
    return LiveWorld(task, stored.policy, seed)


def loader(stored: StoredPolicy, where: Where) -> Callable[[str], "LiveWorld"]:
    """What makes a world of other objects that a person at the page names.

    Files are left to the command line: whoever opens the page need not be who may
    read them.
    """

    def load(names: str) -> "LiveWorld":
        if not names_builtin(names):
            raise DexjaxError(
                f"{names!r} is not built in: see dexjax objects list; a mesh file can "
                "be given where the page is started"
            )
        other = dataclasses.replace(where, object=names, size=None)
        return live_world(stored, other, 0)

    return load


def newer(stored: StoredPolicy) -> Callable[[], Policy | None] | None:
    """What looks for a newer checkpoint of a training; None for a finished one."""
    if (stored.folder / "summary.json").exists():
        return None
    step = stored.step

    def look() -> Policy | None:
        nonlocal step
        latest = checkpoint.latest_step(stored.folder / "checkpoints")
        if latest is None or latest <= step:
            return None
        try:
            found = load_stored(stored.folder)
        except DexjaxError:  # Written or taken away at this moment: the next look.
            return None
        step = found.step
        return found.policy

    return look
