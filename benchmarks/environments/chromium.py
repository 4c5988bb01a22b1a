"""A headless Chromium, which draws on the processor, and a tab that counts."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from dexjax.errors import DexjaxError

FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
DRAWN = """() => {
    window.drawn = 0;
    const count = () => { window.drawn += 1; requestAnimationFrame(count); };
    count();
}"""


class Tab:
    """A tab and what came to it."""

    def __init__(self, browser, address: str, size: tuple[int, int]):
        """Opens it."""
        self.messages, self.closed = 0, 0
        self.tab = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.tab.on("websocket", self._connected)
        self.tab.goto(address)
        self.tab.locator("canvas").first.wait_for()
        self.tab.evaluate(DRAWN)

    def _connected(self, socket) -> None:
        socket.on("framereceived", self._came)
        socket.on("close", self._ended)

    def _came(self, _) -> None:
        self.messages += 1

    def _ended(self, _) -> None:
        self.closed += 1

    def drawn(self) -> int:
        """Frames drawn so far."""
        return int(self.tab.evaluate("() => window.drawn"))


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise DexjaxError("no Chromium here: apt install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=[*FLAGS])
        yield browser
        browser.close()
