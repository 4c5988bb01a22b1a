"""Measurements on a GPU: what the script says, and how its rows join the results."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dexjax.errors import DexjaxError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run([*map(str, command)], capture_output=True, text=True)


def write(file: Path, rows: list[dict]) -> None:
    file.write_text(json.dumps(rows))


def row(engine: str, rate: int, device: str = "gpu") -> dict:
    keys = {"what": "task pipeline", "object": "mug", "worlds": 4, "device": device}
    return {**keys, "engine": engine, "control_steps_per_s": rate}


@pytest.mark.parametrize("wrong", [(), ("--tiny",), ("out", "soon"), ("out", "-5")])
def test_script_refuses(wrong, tmp_path):
    done = subprocess.run(
        ["bash", BENCHMARKS / "on_gpu.sh", *wrong],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_no_time_skips_all_parts(tmp_path):
    done = run("bash", BENCHMARKS / "on_gpu.sh", tmp_path / "out", 1)
    assert done.returncode == 1
    assert (tmp_path / "out" / "on_gpu.log").read_text().count("skipped") == 8


def test_rows_replace_those_of_their_key_alone(tmp_path):
    out, results = tmp_path / "out", tmp_path / "results"
    out.mkdir(), results.mkdir()
    other = row("warp", 1, device="cpu")
    write(results / "throughput.json", [row("warp", 1), other, row("mjx", 2)])
    write(out / "throughput.json", [row("warp", 7)])
    for policy in ("hyper", "student"):
        named = {"policy": policy, "object": "mug", "engine": "warp", "device": "gpu"}
        write(out / f"parity-{policy}-warp.json", [named])
    merge = (sys.executable, BENCHMARKS / "merge.py", out, "--results", results)
    for _ in range(2):
        done = run(*merge)
        assert done.returncode == 0, done.stderr
    joined = json.loads((results / "throughput.json").read_text())
    assert joined == [other, row("mjx", 2), row("warp", 7)]
    parity = json.loads((results / "parity_gpu.json").read_text())
    assert [found["policy"] for found in parity] == ["hyper", "student"]


def test_merging_nothing_is_said(tmp_path):
    done = run(sys.executable, BENCHMARKS / "merge.py", tmp_path)
    assert done.returncode != 0
    assert str(tmp_path) in done.stderr and "Traceback" not in done.stderr


def test_rows_are_those_asked_for(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    throughput = importlib.import_module("throughput")
    rows = throughput.plan(("warp", "mjx"), (1,), (8, 4), "gpu")
    assert [row[1:] for row in rows] == [
        ("warp", "mug", 8),
        ("warp", "mug", 4),
        ("warp", "mug", throughput.GPU_WORLDS),
        ("mjx", "mug", 8),
        ("mjx", "mug", 4),
    ]
    on_cpu = throughput.plan(("warp",), (1,), (), "cpu")
    assert [row[1:] for row in on_cpu] == [("warp", "mug", 16), ("warp", "mug", 64)]


def test_learner_alone_has_no_ratio_to_what_is_missing(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    ppo = importlib.import_module("ppo")
    (row,) = ppo.make_rows({ppo.OURS: [ppo.Times(0.2, 0.3)]})
    assert row["update_s"] == 0.2
    assert row["ratio_same_jax"] is None


def test_a_row_that_fails_loses_no_other(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    throughput = importlib.import_module("throughput")
    rows = [(divmod, 7, 2, 1), (pow, 2, 3, 5), (pow, 7, 1, 10)]
    found = []
    with pytest.raises(DexjaxError, match="7, 2, 1"):
        found.extend(throughput.measured(rows, share=False))
    assert found == [3, 7]
    assert "TypeError" in capsys.readouterr().out
