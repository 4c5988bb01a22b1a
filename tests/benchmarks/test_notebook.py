"""The notebook runs from top to bottom."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "grasp.ipynb"
TINY = """
ADDRESS, OBJECT, PRESET, ENV_STEPS = "", "box", "smoke", 2048
EPISODES, SHOWN = 4, "mug:1"
import os

os.chdir({folder!r})
"""


def test_the_notebook_runs_headless(tmp_path):
    """In an empty folder, with a training of two iterations."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    tagged = [c for c in book.cells if "parameters" in c.metadata.get("tags", ())]
    assert len(tagged) == 1
    tagged[0].source = TINY.format(folder=str(tmp_path))
    NotebookClient(book, timeout=300, kernel_name="python3").execute()

    shown = [
        mime
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type in ("execute_result", "display_data")
        for mime in output.data
    ]
    assert "image/png" in shown and shown.count("text/html") == 3
    assert (tmp_path / "runs" / "notebook" / "summary.json").exists()
