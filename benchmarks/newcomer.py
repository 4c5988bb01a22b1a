"""A newcomer's way in seconds: from an empty folder to the first grasp in the browser.

    python benchmarks/newcomer.py [--port 8095]

Clones the repository, types `make view` with every cache of dexjax empty, opens the
page in a headless Chromium, which draws on the processor, and waits until the page says
that an episode has been held. pip's own cache is left as it is. Writes
benchmarks/results/newcomer.json, one row per step.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import tyro
from environments.chromium import Tab, chromium
from environments.startup import clone, setup_seconds

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "newcomer.json"
SIZE = (800, 600)
PATIENCE_MS = 300_000


def address_of(output: IO[str]) -> str:
    """What `make view` prints once it serves.

    Raises:
        DexjaxError: if it ends before.
    """
    for line in output:
        if line.startswith("open http"):
            return line.split()[1]
    raise DexjaxError("make view ended before it served a page")


def steps(work: Path, port: int) -> Iterator[tuple[str, float]]:
    """Does one step after the other and yields (what, seconds) of each."""
    began = time.monotonic()
    source = clone(work)
    yield "git clone, from this disk", time.monotonic() - began
    yield "`make view`: set-up", setup_seconds(source)
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "view", f"ARGS=--port {port}"],
        cwd=source,
        env=os.environ | {"XDG_CACHE_HOME": str(work / "cache")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        address = address_of(process.stdout)
        yield "`make view`: until it prints the address", time.monotonic() - began
        began = time.monotonic()
        with chromium() as browser:
            tab = Tab(browser, address, SIZE).tab
            yield "the browser shows the hand", time.monotonic() - began
            began = time.monotonic()
            held = tab.get_by_text("held 1", exact=True)
            held.wait_for(timeout=PATIENCE_MS)
            yield "the first episode ends, the mug held", time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def benchmark(port: int = 8095, out: Path = OUT) -> None:
    """Measures and writes.

    Args:
        port: of the page.
        out: JSON file to write.
    """
    rows = []
    os.environ.pop("PYTHONPATH", None)  # A newcomer has none.
    with tempfile.TemporaryDirectory() as temporary:
        for what, seconds in steps(Path(temporary), port):
            rows.append({"what": what, "seconds": round(seconds, 1)} | provenance())
            print(f"{what}: {seconds:.1f} s", flush=True)
    write_json(out, rows)


@main_guard
def main() -> None:
    """Reads the command line."""
    tyro.cli(benchmark)


if __name__ == "__main__":
    main()
