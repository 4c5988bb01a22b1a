"""Wall time of a pipeline's parts: counted while it passes, interruptions left out."""

import json
import subprocess
import sys
import time

import pytest

from dexjax.errors import DexjaxError
from dexjax.runs import hours as module
from dexjax.runs.hours import Hours


def process(code):
    return subprocess.Popen([sys.executable, "-c", code])


def written(path):
    return {row["part"]: row["wall_s"] for row in json.loads(path.read_text())}


def test_a_part_takes_as_long_as_its_processes(tmp_path):
    path = tmp_path / "runs" / "hours.json"
    began = time.monotonic()
    hours = Hours(path)
    assert hours.wait("a", process("import time; time.sleep(0.6)")) == 0
    assert hours.wait("b", process("raise SystemExit(3)")) == 3
    assert hours.wait("a", process("import time; time.sleep(0.3)")) == 0
    passed = time.monotonic() - began
    assert 0.9 <= hours.seconds["a"] < passed
    assert sum(hours.seconds.values()) == pytest.approx(passed, abs=0.2)
    assert hours.total == pytest.approx(sum(hours.seconds.values()) / 3600)
    assert written(path) == pytest.approx(hours.seconds, abs=0.06)


def test_it_is_counted_on_and_a_pause_is_not(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    class Working:
        """Ends after 3 s."""

        def wait(self, timeout):
            now[0] += 3.0
            return 0

    path = tmp_path / "hours.json"
    Hours(path).wait("a", Working())
    now[0] += 100.0
    Hours(path).wait("a", Working())
    assert written(path) == {"a": 6.0}


def test_little_is_lost_when_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TICK", 0.1)
    path = tmp_path / "hours.json"
    seen = []
    wait = subprocess.Popen.wait

    def watched(self, timeout=None):
        if path.exists():
            seen.append(written(path)["a"])
        return wait(self, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", watched)
    Hours(path).wait("a", process("import time; time.sleep(0.8)"))
    assert len(seen) > 3 and seen == sorted(seen) and seen[-1] > 0.4


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "hours.json").write_text("{")
    with pytest.raises(DexjaxError, match="hours.json is not JSON"):
        Hours(tmp_path / "hours.json")
    with pytest.raises(DexjaxError, match="cannot make"):
        Hours(tmp_path / "hours.json" / "x" / "hours.json")
