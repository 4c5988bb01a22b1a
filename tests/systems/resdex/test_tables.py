"""The paper's tables from rows of results."""

import json

import pytest
from matplotlib.figure import Figure

from dexjax.cli.main import dispatch
from dexjax.errors import DexjaxError
from dexjax.systems.resdex.pipeline import figures, tables


def row(held, seed=0, **fields):
    return {
        "policy": "hyper",
        "k": 4,
        "stage": 2,
        "residual": True,
        "split": "train",
        "success_held": held,
        "ci95": [held - 0.01, held + 0.01],
        "pose_distance": 100 * held,
        "seed": seed,
    } | fields


def test_cells_are_means_over_seeds_and_say_how_many():
    rows = [row(0.9), row(0.96, seed=1), row(0.5, k=1)]
    text = tables.table_1(rows)
    assert (
        "| hyper-policy, k = 4, stage 2 | 93.0 (92.0–94.0; 2 seeds) | not run" in text
    )
    assert "| residual only, k = 1, stage 2 | 50.0 (49.0–51.0; 1 seed) |" in text
    assert "| ResDex, k = 4, stage 2 (paper) | 94.6 | 94.4 | 95.4 |" in text
    assert "| plain PPO on all objects | not run | not run | not run |" in text


def test_distances_and_stages_are_by_k():
    rows = [row(0.8, stage=1), row(0.7, stage=1, k=2, residual=False), row(0.9)]
    assert "| ours | not run | not run | not run | 80.0 | not run" in tables.table_4(
        rows
    )
    third = tables.table_3(rows)
    assert "| mixture only, ours | not run | 70.0 (69.0–71.0; 1 seed) |" in third
    assert "| k = 4, ours | 90.0 (89.0–91.0; 1 seed) |" in tables.table_5(rows)


def test_everything_is_written_even_if_nothing_was_run(tmp_path):
    results = tmp_path / "resdex.json"
    for content in (None, [row(0.9)]):
        if content is not None:
            results.write_text(json.dumps(content))
        out = tmp_path / "out"
        dispatch(["tables", "--results", str(results), "--out", str(out)])
        text = (out / "tables.md").read_text()
        assert text.count("## Table") == 5 and "not run" in text
        for name in ("figure-2.png", "figure-3.png", "learning-curves.png"):
            assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_learning_curves_join_the_stages_of_a_seed():
    first = row(0.5, stage=1, env_steps=1_000_000, curve=[[500_000, 0.1], [10**6, 0.2]])
    second = row(0.6, env_steps=2_000_000, curve=[[2_000_000, 0.4]])
    other_split = row(0.6, split="unseen-object", env_steps=2_000_000, curve=None)
    line = figures.joined([[first], [other_split, second]])
    assert line == [(0.5, 10.0), (1.0, 20.0), (3.0, 40.0)]
    assert figures.joined([[], []]) == []


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are written, in their order."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: figures.append(self))
    return figures


def test_bars_tell_nothing_held_from_not_run(drawn, tmp_path):
    rows = [{"success_held": 0.0}]
    figures.bars(tmp_path / "x.png", "title", {"PPO": {"train": rows, "unseen": []}})
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["0.0", "not run"]


def test_figure_2_is_of_every_object_and_kind(drawn, tmp_path):
    kinds = {"geometry-unaware": 0.5, "full observation": 0.25}
    rows = [
        row(held, policy="base", object="toy_figure", kind=kind)
        for kind, held in kinds.items()
    ]
    figures.figures(rows, tmp_path)
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["toy figure"]
    assert [text.get_text() for text in axes.texts] == ["50.0", "25.0", "not run"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "holds no list of rows"),
        (["x"], "row 0 is 'x', not fields"),
        ([row(0.5), row(0.5, success_held="9" * 400)], "row 1 has success_held '99"),
        ([row(0.5, ci95=[0.1])], "has ci95"),
        ([row(0.5, seed=None)], "has seed None"),
        ([row(0.5, pose_distance=[])], "has pose_distance"),
        ([row(0.5, policy="base", object=3)], "has no object"),
        ([row(0.5, curve=[[1, 0.5]])], "no whole learning curve"),
        ([row(0.5, curve=[[1]], env_steps=9)], "no whole learning curve"),
        ([{}], "row 0 has no policy"),
    ],
)
def test_results_that_are_none(tmp_path, content, said):
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(DexjaxError, match=said):
        dispatch(["tables", "--results", str(tmp_path / "a.json")])
