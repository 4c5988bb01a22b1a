"""No figure on a page is older than the physics that it was measured with."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"

sys.path.insert(0, str(ROOT / "benchmarks"))  # as where a script is run
measured = importlib.import_module("result_tables.measured")
readme = importlib.import_module("readme")

FILES = sorted(
    {file for block in readme.BLOCKS.values() for file in block.file.split(", ")}
)


def test_the_physics_is_what_the_figures_were_measured_with():
    said = (
        "the physics has changed: write PHYSICS and PHYSICS_CHANGED anew, and measure"
    )
    assert measured.physics_signature() == measured.PHYSICS, said


@pytest.mark.parametrize("file", FILES)
def test_figures_are_not_older_than_the_physics(file):
    if file in measured.WITHOUT_PHYSICS:
        return
    for row in measured.rows_of(RESULTS, file):
        assert row["date"] >= measured.PHYSICS_CHANGED, row


@pytest.mark.parametrize("file", FILES)
def test_every_figure_has_a_date_and_a_commit(file):
    found = [path for path in RESULTS.glob(file) if path.stat().st_size > 4]
    rows = [*measured.rows_of(RESULTS, file)]
    assert bool(found) == bool(rows)
    assert all(len(row["commit"].partition("+")[0]) == 40 for row in rows)


def test_results_that_no_page_shows_are_not_kept():
    shown = {path for file in FILES for path in RESULTS.glob(file)}
    kept = {path for path in RESULTS.rglob("*.json")}
    assert kept - shown <= {RESULTS / "fuzz.json"}


def test_another_friction_is_another_physics(monkeypatch):
    def smoother(*arguments):
        scene = make_scene(*arguments)
        scene.models[0].geom_friction *= 0.99
        return scene

    make_scene = measured.make_scene
    monkeypatch.setattr(measured, "make_scene", smoother)
    assert measured.physics_signature() != measured.PHYSICS
