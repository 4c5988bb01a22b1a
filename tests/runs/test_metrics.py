"""Metrics survive kills and damage."""

import math

import pytest
from tensorboardX.proto import event_pb2

from dexjax.errors import DexjaxError
from dexjax.runs.records.metrics import Metrics, read_metrics


def _fill(folder, iterations, resume_after=None):
    log = Metrics(folder, resume_after)
    for i in iterations:
        log.write(i, {"env_steps": 100.0 * i, "success_held": i / 8})
    log.close()


def _events(folder):
    """Reads event files by the record format: length, checksum, data, checksum."""
    for path in sorted((folder / "tensorboard").iterdir()):
        content = path.read_bytes()
        while content:
            size = int.from_bytes(content[:8], "little")
            yield event_pb2.Event.FromString(content[12 : 12 + size])
            content = content[16 + size :]


def test_rows_read_back(tmp_path):
    _fill(tmp_path, range(3))
    text = (tmp_path / "metrics.csv").read_text()
    assert text.splitlines()[0] == "iteration,env_steps,success_held"
    assert text.splitlines()[2] == "1,100,0.125"
    assert read_metrics(tmp_path / "metrics.csv") == {
        "iteration": [0, 1, 2],
        "env_steps": [0, 100, 200],
        "success_held": [0, 0.125, 0.25],
    }


def test_a_row_is_there_when_write_returns(tmp_path):
    log = Metrics(tmp_path)
    log.write(0, {"a": 1.0})
    assert (tmp_path / "metrics.csv").read_text() == "iteration,a\n0,1\n"


def test_missing_values_are_empty_and_strangers_refused(tmp_path):
    log = Metrics(tmp_path)
    log.write(0, {"a": 1.0, "b": 2.0})
    log.write(1, {"a": 3.0})
    with pytest.raises(DexjaxError, match="no column 'c'"):
        log.write(2, {"c": 1.0})
    columns = read_metrics(tmp_path / "metrics.csv")
    assert columns["a"] == [1, 3] and math.isnan(columns["b"][1])


def test_resume_drops_what_came_after_the_checkpoint(tmp_path):
    _fill(tmp_path, range(6))
    with open(tmp_path / "metrics.csv", "a") as file:
        file.write("6,600")
    _fill(tmp_path, range(4, 8), resume_after=3)
    assert read_metrics(tmp_path / "metrics.csv")["iteration"] == list(range(8))


def test_without_resume_the_old_rows_go(tmp_path):
    _fill(tmp_path, range(6))
    _fill(tmp_path, range(2))
    assert read_metrics(tmp_path / "metrics.csv")["iteration"] == [0, 1]


@pytest.mark.parametrize("cut", range(1, 62, 5))
def test_resume_from_any_truncation(tmp_path, cut):
    _fill(tmp_path, range(4))
    path = tmp_path / "metrics.csv"
    whole = path.read_text()
    path.write_text(whole[:-cut])
    _fill(tmp_path, [4], resume_after=3)
    after = read_metrics(path)["iteration"]
    assert after[-1] == 4
    assert after[:-1] == list(range(len(after) - 1))
    assert all(line in whole for line in path.read_text().splitlines()[:-1])


def test_tensorboard_gets_every_number_and_the_purge(tmp_path):
    _fill(tmp_path, range(3))
    _fill(tmp_path, [2, 3], resume_after=1)
    seen, starts = {}, []
    for event in _events(tmp_path):
        if event.HasField("session_log"):
            starts.append(event.step)
        for value in event.summary.value:
            seen.setdefault(value.tag, []).append((event.step, value.simple_value))
    assert starts == [0, 2]
    assert seen["env_steps"] == [(0, 0), (1, 100), (2, 200), (2, 200), (3, 300)]


def test_full_disk_is_one_line(tmp_path):
    log = Metrics(tmp_path)
    log._file = open("/dev/full", "ab", buffering=0)
    with pytest.raises(DexjaxError, match="metrics.csv: No space left on device"):
        log.write(0, {"a": 1.0})


def test_unwritable_folder_is_one_line(tmp_path):
    with pytest.raises(DexjaxError, match="cannot write"):
        Metrics(tmp_path / "absent")


def test_no_rows_is_an_error(tmp_path):
    with pytest.raises(DexjaxError, match="no metrics in it"):
        read_metrics(tmp_path / "metrics.csv")
