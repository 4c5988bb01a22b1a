"""Saving a checkpoint survives kills and full disks: nothing is lost."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import pytest
from checkpoint_samples import two

from dexjax.errors import DexjaxError
from dexjax.runs.storage import checkpoint

_FULL_DISK = """
import resource, sys
import numpy as np
from dexjax.errors import main_guard
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.checkpoint_files import fingerprint

@main_guard
def main():
    tree = {"a": np.random.default_rng(0).random(40_000)}
    checkpoint.save(sys.argv[1], 1, tree, {})
    # Files end at 64 kB from here on: a write fails like on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    checkpoint.save(sys.argv[1], 2, tree, {})

main()
"""


def test_a_failing_write_is_one_line_and_loses_nothing(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path / "c")],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "cannot save checkpoint 2" in result.stderr
    assert os.listdir(tmp_path / "c") == ["0000000001"]
    assert checkpoint.restore(tmp_path / "c", {"a": np.zeros(40_000)})[0] == 1


def test_no_space_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise ValueError("RESOURCE_EXHAUSTED: d/4: No space left on device [28]")

    checkpoint.save(tmp_path, 1, {"a": np.zeros(2)}, {})
    monkeypatch.setattr(checkpoint.ocp, "save", full)
    with pytest.raises(DexjaxError, match="checkpoint 2 .* No space left on device;"):
        checkpoint.save(tmp_path, 2, {"a": np.zeros(2)}, {})
    assert os.listdir(tmp_path) == ["0000000001"]


def test_a_disk_too_full_is_noticed_before_anything_is_written(tmp_path, monkeypatch):
    folder = two(tmp_path).parent
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DexjaxError, match="checkpoint 3 .* No space left on device;"):
        checkpoint.save(folder, 3, {"a": jnp.zeros(4)}, {})
    assert sorted(os.listdir(folder)) == ["0000000001", "0000000002"]


_SAVER = """
import sys
import numpy as np
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.checkpoint_files import fingerprint

folder = sys.argv[1]
newest = checkpoint.latest_step(folder)
step = 0 if newest is None else newest
while True:
    step += 1
    tree = {f"layer{i}": np.full((32, 32), step) for i in range(6)}
    checkpoint.save(folder, step, tree, {"step": step})
    print(step, flush=True)
"""


def test_kill_at_random_moments(tmp_path, capsys):
    """After every SIGKILL the newest reported checkpoint, or a newer, is intact."""
    chance = random.Random(0)
    template = {f"layer{i}": np.zeros((32, 32), int) for i in range(6)}
    reported = 0
    for _ in range(10):
        saver = subprocess.Popen(
            [sys.executable, "-c", _SAVER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        reported = int(saver.stdout.readline())
        time.sleep(chance.uniform(0.0, 0.3))
        saver.send_signal(signal.SIGKILL)
        rest = saver.communicate()[0].split()
        reported = max([reported, *map(int, rest)])
        step, tree, meta = checkpoint.restore(tmp_path, template)
        assert reported <= step <= reported + 1
        assert meta == {"step": step}
        assert all((layer == step).all() for layer in tree.values())
    assert capsys.readouterr().err == ""
