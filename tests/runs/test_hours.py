"""Wall time of a pipeline's parts: counted while it passes, interruptions left out."""

import json
import time

import pytest

from dexjax.errors import DexjaxError
from dexjax.runs.records import hours as module
from dexjax.runs.records.hours import Hours


def written(path):
    return {row["part"]: row["wall_s"] for row in json.loads(path.read_text())}


def test_a_part_takes_as_long_as_its_work(tmp_path):
    path = tmp_path / "runs" / "hours.json"
    began = time.monotonic()
    hours = Hours(path)
    for part, pause in (("a", 0.6), ("b", 0.0), ("a", 0.3)):
        with hours.counting(part):
            time.sleep(pause)
    passed = time.monotonic() - began
    assert 0.9 <= hours.seconds["a"] <= passed and hours.seconds["b"] < 0.9
    assert sum(hours.seconds.values()) == pytest.approx(passed, abs=0.2)
    assert hours.total == pytest.approx(sum(hours.seconds.values()) / 3600)
    assert written(path) == pytest.approx(hours.seconds, abs=0.06)


def test_what_fails_is_counted_too(tmp_path):
    path = tmp_path / "hours.json"
    with pytest.raises(KeyboardInterrupt), Hours(path).counting("a"):
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert written(path)["a"] >= 0.2


def test_it_is_counted_on_and_a_pause_is_not(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    path = tmp_path / "hours.json"
    for _ in range(2):
        hours = Hours(path)
        with hours.counting("a"):
            now[0] += 3.0
        now[0] += 100.0
    assert written(path) == {"a": 6.0}


def test_little_is_lost_when_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TICK", 0.1)
    path = tmp_path / "hours.json"
    seen = []
    with Hours(path).counting("a"):
        for _ in range(8):
            time.sleep(0.1)
            if path.exists():
                seen.append(written(path)["a"])
    assert len(set(seen)) > 3 and seen == sorted(seen) and seen[-1] > 0.4


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "hours.json").write_text("{")
    with pytest.raises(DexjaxError, match="hours.json is not JSON"):
        Hours(tmp_path / "hours.json")
    with pytest.raises(DexjaxError, match="cannot write in"):
        Hours(tmp_path / "hours.json" / "x" / "hours.json")
