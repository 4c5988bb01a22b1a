"""Shards: whole, checked, of one spec; and a collection that is killed goes on."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dexjax.data import files, open_folder, read_shard, read_spec, write_shard, written
from dexjax.data.shards import BadShard, shard_file
from dexjax.errors import DexjaxError


def test_steps_come_back_as_they_were(folder, make_steps):
    assert written(folder) == [0, 1, 2]
    for number, length in enumerate((60, 45, 80)):
        found, given = read_shard(folder, number), make_steps(6, length, number)
        for name, array in given._asdict().items():
            own = getattr(found, name)
            assert own.dtype == array.dtype
            np.testing.assert_array_equal(own, array)


def test_a_shard_is_a_file_that_other_programs_read(folder):
    import h5py

    with h5py.File(shard_file(folder, 0)) as file:
        assert file["joints"].shape == (6, 60, 5)


def test_a_folder_of_another_spec_says_what_differs(folder, spec, make_steps):
    open_folder(folder, spec)
    assert read_spec(folder) == spec
    other = dataclasses.replace(spec, objects=("cube", "rod"), control_s=0.05)
    said = r"objects \('cube', 'rod', 'ball'\), not \('cube', 'rod'\); control_s 0.1"
    with pytest.raises(DexjaxError, match=said):
        open_folder(folder, other)
    with pytest.raises(DexjaxError, match=said):
        write_shard(folder, 7, other, make_steps())
    with pytest.raises(DexjaxError, match="shard -1: numbers begin at 0"):
        write_shard(folder, -1, spec, make_steps())
    assert written(folder) == [0, 1, 2]


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda text: text.replace("claw", "paw"), "its digest is not that"),
        (lambda text: text[:40], "is damaged"),
        (lambda text: text.replace('"joints"', '"knees"'), "is damaged"),
        (lambda text: "[]", "is damaged"),
        (lambda text: json.dumps(json.loads(text) | {"format": 9}), "of format 9"),
    ],
)
def test_a_spec_that_was_changed_is_refused(folder, change, said):
    file = folder / "spec.json"
    file.write_text(change(file.read_text()))
    with pytest.raises(DexjaxError, match=said):
        read_spec(folder)


def test_a_folder_without_a_spec_is_refused(tmp_path):
    with pytest.raises(DexjaxError, match="holds no transitions: it has no spec.json"):
        read_spec(tmp_path / "nothing")
    assert written(tmp_path / "nothing") == []


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda data: data[:-100], "is truncated: "),
        (lambda data: data[:600], "is truncated: "),
        (lambda data: data[:20], "header cannot be read"),
        (lambda data: b"", "header cannot be read"),
        (lambda data: b"[1]".ljust(600), "header cannot be read"),
        (lambda data: flipped(data, 600), "its checksum is not that"),
        (lambda data: flipped(data, len(data) - 1), "its checksum is not that"),
        (lambda data: data.replace(b'"worlds": 6', b'"worlds": 7'), "its checksum"),
        (lambda data: data.replace(b'"format": 1', b'"format": 2'), "of format 2, not"),
        (lambda data: data.replace(b'"number": 1', b'"number": 2'), "is shard 2 under"),
    ],
)
def test_a_damaged_shard_is_named(folder, change, said):
    file = shard_file(folder, 1)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(BadShard, match=f"shard-000001.h5.*{said}"):
        read_shard(folder, 1)
    read_shard(folder, 0)


def test_missing_shards_and_those_of_another_spec_are_named(
    folder, tmp_path_factory, spec, make_steps
):
    with pytest.raises(BadShard, match="shard-000009.h5 is missing"):
        read_shard(folder, 9)
    other = tmp_path_factory.mktemp("other")
    theirs = dataclasses.replace(spec, hand="paw")
    open_folder(other, theirs)
    write_shard(other, 1, theirs, make_steps())
    os.replace(shard_file(other, 1), shard_file(folder, 1))
    with pytest.raises(BadShard, match="shard-000001.h5 is of another spec"):
        read_shard(folder, 1)


def test_a_full_disk_leaves_what_was_there(folder, spec, make_steps, monkeypatch):
    class Full:
        """A file on a disk with room for a few bytes."""

        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, part):
            self.file.write(bytes(part)[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(
            files, "open", lambda path, how: Full(open(path, how)), raising=False
        )
        for number in (1, 3):
            with pytest.raises(
                DexjaxError, match=r"the disk is full: .* needs 0.\d MB"
            ):
                write_shard(folder, number, spec, make_steps())
    assert written(folder) == [0, 1, 2]
    assert {f.name for f in folder.iterdir()} == {
        "spec.json",
        *(f"shard-00000{n}.h5" for n in range(3)),
    }
    assert read_shard(folder, 1).begins.shape == (6, 45)


def test_a_folder_that_may_not_be_written_is_named(tmp_path, spec):
    (tmp_path / "file").write_text("")
    with pytest.raises(DexjaxError, match="cannot write in .*file"):
        open_folder(tmp_path / "file", spec)


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from conftest import SPEC, some_steps
from dexjax.data import write_shard
steps, folder = some_steps(64, 400), Path({folder!r})
for number in range(100, 1000):
    write_shard(folder, number, SPEC, steps)
"""


def test_a_killed_writer_leaves_whole_shards(folder, request, spec, make_steps):
    code = WRITER.format(tests=str(request.path.parent), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        until = time.monotonic() + 60
        while len(written(folder)) < 6 and time.monotonic() < until:
            time.sleep(0.005)
        # Killed while it writes, not between two shards.
        while not list(folder.glob(".partial-*")) and time.monotonic() < until:
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    numbers = written(folder)
    assert len(numbers) >= 6
    for number in numbers:
        read_shard(folder, number)
    assert numbers[3:] == list(range(100, 100 + len(numbers) - 3))
    # Who goes on with the shard in hand leaves nothing of it behind.
    write_shard(folder, numbers[-1] + 1, spec, make_steps())
    assert not list(folder.glob(".partial-*"))
