"""The page in the browser, for minutes: frames, steps, memory, connections.

    python benchmarks/viewer.py [--minutes 10] [--tabs 2] [--yielding]
    python benchmarks/viewer.py --picture docs/view.png

Serves what `dexjax view resdex/hyper --object mug` does and opens it in tabs of a
headless Chromium, which draws on this machine's processor beside it: at the usual
priority it takes all cores, while one that yields takes what the page leaves, which is
nearer to a browser that draws on a GPU. Completes benchmarks/results/viewer.json, or
takes no more than a picture of the page.
"""

import contextlib
import dataclasses
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import tyro
from environments.chromium import Tab, chromium
from result_tables.completing import complete

import dexjax
from dexjax.errors import main_guard
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where
from dexjax.runs.records.provenance import provenance
from dexjax.viewer.page import Page
from dexjax.viewer.server import serve
from dexjax.viewer.worlds import live_world

OUT = Path(__file__).resolve().parent / "results" / "viewer.json"
WARM_S = 60  # before memory is compared
LOWEST = 19


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures the page.

    Attributes:
        minutes: how long.
        tabs: that are open; none to see what the page does by itself.
        yielding: whether the browser has the lowest priority.
        size: width and height of a tab.
        port: of the page.
        picture: PNG file; nothing is measured then.
        out: JSON file.
    """

    minutes: float = 10.0
    tabs: int = 2
    yielding: bool = False
    size: tuple[int, int] = (800, 600)
    port: int = 8090
    picture: Path | None = None
    out: Path = OUT


def take_picture(page: Page, file: Path) -> None:
    """Of the page once the mug is in the air, without the notice on slow drawing."""
    with chromium() as browser:
        tab = Tab(browser, page.address, (1200, 800)).tab
        tab.get_by_role("button").first.dispatch_event("click")
        while int(page.world.state.step) < 100:
            tab.wait_for_timeout(50)
        tab.get_by_role("button", name="pause", exact=True).dispatch_event("click")
        tab.wait_for_timeout(3000)
        tab.screenshot(path=file)


def give_way(process: psutil.Process) -> None:
    """Gives all threads of its children the lowest priority."""
    for child in process.children(recursive=True):
        for thread in child.threads():
            # A thread may be gone by now.
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread.id, LOWEST)


def browser_said(options: Options) -> str:
    """How the browser goes about it."""
    if not options.tabs:
        return "none"
    return "yields" if options.yielding else "takes all cores"


def watch(page: Page, options: Options) -> dict:
    """Opens the tabs and looks on."""
    process = psutil.Process()
    with chromium() as browser:
        tabs = [Tab(browser, page.address, options.size) for _ in range(options.tabs)]
        if options.yielding:
            give_way(process)
        began, frames = time.monotonic(), page.frames
        page.step_s.clear()
        warm, seconds = 0.0, 60 * options.minutes
        while (passed := time.monotonic() - began) < seconds:
            if tabs:
                tabs[0].tab.wait_for_timeout(1000)
            else:
                time.sleep(1)
            if not warm and passed > min(WARM_S, seconds / 2):
                warm = process.memory_info().rss / 1e6
            print(f"\r{passed:.0f} of {seconds:.0f} s", end="", file=sys.stderr)
        passed = time.monotonic() - began
        steps = 1e3 * np.array([*page.step_s])
        row = {
            "minutes": round(passed / 60, 2),
            "tabs": options.tabs,
            "browser": browser_said(options),
            "frames_per_s": round((page.frames - frames) / passed, 1),
            "messages_per_s": [round(tab.messages / passed, 1) for tab in tabs],
            "drawn_per_s": [round(tab.drawn() / passed, 1) for tab in tabs],
            "lost_connections": sum(tab.closed for tab in tabs),
            "steps": len(steps),
            "step_ms_median": round(float(np.median(steps)), 2),
            "step_ms_p99": round(float(np.percentile(steps, 99)), 2),
            "memory_mb": [round(warm), round(process.memory_info().rss / 1e6)],
            "episodes": page.world.tally.episodes,
            **page.world.tally.outcomes,
        }
    return row


@main_guard
def main() -> None:
    """Reads the command line, serves and measures."""
    options = tyro.cli(Options)
    use_compilation_cache()
    stored = dexjax.load("resdex/hyper")
    world = live_world(stored, Where("mug", engine="native"), 0)
    page = Page(serve("127.0.0.1", options.port, "viewer"), world)
    thread = threading.Thread(target=page.run)
    thread.start()
    try:
        if options.picture is not None:
            take_picture(page, options.picture)
            return
        row = watch(page, options)
    finally:
        page.stop()
        thread.join()
    complete(options.out, [row | provenance()], ("tabs", "browser"))
    print(f"\n{row}")


if __name__ == "__main__":
    main()
