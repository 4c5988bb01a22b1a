"""DexterityGen as one command: each part takes what the one before leaves."""

import dataclasses
from pathlib import Path

import pytest

from dexjax.cli.main import dispatch
from dexjax.errors import DexjaxError
from dexjax.objects.geometric import SPLITS, geometric_objects
from dexjax.systems.dexgen import pipeline
from dexjax.systems.dexgen.figure import draw_study
from dexjax.systems.dexgen.pipeline import SIZES, DexgenOptions, run_dexgen
from dexjax.systems.dexgen.presets import EXPERTS
from dexjax.systems.dexgen.trials import DISTURBANCES

PARTS = ("make_grasp_sets", "train_expert", "collect", "train_controller", "study")


@pytest.fixture
def parts(monkeypatch):
    """What each part was asked for, in order; none does anything."""
    asked = []
    for name in PARTS:

        def part(options, name=name):
            asked.append((name, options))
            return []

        monkeypatch.setattr(pipeline, name, part)
    monkeypatch.setattr(pipeline, "draw_study", lambda rows, path: None)
    return asked


@pytest.mark.parametrize("name", SIZES)
def test_every_part_takes_what_the_one_before_leaves(parts, tmp_path, name):
    run_dexgen(DexgenOptions(preset=name, seeds=(3, 5), runs=tmp_path))
    order = [part for part, _ in parts]
    assert order == [
        *["make_grasp_sets"] * len(SPLITS),
        *["train_expert"] * 2,
        "collect",
        "train_controller",
        *["study"] * len(SPLITS),
    ]
    asked = [options for _, options in parts]
    sets = {own.objects: own.out / "grasp_sets.npz" for own in asked[: len(SPLITS)]}
    one, other = (own for part, own in parts if part == "train_expert")
    assert one.scene.grasps == other.scene.grasps == sets["train"]
    assert (one.seed, other.seed) == (3, 5) and one.task.style != other.task.style
    assert one.preset == name and name in EXPERTS
    collected, controller = asked[-len(SPLITS) - 2], asked[-len(SPLITS) - 1]
    assert collected.experts == f"{one.out},{other.out}"
    assert controller.transitions == collected.out
    for split, studied in zip(SPLITS, asked[-len(SPLITS) :], strict=True):
        assert studied.expert == str(one.out)
        assert studied.controller == str(controller.out)
        assert studied.grasps == sets[split]
        assert studied.object.startswith(f"geometric/{split}")
    for own in asked:
        if dataclasses.is_dataclass(own) and hasattr(own, "check_fit"):
            own.check_fit()


def test_a_smoke_run_is_of_objects_that_there_are(parts, tmp_path):
    run_dexgen(DexgenOptions(preset="smoke", runs=tmp_path))
    names = SIZES["smoke"].names.split(",")
    assert geometric_objects("train", names).names == tuple(names)
    expert = next(own for part, own in parts if part == "train_expert")
    assert expert.scene.object == f"geometric/train/{SIZES['smoke'].names}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--preset", "huge"), "huge"),
        (("--engine", "bullet"), "bullet"),
        (("--seeds", "-1"), "-1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(parts, arguments, told):
    with pytest.raises(DexjaxError, match=told):
        dispatch(["dexgen", *arguments])
    assert not parts


def test_the_figure_has_a_column_for_each_set_of_objects(tmp_path):
    rows = []
    for objects in ("geometric/train", "geometric/heldout"):
        for number, name in enumerate(DISTURBANCES):
            for guidance in (None, 0.0, 0.1, 1.0):
                rows.append(
                    {
                        "policy": "expert",
                        "disturbance": name,
                        "controller": "" if guidance is None else "controller",
                        "guidance": guidance or 0.0,
                        "objects": objects,
                        "hold_s": 10.0 + number,
                        "hold_s_ci95": [9.0, 12.0 + number],
                        "goals_per_min": 3.0,
                        "goals_per_min_ci95": [2.0, 4.0],
                    }
                )
    file = Path(tmp_path / "study.png")
    draw_study(rows, file)
    one = file.stat().st_size
    draw_study(rows[: len(rows) // 2], file)
    assert 10_000 < file.stat().st_size < one
