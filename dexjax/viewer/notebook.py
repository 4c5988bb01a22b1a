"""The page inside a notebook: Jupyter's or Colab's."""

import importlib.util
import threading

from dexjax.runs.measure import Where
from dexjax.runs.stored import StoredPolicy
from dexjax.viewer.page import Page
from dexjax.viewer.palm.page import make_page
from dexjax.viewer.server import free_port, serve
from dexjax.viewer.worlds import live_world, loader, newer, usual_where

HOST = "127.0.0.1"


def show(policy: StoredPolicy, objects: str = "", height: int = 600) -> Page:
    """Shows a policy at work below the cell.

    Args:
        policy: from `dexjax.load` or `dexjax.train`.
        objects: named as for a training; those that the policy was trained on, or a
            few if these are many, by default.
        height: of the page in pixels.

    Returns:
        The page; `stop()` ends it.

    Raises:
        DexjaxError: for objects that are not there, or too many.
    """
    where = usual_where(policy, Where(objects))
    world = live_world(policy, where, seed=0)
    port = free_port(HOST)
    server = serve(HOST, port, "dexjax")
    page = make_page(server, world, loader(policy, where), newer(policy))
    threading.Thread(target=page.run, daemon=True).start()
    _embed(port, height)
    return page


def _embed(port: int, height: int) -> None:
    if importlib.util.find_spec("google.colab") is not None:
        from google.colab import output  # type: ignore[import-not-found]

        output.serve_kernel_port_as_iframe(port, height=str(height))
        return
    from IPython.display import IFrame, display

    display(IFrame(f"http://{HOST}:{port}", "100%", height))
