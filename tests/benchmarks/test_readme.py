"""Tables of the pages are made from result files."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from dexjax.errors import DexjaxError

ROOT = Path(__file__).resolve().parents[2]


def _load_script():
    sys.path.insert(0, str(ROOT / "benchmarks"))  # as where a script is run
    spec = importlib.util.spec_from_file_location(
        "readme", ROOT / "benchmarks" / "readme.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme = _load_script()
house = importlib.import_module("house")


def _run(seed, held, **more):
    return {
        "object": "mug",
        "preset": "laptop",
        "engine": "native",
        "stop_at": 0.98,
        "seed": seed,
        "success_held": held,
        "success_reached": 1.0,
        "env_steps": 2_000_000 + 500_000 * seed,
        "wall_s": 300,
        "train_steps_per_s": 8000,
        **more,
    }


def test_without_results_every_block_says_so(tmp_path):
    text = "".join((ROOT / page).read_text() for page in readme.PAGES)
    filled = readme.fill(text, tmp_path)
    names = re.findall(r"<!-- begin (\S+) -->", text)
    assert sorted(names) == sorted(readme.BLOCKS)
    assert filled.count("*not measured*") == len(names)
    assert readme.fill(filled, tmp_path) == filled


@pytest.mark.parametrize("page", readme.PAGES)
def test_the_committed_pages_are_up_to_date(page):
    text = (ROOT / page).read_text()
    assert readme.fill(text, ROOT / "benchmarks" / "results") == text, "make readme"


def test_success_table_joins_seeds(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    contacts = {"penetration_median_mm": 0.8, "finger_overlap_median_mm": 0.1}
    runs = [_run(0, 0.95), _run(1, 1.0, contacts=contacts)]
    for run in runs:
        (folder / f"mug-{run['seed']}.json").write_text(json.dumps(run))
    table = readme.success_table(tmp_path).splitlines()
    assert len(table) == 3
    cells = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert cells[:6] == ["mug", "shadow", "laptop", "98", "native", "2"]
    assert cells[6:10] == ["97.5 (95.0)", "100.0", "2.0–2.5", "5.0"]
    assert cells[10:] == ["8,000", "0.80 / 0.10"]
    assert len(cells) == table[0].count("|") - 1 == table[1].count("|") - 1


def test_transfer_table_joins_seeds_and_leaves_gaps(tmp_path):
    car = f"sem/Car-{'6690' + 'a' * 28}@0.08"
    measured = [
        ("mug", 0, "box", 1.0),
        ("mug", 0, "bowl", 0.5),
        ("mug", 1, "box", 0.8),
        (car, 0, "box", 0.25),
    ]
    keys = ("trained_on", "training_seed", "object", "success_held")
    rows = [
        dict(zip(keys, row, strict=True)) | {"success_reached": 1.0} for row in measured
    ]
    (tmp_path / "transfer.json").write_text(json.dumps(rows))
    lines = readme.transfer_table(tmp_path).splitlines()
    assert lines[0] == "| object | mug (2) | sem/Car-6690…@0.08 (1) |"
    assert lines[2:] == [
        "| box | 90 | 25 |",
        "| bowl | 50 |  |",
        "| *mean held* | 77 | 25 |",
        "| *mean reached* | 100 | 100 |",
    ]


def test_kills_line(tmp_path):
    kills = {"kills": 20, "runs": 6, "identical": True}
    (tmp_path / "kills.json").write_text(json.dumps(kills))
    assert "20 kills" in readme.kills_line(tmp_path)
    assert "ended bit by bit as" in readme.kills_line(tmp_path)
    (tmp_path / "kills.json").write_text(json.dumps(kills | {"identical": False}))
    assert "ended not as" in readme.kills_line(tmp_path)


def test_engine_and_replay_tables(tmp_path):
    row = {"engine": "native", "what": "task pipeline", "object": "mug"}
    row |= {"device": "cpu", "worlds": 512, "ratio_to_raw": 0.885}
    row |= {"control_steps_per_s": 17400.4, "compile_s": 3.5, "objects": 64}
    (tmp_path / "throughput.json").write_text(json.dumps([row]))
    expected = (
        "| native | task pipeline | mug | 64 | cpu | 512 | 17,400 |  | 0.89 |  |  | 4 |"
    )
    assert expected in readme.BLOCKS["engines"].write(tmp_path)
    report = {
        "objects": {"a@0.06": {"grasps": 3, "share_near": 0.5, "depth_mm": 1.23456}}
    }
    report["all"] = report["objects"]["a@0.06"]
    (tmp_path / "replay.json").write_text(json.dumps(report))
    lines = readme.replay_table(tmp_path).splitlines()
    assert lines[0] == "| object | grasps | near (%) | depth mm |"
    assert lines[2] == "| a@0.06 | 3 | 50.0 | 1.23 |"


RATE = {"success_held": 0.91, "success_reached": 0.95, "ci95": [0.9, 0.925]}


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        (
            "parity",
            {"engine": "mjx", "episodes": 128, "free_qpos_max": 1.2e-6}
            | {"object_height_m_mean": 0.1995, "object_height_m_ks_p": 0.4}
            | {"fingertip_force_n_mean": 4.0, "fingertip_force_n_ks_p": 0.06},
            "| mjx | 91.0 (90.0–92.5) | 128 | 1.2e-06 | 199.5 | 0.40 | 4.0 | 0.06 |",
        ),
        (
            "peers",
            {"system": "A", "differs": "all", "control_steps_per_s": 90}
            | {"our_control_steps_per_s": 1800, "ratio_control": 20.0}
            | {"ratio_physics": 3.25},
            "| A | 90 | 1,800 | 20.0 | 3.2 | all |",
        ),
        (
            "ppo",
            {"system": "B", "update_s": 0.25, "iteration_s": 0.3}
            | {"ratio": 1.5, "ratio_same_jax": 1.25},
            "| B | 250 | 300 | 1.50 | 1.25 |",
        ),
    ],
)
def test_one_row_of_each_table(tmp_path, name, row, expected):
    (tmp_path / f"{name}.json").write_text(json.dumps([RATE | row]))
    assert readme.BLOCKS[name].write(tmp_path).splitlines()[-1] == expected


def test_iteration_and_changes_tables(tmp_path):
    part = {"kind": "part", "what": "update", "seconds": 0.2}
    part |= {"share": 0.25, "cores_busy": None}
    change = {"kind": "change", "what": "half precision", "taken": False}
    change |= {"before_s": 0.8, "after_s": 0.9, "ratio": 1.12}
    (tmp_path / "iteration.json").write_text(json.dumps([part, change]))
    parts, changes = (
        readme.BLOCKS[name].write(tmp_path) for name in ("iteration", "changes")
    )
    assert parts.splitlines()[2:] == ["| update | 200 | 25 |  |"]
    assert changes.splitlines()[2:] == ["| half precision | 800 | 900 | no |"]


def test_faulty_markers_and_files_are_named(tmp_path):
    with pytest.raises(DexjaxError, match="block 'nonsense'"):
        readme.fill("<!-- begin nonsense -->\n<!-- end nonsense -->", tmp_path)
    with pytest.raises(DexjaxError, match="'engines' must end"):
        readme.fill("<!-- begin engines -->\n", tmp_path)
    (tmp_path / "transfer.json").write_text("{")
    with pytest.raises(DexjaxError, match="transfer.json is not JSON"):
        readme.transfer_table(tmp_path)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"value": 0.4, "unit": "s", "at_most": 1.0}, "| a | 0.4 s | ≤ 1 | cpu |"),
        (
            {"value": 0.9, "unit": "of raw", "at_least": 0.94},
            "| a | 0.9 of raw | ≥ 0.94, not reached | cpu |",
        ),
        ({"value": 84, "unit": "s"}, "| a | 84 s |  | cpu |"),
    ],
)
def test_aims_stand_beside_what_was_measured(tmp_path, row, expected):
    made = house.Figure("a", **row).row() | {"device": "cpu"}
    (tmp_path / "house.json").write_text(json.dumps([made]))
    assert readme.BLOCKS["house"].write(tmp_path).splitlines()[-1] == expected


def test_a_block_says_when_it_was_measured(tmp_path):
    rows = [
        {
            "what": "clone",
            "seconds": 1.25,
            "date": "2026-11-30T01:00:00",
            "commit": "b" * 40,
        },
        {
            "what": "setup",
            "seconds": 90.0,
            "date": "2026-11-29T23:00:00",
            "commit": "a" * 40,
        },
    ]
    (tmp_path / "newcomer.json").write_text(json.dumps(rows))
    page = "<!-- begin newcomer -->\n<!-- end newcomer -->\n"
    lines = readme.fill(page, tmp_path).splitlines()
    assert lines[3:5] == ["| clone | 1 |", "| setup | 90 |"]
    assert lines[5] == "| *all* | 91 |"
    told = "*newcomer.json: 2026-11-29 to 2026-11-30, commits `aaaaaaa`, `bbbbbbb`*"
    assert lines[-2] == told
