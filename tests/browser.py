"""A headless Chromium that opens the viewer's pages."""

import contextlib
import io
import shutil
import threading
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

# WebGL on the processor.
FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 620, "height": 480}  # few pixels: a processor draws them
# What Chromium says of a drag in three.js, though nothing is amiss.
HARMLESS = "Unable to preventDefault inside passive event listener"
# The picture's part of a page, without its notices.
CANVAS = {"x": 0, "y": 150, "width": 290, "height": 330}


@contextlib.contextmanager
def chromium():
    """A browser, or the test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: apt install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def running(page):
    """A page of the viewer at work on a thread of its own."""
    thread = threading.Thread(target=page.run)
    thread.start()
    yield
    page.stop()
    thread.join(20)
    assert not thread.is_alive()


def opened(browser, address):
    """A tab at an address, and the list of what goes wrong in it."""
    tab = browser.new_page(viewport=SIZE)
    tab.set_default_timeout(60_000)
    wrong = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda m: wrong.append(m.text) if _is_wrong(m) else None)
    tab.goto(address)
    tab.locator("canvas").first.wait_for()
    return tab, wrong


def _is_wrong(message):
    return message.type == "error" and not message.text.startswith(HARMLESS)


def press(tab, name):
    """Clicks a button, without waiting for the picture to stand still."""
    tab.get_by_role("button", name=name, exact=True).dispatch_event("click")


def picture(tab) -> np.ndarray:
    """What is drawn, (height, width, 3)."""
    shot = Image.open(io.BytesIO(tab.screenshot(clip=CANVAS))).convert("RGB")
    return np.asarray(shot).astype(int)


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels that differ visibly."""
    return float((np.abs(one - other).max(axis=2) > 24).mean())


def wait(for_what, seconds: float = 60.0) -> None:
    """Until something holds; fails if it never does."""
    until = time.monotonic() + seconds
    while not for_what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
