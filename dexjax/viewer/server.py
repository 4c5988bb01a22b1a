"""The web server that a page is served by."""

import contextlib
import socket
from collections.abc import Iterator

import rich
import viser

from dexjax.errors import DexjaxError


def serve(host: str, port: int, label: str) -> viser.ViserServer:
    """Starts a server.

    Args:
        host: address that is listened at.
        port: of it.
        label: above the panel.

    Raises:
        DexjaxError: if the address is not to be had.
    """
    if not 1 <= port <= 65535:
        raise DexjaxError(f"port {port}: give 1 to 65535")
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise DexjaxError(
            f"cannot listen at {host}:{port} ({error.strerror or error}): give another "
            "--port or --host"
        ) from None
    with _quiet():
        server = viser.ViserServer(host, port, label, verbose=False)
    server.gui.configure_theme(show_share_button=False)
    server.gui.main_panel.dock_right()
    return server


def free_port(host: str) -> int:
    """A port of an address that nobody listens at."""
    with socket.socket() as trial:
        trial.bind((host, 0))
        return trial.getsockname()[1]


def close(server: viser.ViserServer) -> None:
    """Ends a server."""
    with _quiet():
        server.stop()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the lines that viser prints, by rich: in a notebook past stdout."""
    printing, rich.print = rich.print, lambda *_, **__: None
    try:
        yield
    finally:
        rich.print = printing
