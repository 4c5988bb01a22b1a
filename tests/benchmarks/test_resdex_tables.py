"""Tables of ResDex's policies: which rows belong together, and what is left open."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def resdex(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("result_tables.resdex")


def test_policies_of_the_pipeline_are_told_apart(resdex, tmp_path):
    common = {"split": "train", "success_held": 0.9, "success_reached": 0.95}
    common |= {"episodes": 3200, "ci95": [0.89, 0.91], "pose_distance": None}
    common |= {"env_steps": 20_000_000, "wall_s": 3600, "seed": 0}
    hyper = {"policy": "hyper", "k": 4, "stage": 2, "residual": False}
    alone = {"policy": "hyper", "k": 1, "stage": 1}
    first, second = (alone | {"residual": residual} for residual in (True, False))
    student = {"policy": "student", "cloud": "seen-points"}
    base = {"policy": "base", "object": "mug", "kind": "full observation"}
    others = (first, second, student, base, {"policy": "ppo"})
    rows = [common | row for row in (hyper, *others)]
    (tmp_path / "resdex.json").write_text(json.dumps(rows))
    lines = resdex.resdex_table(tmp_path).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == [
        "| hyper-policy, k = 4, mixture only, stage 2",
        "| hyper-policy, k = 1, residual only, stage 1",
        "| hyper-policy, k = 1, base policy only, stage 1",
        "| vision student, seen-points",
        "| plain PPO on all objects",
    ]
    rest = "| train | 90.0 (89.0–91.0) | 95.0 | 3,200 |  | 20.0 | 60 | 0 |"
    assert lines[0].endswith(rest)


def test_seeds_of_a_policy_stand_beside_each_other(resdex, tmp_path):
    common = {"policy": "ppo", "success_held": 0.9, "success_reached": 0.95}
    common |= {"episodes": 3200, "ci95": [0.89, 0.91], "pose_distance": None}
    common |= {"env_steps": 20_000_000, "wall_s": 3600}
    places = [("unseen-object", 0), ("train", 0), ("train", 1), ("unseen-object", 1)]
    rows = [common | {"split": split, "seed": seed} for split, seed in places]
    student = rows[1] | {"policy": "student", "cloud": "points"}
    (tmp_path / "resdex.json").write_text(json.dumps([student, *rows]))
    lines = resdex.resdex_table(tmp_path).splitlines()[2:]
    assert [(line.split(" | ")[1], line[-3]) for line in lines] == [
        ("train", "0"),
        ("train", "0"),
        ("train", "1"),
        ("unseen-object", "0"),
        ("unseen-object", "1"),
    ]
    assert lines[0].startswith("| vision student")


def test_base_policies_of_the_pipeline_have_a_table_of_their_own(resdex, tmp_path):
    found = [
        ("mug", "geometry-unaware", 0.5, 0.6),
        ("mug", "full observation", 0.25, 0.5),
        ("bottle", "geometry-unaware", 0.1, 0.1),
    ]
    keys = ("object", "kind", "success_held", "success_reached")
    rows = [{"policy": "base"} | dict(zip(keys, row, strict=True)) for row in found]
    rows.append({"policy": "ppo"})
    (tmp_path / "resdex.json").write_text(json.dumps(rows))
    assert resdex.ablations_table(tmp_path).splitlines()[2:] == [
        "| mug | 50.0 / 60.0 | 25.0 / 50.0 |",
        "| bottle | 10.0 / 10.0 | not measured |",
    ]
    last = {"object": "bottle", "kind": "full observation", "success_held": 0.75}
    rows.append({"policy": "base", "success_reached": 1.0} | last)
    (tmp_path / "resdex.json").write_text(json.dumps(rows))
    assert resdex.ablations_table(tmp_path).splitlines()[-2:] == [
        "| bottle | 10.0 / 10.0 | 75.0 / 100.0 |",
        "| *mean* | 30.0 / 35.0 | 50.0 / 75.0 |",
    ]


def test_comparison_joins_seeds_and_leaves_gaps(resdex, tmp_path):
    common = {"policy": "ppo", "env_steps": 2_000_000}
    seeds = [("train", 0, 0.5), ("train", 1, 0.6), ("unseen-object", 1, 0.4)]
    keys = ("split", "seed", "success_held")
    rows = [common | dict(zip(keys, row, strict=True)) for row in seeds]
    one_seed = {"policy": "hyper", "k": 2, "stage": 1, "residual": True}
    rows.append(rows[0] | one_seed)
    (tmp_path / "compare.json").write_text(json.dumps(rows))
    lines = resdex.compare_table(tmp_path).splitlines()
    expected = "| plain PPO on all objects | 55.0 (50.0–60.0) | 40.0 |  |  | 2.0 | "
    assert lines[2:] == [expected + "2 |"]


def test_hyper_policies_are_shown_by_the_number_of_their_bases(resdex, tmp_path):
    keys = ("k", "stage", "residual", "split", "seed", "success_held", "pose_distance")
    rows = [
        (2, 1, True, "train", 0, 0.5, 101.2),
        (2, 1, True, "train", 1, 0.6, 102.2),
        (2, 1, True, "unseen-object", 0, 0.9, 900.0),
        (2, 1, False, "train", 0, 0.3, 99.0),
        (2, 2, True, "unseen-object", 0, 0.7, 200.0),
        (2, 2, False, "train", 0, 0.1, 300.0),
        (1, 2, True, "train", 0, 0.25, 300.0),
    ]
    rows = [{"policy": "hyper"} | dict(zip(keys, row, strict=True)) for row in rows]
    rows.append({"policy": "ppo", "seed": 0})
    (tmp_path / "compare.json").write_text(json.dumps(rows))
    assert resdex.by_k_table(tmp_path).splitlines()[2:] == [
        "| 1 |  |  | not measured | 25.0 |  |  |  | 1 |",
        "| 2 | 30.0 | 55.0 (50.0–60.0) | 102 |  | 70.0 |  |  | 2 |",
    ]


def test_hours_are_those_of_all_parts(resdex, tmp_path):
    assert resdex.hours_table(tmp_path) == "*not measured*"
    rows = [{"part": "codes", "wall_s": 630.0}, {"part": "evaluation", "wall_s": 90.0}]
    (tmp_path / "hours.json").write_text(json.dumps(rows))
    assert resdex.hours_table(tmp_path).splitlines() == [
        "| part | minutes |",
        "| --- | --- |",
        "| `codes` | 10 |",
        "| `evaluation` | 2 |",
        "| *all* | 12 |",
    ]
